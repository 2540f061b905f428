import { describe, expect, it } from 'vitest';
import { assembleText } from '@ringfence/assembler';
import { Word } from './state-view.ts';
import { flatState, makeCpu } from './test-cpu.ts';

function run(source: string, accel: 'interpreter' | 'translator'): ReturnType<typeof makeCpu> {
  const parts = makeCpu(16 << 20, accel);
  parts.physical.write(0x1000, assembleText(source, { bits: 32, origin: 0x1000 }));
  parts.cpu.start(flatState(0x1000, 0x8000));
  expect(parts.cpu.run(50_000_000)).toBe('halt');
  return parts;
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
    expect(translated.cpu.regions?.statistics.regions).toBeGreaterThan(0);
    const state = (parts: typeof translated): number[] => [
      ...parts.machine.i32.subarray(Word.gpr, Word.gpr + 16),
      parts.cpu.eflags(),
    ];
    expect(state(translated)).toEqual(state(interpreted));
    expect(translated.cpu.instructions).toBe(interpreted.cpu.instructions);
  });
});
