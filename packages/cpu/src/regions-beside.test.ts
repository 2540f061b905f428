/** Regions whose modules are compiled while the guest runs on. */
import { describe, expect, it } from 'vitest';
import { assembleText } from '@ringfence/assembler';
import { linkModules } from '@ringfence/wasm';
import { sampleInterval } from './hot-code.ts';
import type { Region } from './region-record.ts';
import type { Regions } from './regions.ts';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu } from './test-cpu.ts';
import { TranslationProfile } from './translation-profile.ts';

const source = `
  xor eax, eax
again:
  mov ebx, 1
  add eax, ecx
  imul eax, eax, 3
  dec ecx
  jnz again
  hlt`;

/** A module that the test finishes when it wants to. */
interface Order {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly finish: (module: WebAssembly.Module) => void;
  readonly fail: (error: Error) => void;
}

/** A CPU in the loop, `times` rounds from its end, and the modules that it asks for. */
function start(
  times: number,
  origin = 0x1000,
): { parts: TestCpu; regions: Regions; orders: Order[] } {
  const parts = makeCpu(16 << 20, 'translator');
  parts.physical.write(origin, assembleText(source, { bits: 32, origin }));
  const state = flatState(origin, 0x8000);
  parts.cpu.start({ ...state, gpr: [0, times, 0, 0, 0x8000, 0, 0, 0] });
  const { regions } = parts.cpu;
  if (regions === undefined) throw new Error('no translator');
  const orders: Order[] = [];
  regions.compiler = {
    compile: (wasm) =>
      new Promise((finish, fail) => {
        orders.push({ wasm, finish, fail });
      }),
  };
  return { parts, regions, orders };
}

/** Lets what waits for a promise run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function runToHalt({ cpu }: TestCpu): void {
  for (let again = 0; again < 100_000; again++) if (cpu.run(50_000_000) === 'halt') return;
  throw new Error('the program did not end');
}

/** EAX at the end of the loop. */
function expected(times: number, factor: number): number {
  let value = 0;
  for (let count = times; count > 0; count--) value = Math.imul((value + count) | 0, factor);
  return value;
}

const eax = ({ machine }: TestCpu): number => machine.i32[Word.gpr] ?? 0;

describe('a region that is compiled beside the guest', () => {
  it('is asked for once, while the interpreter goes on, and entered when it is there', async () => {
    const { parts, regions, orders } = start(40_000_000);
    while (orders.length === 0) expect(parts.cpu.run(1_000_000)).toBe('budget');
    for (let more = 0; more < 20; more++) parts.cpu.run(1_000_000);
    expect(orders).toHaveLength(1);
    expect(regions.statistics).toMatchObject({ regions: 1, modules: 0, instructions: 0 });
    orders[0]?.finish(new WebAssembly.Module(orders[0].wasm));
    await settled();
    runToHalt(parts);
    expect(regions.statistics.modules).toBe(1);
    expect(regions.statistics.instructions).toBeGreaterThan(50_000_000);
    expect(eax(parts)).toBe(expected(40_000_000, 3));
  });

  it('is entered at once when the compiler has its module', () => {
    const { parts, regions, orders } = start(4_000_000);
    let found = 0;
    regions.compiler = {
      compile: () => Promise.reject(new Error('nothing is to be compiled')),
      find: (wasm) => {
        found += 1;
        return { module: new WebAssembly.Module(linkModules([wasm])), number: 0 };
      },
    };
    runToHalt(parts);
    expect(orders).toHaveLength(0);
    expect(regions.statistics).toMatchObject({ modules: found, failed: 0 });
    expect(regions.statistics.instructions).toBeGreaterThan(15_000_000);
    expect(eax(parts)).toBe(expected(4_000_000, 3));
  });

  it('is the same module where its page lies elsewhere and other code was met before', () => {
    let profile = TranslationProfile.empty();
    const modules = [0x1000, 0x5000].map((origin) => {
      const { parts, regions, orders } = start(4_000_000, origin);
      regions.useProfile(profile);
      const calling = `again:\ncall ${String(origin + 0x1010)}\ndec ecx\njnz again\nhlt`;
      const callee = 'xchg eax, ebx\nbswap eax\nret';
      parts.physical.write(origin, assembleText(calling, { bits: 32, origin }));
      parts.physical.write(origin + 0x1010, assembleText(callee, { bits: 32, origin: 0 }));
      if (origin !== 0x1000) {
        const other = assembleText('cpuid\nrdtsc\nsahf\nhlt', { bits: 32, origin: 0x9000 });
        parts.physical.write(0x9000, other);
        parts.cpu.start(flatState(0x9000, 0x8000));
        runToHalt(parts);
      }
      parts.cpu.start({ ...flatState(origin, 0x8000), gpr: [0, 4e6, 0, 0, 0x8000, 0, 0, 0] });
      while (orders.length === 0) expect(parts.cpu.run(200_000)).toBe('budget');
      profile = TranslationProfile.parse(profile.toBytes()) ?? TranslationProfile.empty();
      return orders[0]?.wasm;
    });
    expect(modules[1]).toEqual(modules[0]);
  });

  it('is not entered when its code changed meanwhile', async () => {
    const { parts, regions, orders } = start(4_000_000);
    while (orders.length === 0) expect(parts.cpu.run(200_000)).toBe('budget');
    // The immediate of MOV EBX, 1, which is behind XOR.
    parts.physical.write(0x1003, Uint8Array.of(2));
    orders[0]?.finish(new WebAssembly.Module(orders[0].wasm));
    await settled();
    expect(regions.statistics.modules).toBe(0);
    runToHalt(parts);
    expect(parts.machine.i32[Word.gpr + 6]).toBe(2);
    expect(eax(parts)).toBe(expected(4_000_000, 3));
  });

  it('stays with the interpreter when the engine does not compile it', async () => {
    const { parts, regions, orders } = start(4_000_000);
    while (orders.length === 0) expect(parts.cpu.run(200_000)).toBe('budget');
    orders[0]?.fail(new RangeError('out of code memory'));
    await settled();
    runToHalt(parts);
    expect(regions.statistics).toMatchObject({ failed: 1, modules: 0, instructions: 0 });
    expect(orders).toHaveLength(1);
    expect(eax(parts)).toBe(expected(4_000_000, 3));
  });
});

