/** Regions that are made since an earlier run had them. */
import { assembleText } from '@ringfence/assembler';
import { Layout } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { placesOf } from './region-code.ts';
import type { Regions } from './regions.ts';
import { Cr0, Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu } from './test-cpu.ts';
import { contentKey, TranslationProfile } from './translation-profile.ts';

/** Where a function stands that doubles EAX: in the page behind. */
const twice = 0x2010;

const source = (factor: number): string => `
  xor eax, eax
again:
  add eax, ecx
  imul eax, eax, ${String(factor)}
  call ${String(twice)}
  dec ecx
  jnz again
  hlt`;

/** Offsets of the loop and of IMUL in their page. */
const again = 2;
const imul = 4;

/** Offset of a function in the first page that is never called. */
const uncalled = 0x800;

const halfway = 300_000;

interface Started {
  readonly parts: TestCpu;
  readonly regions: Regions;
}

/** A CPU before a loop of so many rounds, whose code is in two pages. */
function start(profile: TranslationProfile, times: number, factor = 3): Started {
  const parts = makeCpu(16 << 20, 'translator');
  parts.physical.write(0x1000, assembleText(source(factor), { bits: 32, origin: 0x1000 }));
  parts.physical.write(twice, assembleText('add eax, eax\nret', { bits: 32, origin: twice }));
  parts.physical.write(0x1000 + uncalled, assembleText('inc eax\nret', { bits: 32, origin: 0 }));
  parts.cpu.start({ ...flatState(0x1000, 0x8000), gpr: [0, times, 0, 0, 0x8000, 0, 0, 0] });
  const { regions } = parts.cpu;
  if (regions === undefined) throw new Error('no translator');
  regions.useProfile(profile);
  return { parts, regions };
}

function runToHalt({ cpu }: TestCpu): void {
  for (let again = 0; again < 1000; again++) if (cpu.run(50_000_000) === 'halt') return;
  throw new Error('the program did not end');
}

/** The profile that a run of the program leaves. */
function learned(): TranslationProfile {
  const { parts, regions } = start(TranslationProfile.empty(), 4_000_000);
  const profile = TranslationProfile.empty();
  regions.useProfile(profile);
  runToHalt(parts);
  expect(regions.statistics.modules).toBeGreaterThan(0);
  return TranslationProfile.parse(profile.toBytes()) ?? TranslationProfile.empty();
}

/** Has a profile say that an earlier run had the function that is never called in a region. */
function noteUncalled(profile: TranslationProfile, { machine }: TestCpu): void {
  const page = profile.page(contentKey(machine.i32, (Layout.ram + 0x1000) >> 2));
  for (const offset of [uncalled, uncalled + 1]) page.known.add(offset);
  page.noteRegion([uncalled]);
}

/** Lets the guest rest for as long as there is something to do. */
function rest(regions: Regions): void {
  for (let again = 0; again < 1000; again++) if (regions.rest() === Infinity) return;
  throw new Error('there is always something to do');
}

/** Whether the loop has a region. */
const isEntered = (regions: Regions): boolean => regions.page(1)?.entered.has(again) === true;

const eax = ({ machine }: TestCpu): number => machine.i32[Word.gpr] ?? 0;

