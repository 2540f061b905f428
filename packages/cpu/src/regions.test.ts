import { describe, expect, it } from 'vitest';
import { assembleText } from '@ringfence/assembler';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu } from './test-cpu.ts';
import { contentKey, TranslationProfile } from './translation-profile.ts';

function run(source: string, accel: 'interpreter' | 'translator'): TestCpu {
  const parts = makeCpu(16 << 20, accel);
  runCode(parts, source);
  return parts;
}

/** Runs code at 0x1000 until it halts. */
function runCode({ cpu, physical }: TestCpu, source: string): void {
  physical.write(0x1000, assembleText(source, { bits: 32, origin: 0x1000 }));
  cpu.start(flatState(0x1000, 0x8000));
  // Much work of the host makes `run` return early.
  let stop = cpu.run(50_000_000);
  for (let again = 0; stop === 'budget' && again < 20_000; again++) stop = cpu.run(50_000_000);
  expect(stop).toBe('halt');
}

describe('regions', () => {
  it('end a nested loop in the state of the interpreter, most of it translated', () => {
    const source = `
      xor eax, eax
      mov ecx, 20000
    outer:
      mov edx, 50
    inner:
      add eax, edx
      imul eax, eax, 3
      mov [0x4000 + edx * 4], eax
      sub eax, [0x4000 + edx * 4 + 4]
      adc ebx, 7
      dec edx
      jnz inner
      cmp eax, 0x1234
      jb skip
      inc esi
    skip:
      dec ecx
      jnz outer
      hlt`;
    const interpreted = run(source, 'interpreter');
    const translated = run(source, 'translator');
    const { regions, instructions } = translated.cpu.regions?.statistics ?? {
      regions: 0,
      instructions: 0,
    };
    expect(regions).toBeGreaterThan(0);
    expect(instructions).toBeGreaterThan(translated.cpu.instructions * 0.5);
    const state = (parts: typeof translated): number[] => [
      ...parts.machine.i32.subarray(Word.gpr, Word.gpr + 16),
      parts.cpu.eflags(),
    ];
    expect(state(translated)).toEqual(state(interpreted));
    expect(translated.cpu.instructions).toBe(interpreted.cpu.instructions);
  });
});

it('makes no more regions than there may be, and more when old ones are gone', () => {
  const parts = makeCpu(16 << 20, 'translator');
  const { cpu, physical } = parts;
  const loop = (counter: string): string => `
      mov ${counter}, 3000000
    again:
      add eax, ${counter}
      dec ${counter}
      jnz again
      hlt`;
  if (cpu.regions === undefined) throw new Error('no regions');
  cpu.regions.maximumRegions = 1;
  const hold = (page: number): number | undefined => cpu.regions?.page(page)?.regions.size;
  runCode(parts, loop('ecx'));
  expect(hold(1)).toBe(1);
  const second = 0x3000;
  physical.write(second, assembleText(loop('edx'), { bits: 32, origin: second }));
  const runSecond = (): void => {
    cpu.start(flatState(second, 0x9000));
    while (cpu.run(10_000_000) !== 'halt');
  };
  runSecond();
  expect(hold(3) ?? 0).toBe(0);
  physical.write(0x1000, new Uint8Array(64));
  runSecond();
  expect(hold(3)).toBe(1);
});

describe('accesses that share a look-up', () => {
  /** Adds up in a stack frame that lies `below` bytes under a page boundary. */
  const frame = (below: number): string => `
      mov esp, ${0x9000 - below}
      mov ecx, 3000000
    again:
      add [esp], ecx
      adc dword [esp + 4], 0
      mov eax, [esp]
      xor [esp + 8], eax
      dec ecx
      jnz again
      hlt`;

  it.each([16, 8, 4])('are made apart where a frame is %i bytes before a page', (below) => {
    const interpreted = run(frame(below), 'interpreter');
    const translated = run(frame(below), 'translator');
    const words = ({ physical }: typeof translated): number[] =>
      [0, 4, 8].map((offset) => physical.read32(0x9000 - below + offset));
    expect(words(translated)).toEqual(words(interpreted));
    const { givenUp = 0, instructions = 0 } = translated.cpu.regions?.statistics ?? {};
    expect(instructions).toBeGreaterThan(translated.cpu.instructions * 0.9);
    expect(givenUp).toBeLessThan(translated.cpu.instructions * 0.01);
  });

  it('are made apart for this run only', () => {
    const parts = makeCpu(16 << 20, 'translator');
    const profile = TranslationProfile.empty();
    parts.cpu.regions?.useProfile(profile);
    runCode(parts, frame(8));
    const { rebuilt } = [...(parts.cpu.regions?.page(1)?.regions ?? [])][0] ?? { rebuilt: 0 };
    expect(rebuilt).toBeGreaterThan(0);
    const known = profile.find(contentKey(parts.machine.i32, parts.physical.backing(1) >> 2));
    expect(known?.regions.length).toBeGreaterThan(0);
    expect(known?.eased.size).toBe(0);
  });
});

