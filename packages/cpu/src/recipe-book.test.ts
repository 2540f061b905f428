/** Regions that are made of recipes which an earlier run left. */
import { assembleText } from '@ringfence/assembler';
import { linkModules } from '@ringfence/wasm';
import { describe, expect, it } from 'vitest';
import { GivenUpLevel } from './given-up-code.ts';
import type { CompiledRegion, KeptRegion, RegionCompiler } from './region-compiler.ts';
import type { Region } from './region-record.ts';
import type { Regions } from './regions.ts';
import { Cr0, Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu } from './test-cpu.ts';
import { TranslationProfile } from './translation-profile.ts';

/** The function that the loop calls: in the page behind. */
const callee = 0x2010;

/** The table that the loop jumps by, and a second place that it may lead to. */
const table = 0x3000;
const [even, odd] = [0x1100, 0x1120];

/** Offset of the loop in its page, and where it goes on behind the jump. */
const again = 2;
const next = 0x1018;

const code: readonly (readonly [at: number, source: string])[] = [
  [
    0x1000,
    `
    xor eax, eax
  again:
    add eax, ecx
    imul eax, eax, 3
    call ${String(callee)}
    mov edx, ecx
    and edx, 1
    jmp [${String(table)} + edx * 4]
    dec ecx
    jnz again
    hlt`,
  ],
  [even, `rol eax, 3\njmp ${String(next)}`],
  [odd, `xor eax, 0x5a5a\njmp ${String(next)}`],
  [callee, 'add eax, eax\nret'],
];

const rounds = 4_000_000;

type Accelerator = 'interpreter' | 'translator';

/** A CPU before the loop. */
function start(accel: Accelerator = 'translator', model = 'max'): TestCpu {
  const parts = makeCpu(16 << 20, accel, model);
  for (const [at, source] of code) {
    parts.physical.write(at, assembleText(source, { bits: 32, origin: at }));
  }
  [even, odd].forEach((target, index) => parts.physical.write32(table + 4 * index, target));
  parts.cpu.start({ ...flatState(0x1000, 0x8000), gpr: [0, rounds, 0, 0, 0x8000, 0, 0, 0] });
  return parts;
}

/** A compiler that has every module at once, and remembers regions. */
class Remembering implements RegionCompiler {
  readonly kept: Map<string, readonly KeptRegion[]>;
  readonly recipes = {
    find: (key: string): readonly KeptRegion[] => this.kept.get(key) ?? [],
    keep: (key: string, region: KeptRegion): void => {
      this.kept.set(key, [region, ...(this.kept.get(key) ?? [])]);
    },
  };

  constructor(kept: Iterable<[string, readonly KeptRegion[]]> = []) {
    this.kept = new Map(kept);
  }

  compile(): Promise<never> {
    return Promise.reject(new Error('every module is there'));
  }

  find(wasm: Uint8Array<ArrayBuffer>): CompiledRegion {
    return { module: new WebAssembly.Module(linkModules([wasm])), number: 0 };
  }
}

/** What a run of the loop leaves to those behind it. */
interface Earlier {
  readonly profile: Uint8Array;
  readonly compiler: Remembering;
  readonly parts: TestCpu;
}

function regionsOf({ cpu: { regions } }: TestCpu): Regions {
  if (regions === undefined) throw new Error('no translator');
  return regions;
}

function runToHalt({ cpu }: TestCpu): void {
  for (let more = 0; more < 10_000; more++) if (cpu.run(50_000_000) === 'halt') return;
  throw new Error('the program did not end');
}

function earlier(): Earlier {
  const profile = TranslationProfile.empty();
  const [parts, compiler] = [start(), new Remembering()];
  regionsOf(parts).useProfile(profile);
  regionsOf(parts).compiler = compiler;
  runToHalt(parts);
  expect(regionsOf(parts).statistics).toMatchObject({ recalled: 0, failed: 0 });
  expect(compiler.kept.size).toBeGreaterThan(0);
  return { profile: profile.toBytes(), compiler, parts };
}

/** A CPU that goes on with what an earlier run left. */
function later({ profile, compiler }: Earlier, model = 'max'): TestCpu {
  const parts = start('translator', model);
  regionsOf(parts).useProfile(TranslationProfile.parse(profile) ?? TranslationProfile.empty());
  regionsOf(parts).compiler = new Remembering(compiler.kept);
  return parts;
}

/** The region of a run that is around the loop. */
function loopOf(parts: TestCpu): Region {
  const [region] = regionsOf(parts).page(1)?.regions ?? [];
  if (region === undefined) throw new Error('the loop is in no region');
  return region;
}

/** Makes the region around the loop; whether it was recalled. */
function isRecalled(parts: TestCpu): boolean {
  const { statistics } = regionsOf(parts);
  const before = { ...statistics };
  regionsOf(parts).compile(0x1000, 1, starts, 'the test wants it');
  expect(statistics.regions).toBe(before.regions + 1);
  return statistics.recalled > before.recalled;
}