describe('code that an earlier run had translated', () => {
  it('is translated where the guest rests, as soon as its page was met', () => {
    const { parts, regions } = start(learned(), halfway);
    rest(regions);
    expect(regions.statistics.regions).toBe(0);
    parts.cpu.run(200);
    rest(regions);
    expect(regions.statistics.modules).toBeGreaterThan(0);
    runToHalt(parts);
    expect(regions.statistics.instructions).toBeGreaterThan(6 * halfway);
    const plain = start(TranslationProfile.empty(), halfway);
    runToHalt(plain.parts);
    expect(plain.regions.statistics.instructions).toBeLessThan(5 * halfway);
    expect(eax(parts)).toBe(eax(plain.parts));
  });

  it('has the same code in its regions', () => {
    const first = start(TranslationProfile.empty(), 4_000_000);
    runToHalt(first.parts);
    const { parts, regions } = start(learned(), halfway);
    parts.cpu.run(200);
    rest(regions);
    const offsets = (of: Regions): number[] =>
      [...(of.page(1)?.regions ?? [])].flatMap(({ code }) =>
        placesOf(code).map(([offset]) => offset),
      );
    expect(offsets(regions)).toEqual(offsets(first.regions));
    expect(offsets(regions).some((offset) => offset === twice - 0x1000)).toBe(true);
  });

  it('is entered wherever it was, also in the midst of another region', () => {
    const profile = learned();
    const { parts, regions } = start(profile, halfway);
    const page = profile.page(contentKey(parts.machine.i32, (Layout.ram + 0x1000) >> 2));
    // IMUL, which is no entry of the region around the loop.
    page.noteRegion([imul]);
    parts.cpu.run(200);
    rest(regions);
    expect([...(regions.page(1)?.entered.keys() ?? [])]).toEqual(expect.arrayContaining([2, imul]));
  });

  it('is translated at the first sample while the guest runs', () => {
    const { parts, regions } = start(learned(), halfway);
    parts.cpu.run(60_000);
    expect(regions.statistics.modules).toBeGreaterThan(0);
  });

  it('is translated when the guest has come to it, though it runs elsewhere by then', () => {
    const profile = learned();
    const { parts, regions } = start(profile, 5);
    noteUncalled(profile, parts);
    runToHalt(parts);
    const spin = 0x3000;
    const spinning = assembleText('again:\nxor eax, ecx\nloop again\nhlt', { bits: 32, origin: 0 });
    parts.physical.write(spin, spinning);
    parts.cpu.start({ ...flatState(spin, 0x8000), gpr: [0, 400_000, 0, 0, 0x8000, 0, 0, 0] });
    parts.cpu.run(60_000);
    const entered = [...(regions.page(1)?.entered.keys() ?? [])];
    expect(entered).toContain(again);
    expect(entered).not.toContain(uncalled);
    rest(regions);
    expect(regions.page(1)?.entered.has(uncalled)).toBe(true);
  });

  it('is left to be sampled where other code stands', () => {
    const { parts, regions } = start(learned(), halfway, 5);
    parts.cpu.run(200);
    rest(regions);
    expect(isEntered(regions)).toBe(false);
    runToHalt(parts);
    const plain = start(TranslationProfile.empty(), halfway, 5);
    runToHalt(plain.parts);
    expect(eax(parts)).toBe(eax(plain.parts));
  });

  it('is translated where its page was patched until it was the same', () => {
    const { parts, regions } = start(learned(), halfway, 5);
    parts.cpu.run(200);
    rest(regions);
    expect(isEntered(regions)).toBe(false);
    // The immediate of IMUL.
    parts.physical.write(0x1000 + imul + 2, Uint8Array.of(3));
    parts.cpu.run(200);
    rest(regions);
    expect(isEntered(regions)).toBe(true);
  });

  it('is translated where what was patched had not run, as soon as it is sampled', () => {
    const { parts, regions } = start(learned(), halfway);
    parts.physical.write(0x1000 + uncalled, Uint8Array.of(0x90));
    parts.cpu.run(200);
    rest(regions);
    expect(isEntered(regions)).toBe(false);
    parts.physical.write(0x1000 + uncalled, Uint8Array.of(0x40));
    parts.cpu.run(200);
    expect(isEntered(regions)).toBe(false);
    parts.cpu.run(60_000);
    expect(isEntered(regions)).toBe(true);
  });

  it('is translated when it is hot over several runs, of which none is long enough', () => {
    let profile = TranslationProfile.empty();
    const made: number[] = [];
    for (let run = 0; run < 4; run++) {
      const { parts, regions } = start(profile, halfway / 10);
      runToHalt(parts);
      made.push(regions.statistics.modules);
      profile = TranslationProfile.parse(profile.toBytes()) ?? profile;
    }
    expect(made[0]).toBe(0);
    expect(made.at(-1)).toBeGreaterThan(0);
  });

  it('waits for the program that it is of', () => {
    const profile = TranslationProfile.empty();
    const { parts, regions } = start(profile, halfway);
    noteUncalled(profile, parts);
    parts.cpu.run(200);
    // Another program's page table: nothing is where the code was.
    const { control } = parts.cpu;
    const [cr0, cr3] = [parts.machine.i32[Word.cr0] ?? 0, parts.machine.i32[Word.cr3] ?? 0];
    parts.physical.write(0x10_0000, new Uint8Array(4096));
    control.write(3, 0x10_0000);
    control.write(0, cr0 | Cr0.pg);
    rest(regions);
    expect(regions.statistics.regions).toBe(0);
    control.write(0, cr0);
    control.write(3, cr3);
    // It is looked for once a second.
    rest(regions);
    expect(regions.statistics.regions).toBe(0);
    parts.time.ms += 1000;
    rest(regions);
    expect(regions.statistics.modules).toBeGreaterThan(0);
  });

  it('is not translated any more when it was written since it was met', () => {
    const profile = TranslationProfile.empty();
    const { parts, regions } = start(profile, halfway);
    noteUncalled(profile, parts);
    parts.cpu.run(200);
    parts.physical.write(0x1800, Uint8Array.of(0xcc));
    rest(regions);
    expect(regions.statistics.regions).toBe(0);
  });
});
