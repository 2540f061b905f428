import { describe, expect, it } from 'vitest';
import { CpuState } from './cpu-state.ts';
import {
  arithmeticFlags,
  definedFlags,
  Eflags,
  readEflags,
  updateAlignmentCheck,
  writeEflags,
} from './eflags.ts';

function newState(): Int32Array {
  const state = new Int32Array(0x2000 >> 2);
  state[CpuState.eflags >> 2] = 2;
  return state;
}

function setWords(state: Int32Array, result: number, carries: number): void {
  state[CpuState.flagsResult >> 2] = result;
  state[CpuState.flagsCarries >> 2] = carries;
}

describe('readEflags', () => {
  // Each row is the formula of ARCHITECTURE.md "Flags" for one flag, applied by hand.
  it.each([
    ['a zero result', 0, 0, Eflags.zf | Eflags.pf],
    ['a negative result', -1, 0, Eflags.sf | Eflags.pf],
    ['sign delta on a positive result', 1, 1, Eflags.sf],
    ['sign delta on a negative result', -2, 1, 0],
    ['carry and overflow', 1, 1 << 31, Eflags.cf | Eflags.of],
    ['carry without overflow', 1, (1 << 31) | (1 << 30), Eflags.cf],
    ['overflow without carry', 1, 1 << 30, Eflags.of],
    ['adjust', 1, 8, Eflags.af],
    ['odd parity', 0x107, 0, 0],
    ['even parity of the low byte only', 0x103, 0, Eflags.pf],
    ['parity delta', 0x103, 0x100, 0],
    ['parity delta of several bits', 0x103, 0xff00, Eflags.pf],
  ])('derives %s', (_name, result, carries, flags) => {
    const state = newState();
    setWords(state, result, carries);
    expect(readEflags(state)).toBe(2 | flags);
  });

  it('agrees with a parity count for every low byte', () => {
    const state = newState();
    for (let byte = 0; byte < 256; byte++) {
      setWords(state, byte | 0x100, 0);
      const ones = byte.toString(2).replaceAll('0', '').length;
      expect(readEflags(state) & Eflags.pf).toBe(ones % 2 === 0 ? Eflags.pf : 0);
    }
  });
});

describe('writeEflags', () => {
  it('round-trips every combination of arithmetic flags', () => {
    const state = newState();
    for (let bits = 0; bits < 0x1000; bits++) {
      const flags = bits & arithmeticFlags;
      writeEflags(state, flags, arithmeticFlags);
      expect(readEflags(state)).toBe(2 | flags);
    }
  });

  it('keeps the arithmetic flags that the mask leaves out', () => {
    for (let bits = 0; bits < 0x1000; bits += 1) {
      const state = newState();
      writeEflags(state, bits, arithmeticFlags);
      writeEflags(state, ~bits, Eflags.zf);
      expect(readEflags(state)).toBe(2 | ((bits ^ Eflags.zf) & arithmeticFlags));
    }
  });

  it('writes all defined flags', () => {
    const state = newState();
    writeEflags(state, -1, -1);
    expect(readEflags(state)).toBe(definedFlags | 2);
    expect(state[CpuState.eflags >> 2]).toBe((definedFlags & ~arithmeticFlags) | 2);
  });

  it('keeps bit 1 set when everything is cleared', () => {
    const state = newState();
    writeEflags(state, -1, -1);
    writeEflags(state, 0, -1);
    expect(readEflags(state)).toBe(2);
  });

  it('leaves the lazy words alone when no arithmetic flag is named', () => {
    const state = newState();
    setWords(state, 0x1234, 0x5678);
    writeEflags(state, -1, Eflags.if);
    expect(state[CpuState.flagsResult >> 2]).toBe(0x1234);
    expect(state[CpuState.flagsCarries >> 2]).toBe(0x5678);
  });

  it('turns alignment checks on when AC is written at CPL 3 with CR0.AM', () => {
    const state = newState();
    state[CpuState.cpl >> 2] = 3;
    state[CpuState.cr >> 2] = 1 << 18;
    writeEflags(state, Eflags.ac, Eflags.ac);
    expect(state[CpuState.alignmentCheck >> 2]).toBe(1);
    writeEflags(state, 0, Eflags.ac);
    expect(state[CpuState.alignmentCheck >> 2]).toBe(0);
  });
});

describe('updateAlignmentCheck', () => {
  it.each([
    [3, 1 << 18, Eflags.ac, 1],
    [2, 1 << 18, Eflags.ac, 0],
    [3, 0, Eflags.ac, 0],
    [3, 1 << 18, 0, 0],
  ])('at CPL %i with CR0 %i and EFLAGS %i gives %i', (cpl, cr0, eflags, expected) => {
    const state = newState();
    state[CpuState.cpl >> 2] = cpl;
    state[CpuState.cr >> 2] = cr0;
    state[CpuState.eflags >> 2] = eflags;
    updateAlignmentCheck(state);
    expect(state[CpuState.alignmentCheck >> 2]).toBe(expected);
  });
});
