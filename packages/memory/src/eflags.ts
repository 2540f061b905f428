/**
 * EFLAGS as the guest sees it, from and to the lazy form that generated code keeps.
 *
 * The six arithmetic flags live in `flagsResult` and `flagsCarries`, all others in `eflags`
 * (ARCHITECTURE.md "Flags"):
 *
 *     ZF  flagsResult == 0            OF  bit 31 xor bit 30 of flagsCarries
 *     SF  bit 31 of flagsResult xor bit 0 of flagsCarries
 *     CF  bit 31 of flagsCarries      AF  bit 3 of flagsCarries
 *     PF  even parity of the low byte of flagsResult xor bits 15..8 of flagsCarries
 */
import { CpuState } from './cpu-state.ts';

/** Bits of EFLAGS (SDM 1 3.4.3, figure 3-8). */
export const Eflags = {
  cf: 0x1,
  pf: 0x4,
  af: 0x10,
  zf: 0x40,
  sf: 0x80,
  tf: 0x100,
  if: 0x200,
  df: 0x400,
  of: 0x800,
  iopl: 0x3000,
  nt: 0x4000,
  rf: 0x10000,
  vm: 0x20000,
  ac: 0x40000,
  vif: 0x80000,
  vip: 0x100000,
  id: 0x200000,
} as const;

/** The six flags that arithmetic instructions write: CF, PF, AF, ZF, SF, OF (SDM 1 3.4.3.1). */
export const arithmeticFlags = 0x8d5;

/** Every bit of EFLAGS that software can see change, without the reserved ones (SDM 1 3.4.3). */
export const definedFlags = 0x3f7fd5;

const indexEflags = CpuState.eflags >> 2;
const indexResult = CpuState.flagsResult >> 2;
const indexCarries = CpuState.flagsCarries >> 2;
const indexCpl = CpuState.cpl >> 2;
const indexCr0 = CpuState.cr >> 2;
const indexAlignmentCheck = CpuState.alignmentCheck >> 2;
const cr0Am = 1 << 18;

/**
 * EFLAGS as an int32: bit 1 is set, reserved bits are clear (SDM 1 3.4.3). `state` is the machine's
 * linear memory as int32 words, from its byte 0.
 */
export function readEflags(state: Int32Array): number {
  const result = state[indexResult] ?? 0;
  const carries = state[indexCarries] ?? 0;
  let parity = (result ^ (carries >>> 8)) & 0xff;
  parity = (parity ^ (parity >> 4)) & 15;
  return (
    (state[indexEflags] ?? 0) |
    (carries >>> 31) |
    (((0x9669 >> parity) & 1) << 2) |
    ((carries & 8) << 1) |
    (result === 0 ? Eflags.zf : 0) |
    (((result >>> 31) ^ (carries & 1)) << 7) |
    (((carries >>> 31) ^ ((carries >>> 30) & 1)) << 11)
  );
}

/**
 * Writes the bits of EFLAGS that `mask` names from `value`; the others keep their values. Reserved
 * bits cannot be written (SDM 1 3.4.3). Keeps `CpuState.alignmentCheck` true.
 */
export function writeEflags(state: Int32Array, value: number, mask: number): void {
  if ((mask & arithmeticFlags) !== 0) {
    const flags =
      (mask & arithmeticFlags) === arithmeticFlags
        ? value
        : (value & mask) | (readEflags(state) & ~mask);
    // 0x100 is a result that is not zero, is positive, and whose low byte has even parity.
    state[indexResult] = (flags & Eflags.zf) !== 0 ? 0 : 0x100;
    state[indexCarries] =
      ((flags & 1) << 31) |
      (((flags ^ (flags >> 11)) & 1) << 30) |
      ((flags & Eflags.pf) !== 0 ? 0 : 0x100) |
      ((flags >> 1) & 8) |
      ((flags >> 7) & 1);
  }
  const stored = mask & definedFlags & ~arithmeticFlags;
  if (stored !== 0) {
    state[indexEflags] = ((state[indexEflags] ?? 0) & ~stored) | (value & stored);
    if ((stored & Eflags.ac) !== 0) updateAlignmentCheck(state);
  }
}

/**
 * Sets `CpuState.alignmentCheck` from CR0.AM, EFLAGS.AC and CPL (SDM 3A 6.15, vector 17). Whoever
 * changes CR0 or CPL calls it.
 */
export function updateAlignmentCheck(state: Int32Array): void {
  const on =
    (state[indexCpl] ?? 0) === 3 &&
    ((state[indexCr0] ?? 0) & cr0Am) !== 0 &&
    ((state[indexEflags] ?? 0) & Eflags.ac) !== 0;
  state[indexAlignmentCheck] = on ? 1 : 0;
}
