/**
 * Instructions that change single flags: SDM vol. 1, 5.1.11; CLI and STI are with the system ones.
 */
import { CpuState } from '@ringfence/memory';
import type { Semantics, SemanticsTable } from './registry.ts';

const directionFlag = 1 << 10;

function direction(set: boolean): Semantics {
  return (c) => {
    const old = c.b.load('i32.load', CpuState.eflags);
    const value = set ? c.b.or(old, directionFlag) : c.b.and(old, ~directionFlag);
    c.b.store('i32.store', CpuState.eflags, value);
  };
}

/** CLC, STC, CMC, CLD, STD. */
export const flagControl: SemanticsTable = {
  CLC: (c) => c.flags.setCarry(c.b.i32(0)),
  STC: (c) => c.flags.setCarry(c.b.i32(1)),
  CMC: (c) => c.flags.setCarry(c.b.xor(c.flags.carry(), 1)),
  CLD: direction(false),
  STD: direction(true),
};