describe('an engine that optimizes late', () => {
  it('is asked for regions of code that is hotter', () => {
    const samples = [false, true].map((isLate) => {
      const { parts, regions, orders } = start(40_000_000);
      if (isLate) regions.waitLonger();
      const before = parts.cpu.instructions;
      while (orders.length === 0) parts.cpu.run(20_000);
      return Math.round((parts.cpu.instructions - before) / sampleInterval);
    });
    expect(samples).toEqual([20, 64]);
  });
});

/** A CPU in a long loop whose region the engine has compiled, and that region. */
async function entered(): Promise<ReturnType<typeof start> & { readonly region: Region }> {
  const started = start(80_000_000);
  const { parts, regions, orders } = started;
  while (orders.length === 0) parts.cpu.run(200_000);
  orders[0]?.finish(new WebAssembly.Module(orders[0].wasm));
  await settled();
  const [region] = [...(regions.page(1)?.regions ?? [])];
  if (region === undefined) throw new Error('no region');
  return { ...started, region };
}

describe('a region that is made anew', () => {
  it('goes on to be entered until the new one is there', async () => {
    const { parts, regions, orders, region } = await entered();
    regions.rebuild(region, 0x1000, [2], 'the test wants it');
    // An engine that is slow is not asked again meanwhile.
    regions.rebuild(region, 0x1000, [2], 'the test wants it more');
    expect(orders).toHaveLength(2);
    const before = regions.statistics.instructions;
    for (let more = 0; more < 4; more++) parts.cpu.run(1_000_000);
    expect(regions.statistics.instructions - before).toBeGreaterThan(2_000_000);
    orders[1]?.finish(new WebAssembly.Module(orders[1].wasm));
    await settled();
    expect([region.state, regions.statistics.dropped]).toEqual(['dropped', 1]);
    runToHalt(parts);
    expect(eax(parts)).toBe(expected(80_000_000, 3));
  });

  it('may be made anew again when the engine did not compile the new one', async () => {
    const { regions, orders, region } = await entered();
    regions.rebuild(region, 0x1000, [2], 'the test wants it');
    orders[1]?.fail(new RangeError('out of code memory'));
    await settled();
    regions.rebuild(region, 0x1000, [2], 'the test wants it again');
    expect(orders).toHaveLength(3);
  });
});
