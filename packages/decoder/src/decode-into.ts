/**
 * The decoder: one instruction from bytes into a reused record, without allocation.
 *
 * Bytes past the end are read as whatever is there, and the length is checked once, when it is known:
 * a result that used them is thrown away. So no read needs a check of its own. Hot: decoder.bench.ts.
 */
import { decodeMemory } from './decode-memory.ts';
import { decodeOperands } from './decode-operands.ts';
import { EXCHANGE_FORM, GROUP, GROUPS, NOTHING, PRIMARY } from './dispatch.ts';
import {
  INVALID,
  INVALID_LOCK,
  NEED_MORE,
  NO_FORM,
  OperandKind,
  Prefix,
  TOO_LONG,
} from './instruction.ts';
import type { Instruction } from './instruction.ts';
import { FORM_FLAGS, FormFlag } from './operand-tables.ts';
import { PREFIX_CLASS, scanPrefixes } from './prefixes.ts';

/** Longest instruction in bytes (SDM vol. 2A, 2.3.11). */
export const MAX_LENGTH = 15;

/**
 * Decodes the instruction at `bytes[offset]`, as code of `bits` width, into `instruction`.
 *
 * Returns its length, 1 to 15, or {@link INVALID} (#UD), {@link INVALID_LOCK} (#UD), {@link TOO_LONG}
 * (#GP), or {@link NEED_MORE} if it does not end before `end`: call again with more bytes, or raise the
 * fault of the page that follows. The record's fields are meaningful after a length only; `form` is
 * {@link NO_FORM} otherwise.
 */
export function decodeInto(
  instruction: Instruction,
  bytes: Uint8Array,
  offset: number,
  end: number,
  bits: 16 | 32 | 64,
): number {
  const is64 = bits === 64;
  reset(instruction);
  let at = offset;
  if (PREFIX_CLASS[(is64 ? 256 : 0) | (bytes[at] ?? 0)] !== 0) {
    at = scanPrefixes(instruction, bytes, offset, is64);
  }
  const { prefixes } = instruction;
  let opcode = bytes[at++] ?? 0;
  let key = is64 ? 4096 : 0;
  if (opcode === 0x0f) {
    opcode = bytes[at++] ?? 0;
    key |= 1 << 10;
    if (opcode === 0x38 || opcode === 0x3a) {
      key += opcode === 0x38 ? 1 << 10 : 2 << 10;
      opcode = bytes[at++] ?? 0;
    }
  }
  if ((prefixes & (Prefix.operandSize | Prefix.rep | Prefix.repne)) !== 0) {
    if ((prefixes & Prefix.repne) !== 0) key |= 3;
    else if ((prefixes & Prefix.rep) !== 0) key |= 2;
    else key |= 1;
  }
  let form = PRIMARY[key | (opcode << 2)] ?? NOTHING;
  if (form >= GROUP) {
    const modrm = bytes[at] ?? 0;
    form = GROUPS[form - GROUP + ((modrm >> 3) & 7) + (modrm >= 0xc0 ? 8 : 0)] ?? NOTHING;
    if (form >= GROUP) form = GROUPS[form - GROUP + (modrm & 7)] ?? NOTHING;
    // The ModRM byte took part in the choice.
    if (form === NOTHING) at++;
  }
  if (form === NOTHING) return fail(offset, at, end, INVALID);
  if (opcode === 0x90 && (instruction.rex & 1) !== 0 && (key & 0xc00) === 0) form = EXCHANGE_FORM;

  const flags = FORM_FLAGS[form] ?? 0;
  instruction.form = form;
  setSizes(instruction, flags, bits);
  if ((flags & FormFlag.modrm) !== 0) {
    const modrm = bytes[at++] ?? 0;
    instruction.hasModrm = 1;
    instruction.mod = modrm >> 6;
    instruction.reg = (modrm >> 3) & 7;
    instruction.rm = modrm & 7;
    if (modrm < 0xc0 && (flags & FormFlag.modIgnored) === 0) {
      at = decodeMemory(instruction, bytes, at, is64);
    }
  }
  const next = decodeOperands(instruction, bytes, at, opcode);
  if (instruction.segment < 0) instruction.segment = 3;
  if (next < 0) {
    instruction.form = NO_FORM;
    return fail(offset, at, end, INVALID);
  }
  const length = next - offset;
  if (next > end || length > MAX_LENGTH) {
    instruction.form = NO_FORM;
    return fail(offset, next, end, INVALID);
  }
  if ((prefixes & Prefix.lock) !== 0) {
    if ((flags & FormFlag.lockable) === 0 || instruction.operandKind[0] !== OperandKind.memory) {
      instruction.form = NO_FORM;
      return INVALID_LOCK;
    }
  }
  instruction.length = length;
  return length;
}

function reset(instruction: Instruction): void {
  instruction.form = NO_FORM;
  instruction.length = 0;
  instruction.prefixes = 0;
  instruction.rex = 0;
  instruction.segment = -1;
  instruction.hasModrm = 0;
  instruction.mod = 0;
  instruction.reg = 0;
  instruction.rm = 0;
  instruction.base = -1;
  instruction.index = -1;
  instruction.scale = 0;
  instruction.displacement = 0;
  instruction.displacementHigh = 0;
  instruction.immediate = 0;
  instruction.immediateHigh = 0;
  instruction.immediate2 = 0;
}

/** Effective operand and address size: SDM vol. 1, tables 3-3 and 3-4; vol. 2D, table A-1. */
function setSizes(instruction: Instruction, flags: number, bits: number): void {
  const { prefixes, rex } = instruction;
  const has66 = (prefixes & Prefix.operandSize) !== 0 && (flags & FormFlag.mandatory66) === 0;
  const has67 = (prefixes & Prefix.addressSize) !== 0;
  if (bits === 64) {
    instruction.addressSize = has67 ? 32 : 64;
    if ((rex & 8) !== 0 || (flags & FormFlag.f64) !== 0) instruction.operandSize = 64;
    else if (has66) instruction.operandSize = 16;
    else instruction.operandSize = (flags & FormFlag.d64) !== 0 ? 64 : 32;
    return;
  }
  instruction.operandSize = has66 ? 48 - bits : bits;
  instruction.addressSize = has67 ? 48 - bits : bits;
}

/** The reason why there is no instruction, `needed` being the position after the bytes looked at. */
function fail(offset: number, needed: number, end: number, otherwise: number): number {
  if (needed > end) return end - offset >= MAX_LENGTH ? TOO_LONG : NEED_MORE;
  return needed - offset > MAX_LENGTH ? TOO_LONG : otherwise;
}
