/** ModRM and SIB addressing: SDM vol. 2A, 2.1.5, tables 2-1 to 2-3. Hot: see decoder.bench.ts. */
import { BASE_RIP } from './instruction.ts';
import type { Instruction } from './instruction.ts';

/** A local name, see decode-into.ts. */
const baseRip = BASE_RIP;

/** Base registers of 16-bit addressing by ModRM.rm: BX BX BP BP SI DI BP BX (table 2-1). */
const BASE16: Int8Array = Int8Array.of(3, 3, 5, 5, 6, 7, 5, 3);

/** Index registers of 16-bit addressing by ModRM.rm: SI DI SI DI, then none. */
const INDEX16: Int8Array = Int8Array.of(6, 7, 6, 7, -1, -1, -1, -1);

const SEGMENT_SS = 2;
const SEGMENT_DS = 3;

/**
 * Decodes the memory operand that `instruction.mod` and `.rm` (not 3) select: base, index, scale,
 * displacement, and the default segment where no prefix has set one. `position` is that of the byte
 * after ModRM; returns the position after the operand.
 */
export function decodeMemory(
  instruction: Instruction,
  bytes: Uint8Array,
  position: number,
  is64: boolean,
): number {
  if (instruction.addressSize === 16) return decodeMemory16(instruction, bytes, position);
  const { mod, rm, rex } = instruction;
  let at = position;
  let base: number = rm;
  if (rm === 4) {
    const sib = bytes[at++] ?? 0;
    const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
    // Index 4 means none; with REX.X it is R12. Vector registers have all numbers.
    if (index !== 4 || instruction.vectorIndex !== 0) {
      instruction.index = index;
      instruction.scale = sib >> 6;
    }
    base = sib & 7;
  }
  if (base === 5 && mod === 0) {
    instruction.base = rm !== 4 && is64 ? baseRip : -1;
    setDisplacement32(instruction, bytes, at);
    if (instruction.segment < 0) instruction.segment = SEGMENT_DS;
    return at + 4;
  }
  base |= (rex & 1) << 3;
  instruction.base = base;
  if (instruction.segment < 0) {
    instruction.segment = base === 4 || base === 5 ? SEGMENT_SS : SEGMENT_DS;
  }
  if (mod === 0) return at;
  if (mod === 1) {
    instruction.displacement = ((bytes[at] ?? 0) << 24) >> 24;
    instruction.displacementHigh = instruction.displacement >> 31;
    return at + 1;
  }
  setDisplacement32(instruction, bytes, at);
  return at + 4;
}

function decodeMemory16(instruction: Instruction, bytes: Uint8Array, position: number): number {
  const { mod, rm } = instruction;
  if (mod === 0 && rm === 6) {
    instruction.displacement = (bytes[position] ?? 0) | ((bytes[position + 1] ?? 0) << 8);
    if (instruction.segment < 0) instruction.segment = SEGMENT_DS;
    return position + 2;
  }
  const base = BASE16[rm] ?? 0;
  instruction.base = base;
  instruction.index = INDEX16[rm] ?? -1;
  if (instruction.segment < 0) instruction.segment = base === 5 ? SEGMENT_SS : SEGMENT_DS;
  if (mod === 0) return position;
  const low = bytes[position] ?? 0;
  const displacement =
    mod === 1 ? (low << 24) >> 24 : ((low | ((bytes[position + 1] ?? 0) << 8)) << 16) >> 16;
  instruction.displacement = displacement;
  instruction.displacementHigh = displacement >> 31;
  return position + mod;
}

function setDisplacement32(instruction: Instruction, bytes: Uint8Array, position: number): void {
  const value = read32(bytes, position);
  instruction.displacement = value;
  instruction.displacementHigh = value >> 31;
}

/** Reads a little-endian int32; bytes beyond the array count as 0, the caller checks the length. */
export function read32(bytes: Uint8Array, position: number): number {
  return (
    (bytes[position] ?? 0) |
    ((bytes[position + 1] ?? 0) << 8) |
    ((bytes[position + 2] ?? 0) << 16) |
    ((bytes[position + 3] ?? 0) << 24)
  );
}
