import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu } from './test-cpu.ts';

/** Runs bytes at 0x1000 until HLT. */
function runBytes(bytes: readonly number[], budget = 100_000): ReturnType<typeof makeCpu> {
  const parts = makeCpu();
  parts.physical.write(0x1000, Uint8Array.from(bytes));
  parts.cpu.start(flatState(0x1000, 0x8000));
  expect(parts.cpu.run(budget)).toBe('halt');
  return parts;
}

describe('Cpu', () => {
  it('comes out of reset with the flags of the manual', () => {
    const { cpu } = makeCpu();
    expect(cpu.eflags()).toBe(2);
    cpu.start({ ...flatState(0x1000, 0x8000), eflags: 0x8d7 });
    cpu.reset();
    expect(cpu.eflags()).toBe(2);
  });

  it('runs a loop and halts', () => {
    // mov eax, 0; mov ecx, 1000; again: add eax, ecx; dec ecx; jnz again; hlt
    const { cpu, machine } = runBytes([
      0xb8, 0, 0, 0, 0, 0xb9, 0xe8, 3, 0, 0, 0x01, 0xc8, 0x49, 0x75, 0xfb, 0xf4,
    ]);
    expect(machine.i32[Word.gpr]).toBe(500500);
    expect(cpu.instructions).toBe(2 + 3000 + 1);
  });

  it('stores, loads and calls', () => {
    // mov [0x2000], 5; call f; hlt; f: push 7; pop ebx; add ebx, [0x2000]; ret
    const { machine } = runBytes([
      0xc7, 0x05, 0, 0x20, 0, 0, 5, 0, 0, 0, 0xe8, 1, 0, 0, 0, 0xf4, 0x6a, 7, 0x5b, 0x03, 0x1d, 0,
      0x20, 0, 0, 0xc3,
    ]);
    expect(machine.i32[Word.gpr + 6]).toBe(12);
    expect(machine.i32[Word.gpr + 8]).toBe(0x8000);
  });
});