/** Programs that change their own code while it runs as a region; both tiers end in one state. */
const selfModifying: readonly (readonly [string, string])[] = [
  [
    'a store into the instruction right behind it in the same block',
    `
      mov ecx, 30000
    again:
      mov eax, ecx
      and eax, 0x7f
      mov [patched + 1], al
    patched:
      mov ebx, 0
      add edx, ebx
      dec ecx
      jnz again
      hlt`,
  ],
  [
    'a store into another block of the running region, rarely',
    `
      mov ecx, 4000000
    again:
      test ecx, 0xfffff
      jnz skip
      inc byte [patched + 1]
    skip:
      add edx, ecx
    patched:
      mov ebx, 5
      add esi, ebx
      dec ecx
      jnz again
      hlt`,
  ],
  [
    'one byte of a jump patched, as kernels do',
    `
      mov ecx, 4000000
    again:
      test ecx, 0x7ffff
      jnz site
      xor byte [site + 1], 3
    site:
      jmp short near_target
    near_target:
      add edx, 1
      nop
      nop
      add esi, 1
      dec ecx
      jnz again
      hlt`,
  ],
];

describe('regions of code that changes', () => {
  for (const [name, source] of selfModifying) {
    it(`stay true under ${name}`, () => {
      const interpreted = run(source, 'interpreter');
      const translated = run(source, 'translator');
      const state = (parts: typeof translated): number[] => [
        ...parts.machine.i32.subarray(Word.gpr, Word.gpr + 16),
        parts.cpu.eflags(),
      ];
      expect(state(translated)).toEqual(state(interpreted));
      expect(translated.cpu.instructions).toBe(interpreted.cpu.instructions);
    });
  }

  it('end a repeated store that writes over itself where it has done so', () => {
    const source = `
      mov eax, 0xf4f4f4f4
      mov ebp, 1001234
      mov edx, 0x1000
      mov esi, 4096
    again:
      mov edi, 0x4000
      mov ecx, 1
      dec ebp
      cmovz edi, edx
      cmovz ecx, esi
      rep stosd
      jmp again`;
    const states = (['interpreter', 'translator'] as const).map((accel) => {
      const { machine, cpu, physical } = run(source, accel);
      return [machine.i32[Word.gpr + 2], cpu.instructions, physical.read32(0x2000)];
    });
    expect(states[0]?.slice(0, 1)).toEqual([3072]);
    expect(states[1]).toEqual(states[0]);
  });

  it('are dropped when a device writes to them', () => {
    const parts = makeCpu(16 << 20, 'translator');
    const code = assembleText('again: add eax, 1\n jmp again', { bits: 32, origin: 0x1000 });
    parts.physical.write(0x1000, code);
    parts.cpu.start(flatState(0x1000, 0x8000));
    parts.cpu.run(5_000_000);
    expect(parts.cpu.regions?.statistics.regions).toBe(1);
    parts.physical.write(0x1000, Uint8Array.from([0xf4]));
    expect(parts.cpu.regions?.statistics.dropped).toBe(1);
    expect(parts.cpu.run(5_000_000)).toBe('halt');
  });
});

describe('a region', () => {
  it('is cut where its module would be too large for the engine to compile well', () => {
    const adds = (count: number): string =>
      Array.from({ length: count }, (_, n) => `adc [esi + ebx * 4 + ${n * 8}], ecx`).join('\n');
    const loop = (count: number): string => `
      mov esi, 0x20000
      mov ecx, 20000
    again:
      ${adds(count)}
      dec ecx
      jnz again
      hlt`;
    const [small = [], large = []] = [100, 400].map((count) => {
      const { regions } = run(loop(count), 'translator').cpu;
      const [region] = regions?.page(1)?.regions ?? [];
      return [region?.code.offsets.length ?? 0, regions?.log.hottest(1)[0]?.wasmBytes ?? 0];
    });
    expect(small[0]).toBeGreaterThan(100);
    expect(large[0]).toBeLessThan(400);
    expect(large[1]).toBeGreaterThan(25_000);
    expect(large[1]).toBeLessThan(40_000);
  });
});

describe('a page', () => {
  it('has regions of its own beside any number of copies of its functions', () => {
    const callee = 0x2000;
    const parts = makeCpu(16 << 20, 'translator');
    const { physical, cpu } = parts;
    physical.write(callee, assembleText('add eax, ebx\nret', { bits: 32, origin: callee }));
    const callers = Array.from({ length: 70 }, (_, index) => 0x10_0000 + index * 4096);
    for (const at of callers) {
      const caller = `call ${String(callee)}\nret`;
      physical.write(at, assembleText(caller, { bits: 32, origin: at }));
    }
    runCode(parts, `${callers.map((at) => `call ${String(at)}`).join('\n')}\nhlt`);
    const { regions } = cpu;
    for (const at of callers) regions?.compile(at, at >> 12, [0], 'asked for');
    expect(regions?.page(callee >> 12)?.regions.size).toBe(callers.length);
    regions?.compile(callee, callee >> 12, [0], 'asked for');
    expect(regions?.page(callee >> 12)?.entered.has(0)).toBe(true);
  });
});

describe('two loops behind the start of one function', () => {
  /** EBX says which loop it jumps to. */
  const source = `
      mov esp, 0x8000
      mov ebx, first
      mov ecx, 3000000
      call function
      mov ebx, second
      mov ecx, 3000000
      call function
      hlt
    function:
      xor eax, eax
      jmp ebx
    first:
      add eax, ecx
      dec ecx
      jnz first
      ret
    second:
      xor eax, ecx
      dec ecx
      jnz second
      ret`;

  it('are two regions', () => {
    const { cpu } = run(source, 'translator');
    const regions = [...(cpu.regions?.page(1)?.regions ?? [])];
    const sizes = regions.map(({ code }) => code.offsets.length);
    expect(sizes.filter((size) => size >= 3)).toEqual([4, 4]);
  });
});
