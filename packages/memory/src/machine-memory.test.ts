import { describe, expect, it } from 'vitest';
import { CpuState } from './cpu-state.ts';
import { Layout, maxRamBytes } from './layout.ts';
import { MachineMemory } from './machine-memory.ts';
import { MemoryError } from './memory-error.ts';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MemoryError) return error.code;
    throw error;
  }
  return 'none';
}

describe('MachineMemory', () => {
  it('has the layout, then RAM, then extra backing', () => {
    const machine = new MachineMemory({ ramBytes: 2 << 20, extraBytes: 0x3000 });
    expect(machine.u8.length).toBeGreaterThanOrEqual(Layout.ram + (2 << 20) + 0x3000);
    expect(machine.reserve(0x1001)).toBe(Layout.ram + (2 << 20));
    expect(machine.reserve(0x1000)).toBe(Layout.ram + (2 << 20) + 0x2000);
  });

  it('refuses more backing than it was made with', () => {
    const machine = new MachineMemory({ ramBytes: 1 << 20, extraBytes: 0x1000 });
    machine.reserve(0x1000);
    expect(codeOf(() => machine.reserve(1))).toBe('out-of-backing');
  });

  it('refuses a RAM size that is no whole number of MiB, zero, or too large', () => {
    expect(codeOf(() => new MachineMemory({ ramBytes: 4096 }))).toBe('ram-size');
    expect(codeOf(() => new MachineMemory({ ramBytes: 0 }))).toBe('ram-size');
    expect(codeOf(() => new MachineMemory({ ramBytes: Number.NaN }))).toBe('ram-size');
    expect(codeOf(() => new MachineMemory({ ramBytes: maxRamBytes + (1 << 20) }))).toBe('ram-size');
  });

  it('refuses extra backing that is not whole pages or does not fit', () => {
    const ramBytes = maxRamBytes;
    expect(codeOf(() => new MachineMemory({ ramBytes, extraBytes: 100 }))).toBe('extra-size');
    expect(codeOf(() => new MachineMemory({ ramBytes, extraBytes: 0x1000_0000 }))).toBe(
      'extra-size',
    );
  });

  it('keeps views of one memory', () => {
    const machine = new MachineMemory({ ramBytes: 1 << 20 });
    machine.view.setInt32(CpuState.cpl, 3, true);
    expect(machine.i32[CpuState.cpl >>> 2]).toBe(3);
    expect(machine.u8[CpuState.cpl]).toBe(3);
  });

  it('keeps the CPU state within its place in the layout', () => {
    const places = [
      [Layout.nearState, Layout.nearState + Layout.nearStateBytes],
      [Layout.cpuState, Layout.cpuState + Layout.cpuStateBytes],
    ] as const;
    for (const address of Object.values(CpuState)) {
      expect(places.some(([first, end]) => address >= first && address < end)).toBe(true);
    }
  });
});
