/**
 * The VEX prefix: SDM vol. 2A, 2.3.5 and 2.3.6.
 *
 * | byte | 7 | 6 | 5 | 4..0     |      | 7 | 6..3 | 2 | 1..0 |
 * | ---- | - | - | - | -------- | ---- | - | ---- | - | ---- |
 * | C4   | R | X | B | map      | then | W | vvvv | L | pp   |
 * | C5   |   |   |   |          | then | R | vvvv | L | pp   |
 *
 * R, X, B and vvvv are inverted; pp stands for no prefix, 66, F3 or F2. Outside of 64-bit code R
 * and X are 1, or the bytes are LES or LDS; B has no effect.
 */
import { Prefix } from './instruction.ts';
import type { Instruction } from './instruction.ts';
import { FormFlag } from './operand-tables.ts';

/** Prefixes that may not stand before VEX (SDM vol. 2A, 2.3.2 to 2.3.4). */
const FORBIDDEN = Prefix.lock | Prefix.rep | Prefix.repne | Prefix.operandSize | Prefix.rex;

/** What {@link readVex} returns for a prefix with which there is no instruction: map 0. */
const NO_INSTRUCTION = 1 << 13;

/**
 * Reads the VEX prefix whose first byte, `opcode`, stands before `position`, into `rex` and `vvvv`;
 * returns its part of the key of the dispatch.
 */
export function readVex(
  instruction: Instruction,
  bytes: Uint8Array,
  position: number,
  opcode: number,
  is64: boolean,
): number {
  const first = bytes[position] ?? 0;
  const isLong = opcode === 0xc4;
  const last = isLong ? (bytes[position + 1] ?? 0) : first;
  const map = isLong ? first & 31 : 1;
  instruction.vvvv = (~last >> 3) & 15;
  if (is64) {
    const fields = isLong ? ((~first >> 5) & 7) | ((last >> 4) & 8) : (~first >> 5) & 4;
    instruction.rex = 0x40 | fields;
  }
  if ((instruction.prefixes & FORBIDDEN) !== 0 || map > 3) return NO_INSTRUCTION;
  const wide = isLong ? (last & 0x80) << 8 : 0;
  return wide | ((last & 4) << 12) | (1 << 13) | (map << 10) | (last & 3);
}

/**
 * Whether VEX.vvvv is used by an instruction that has no operand there, or a gather is none:
 * without a SIB byte, or with one register as two of index, mask and destination (SDM vol. 2C,
 * VGATHERDPS).
 */
export function isUndefinedVex(instruction: Instruction, flags: number): boolean {
  const { rex, reg, rm, index, vvvv, addressSize } = instruction;
  if ((flags & FormFlag.vexUnused) !== 0 && vvvv !== 0) return true;
  if ((flags & FormFlag.vectorIndex) === 0) return false;
  if (rm !== 4 || addressSize === 16) return true;
  const destination = reg | ((rex & 4) << 1);
  const mask = vvvv & (rex === 0 ? 7 : 15);
  return index === destination || index === mask || destination === mask;
}