const state = ({ machine, cpu }: TestCpu): number[] => [
  ...machine.i32.subarray(Word.gpr, Word.gpr + 16),
  cpu.eflags(),
  cpu.instructions,
];

const first = earlier();
const { starts } = loopOf(first.parts);

describe('the recipe of a region', () => {
  it('serves a later run, which ends in the state of the interpreter', () => {
    const [parts, interpreted] = [later(first), start('interpreter')];
    runToHalt(parts);
    runToHalt(interpreted);
    const { recalled, instructions } = regionsOf(parts).statistics;
    expect(recalled).toBeGreaterThan(0);
    expect(instructions).toBeGreaterThan(0.9 * parts.cpu.instructions);
    expect(state(parts)).toEqual(state(interpreted));
  });

  it('makes the region that would be lowered', () => {
    const parts = later(first);
    expect(isRecalled(parts)).toBe(true);
    const [recalled, lowered] = [loopOf(parts), loopOf(first.parts)];
    expect(recalled.code).toMatchObject({ ...lowered.code });
    expect(recalled.pages).toEqual([1, 2]);
    expect([...recalled.entries.keys()]).toEqual([...lowered.entries.keys()]);
    const offsets = (of: TestCpu): number[] => [...(regionsOf(of).page(1)?.covered.keys() ?? [])];
    expect(new Set(offsets(parts))).toEqual(new Set(offsets(first.parts)));
  });

  it('is of no use where a byte of the code is another', () => {
    const parts = later(first);
    // Of the function in the other page: 8-bit ADD.
    parts.physical.write(callee, Uint8Array.of(0x00));
    expect(isRecalled(parts)).toBe(false);
  });

  it('is of no use where other code stands in the page', () => {
    const parts = later(first);
    parts.physical.write(0x1800, Uint8Array.of(0xcc));
    expect(isRecalled(parts)).toBe(false);
  });

  it('is of no use where one of its pages is not mapped', () => {
    const parts = later(first);
    const [directory, pageTable] = [0x10_0000, 0x10_1000];
    parts.physical.write32(directory, pageTable | 3);
    for (let page = 0; page < 16; page++) {
      parts.physical.write32(pageTable + 4 * page, (page << 12) | 3);
    }
    const { control } = parts.cpu;
    control.write(3, directory);
    control.write(0, (parts.machine.i32[Word.cr0] ?? 0) | Cr0.pg);
    expect(isRecalled(parts)).toBe(true);
    parts.physical.write32(pageTable + 4 * 2, 0);
    control.write(3, directory);
    expect(isRecalled(parts)).toBe(false);
  });

  it('is of no use where a table of jumps leads elsewhere', () => {
    const parts = later(first);
    parts.physical.write32(table + 4, odd + 3);
    expect(isRecalled(parts)).toBe(false);
  });

  it('is of no use where an instruction is done otherwise, until there is one of that', () => {
    const parts = later(first);
    regionsOf(parts).ease(1, again, GivenUpLevel.apart);
    expect(isRecalled(parts)).toBe(false);
    expect(isRecalled(parts)).toBe(true);
    regionsOf(parts).ease(1, again, GivenUpLevel.hosted);
    expect(isRecalled(parts)).toBe(false);
  });

  it('is of no use where its code is written all the time', () => {
    const parts = later(first);
    for (let written = 0; written < 2; written++) {
      expect(isRecalled(parts)).toBe(true);
      // The immediate of IMUL, with what stands there.
      parts.physical.write(0x1000 + again + 4, Uint8Array.of(3));
    }
    expect(isRecalled(parts)).toBe(false);
  });

  it('gives way to one with more code', () => {
    const parts = later(first);
    const { profile } = first;
    const poor = start();
    // Without the function in the other page, which this run does not know.
    poor.physical.write(callee, Uint8Array.of(0x00));
    regionsOf(poor).useProfile(TranslationProfile.parse(profile) ?? TranslationProfile.empty());
    const { compiler } = regionsOf(parts);
    regionsOf(poor).compiler = compiler;
    expect(isRecalled(poor)).toBe(false);
    expect(loopOf(poor).code.offsets.length).toBeLessThan(loopOf(first.parts).code.offsets.length);
    expect(isRecalled(poor)).toBe(true);
    expect(isRecalled(parts)).toBe(true);
    expect(loopOf(parts).code.offsets.length).toBe(loopOf(first.parts).code.offsets.length);
  });

  it('is of no use to another CPU model', () => {
    expect(isRecalled(later(first, 'pentium'))).toBe(false);
  });

  it('is of no use where handlers have other numbers', () => {
    const parts = later({ ...first, profile: new Uint8Array() });
    expect(isRecalled(parts)).toBe(false);
  });
});
