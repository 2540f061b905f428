/**
 * The decoder: one instruction from bytes into a reused record, without allocation.
 *
 * Bytes past the end are read as whatever is there, and the length is checked once, when it is
 * known: a result that used them is thrown away. So no read needs a check of its own. Hot:
 * decoder.bench.ts.
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
import { FORM_FLAGS, FormFlag, VECTOR_INDEX_BYTES } from './operand-tables.ts';
import { PREFIX_CLASS, scanPrefixes } from './prefixes.ts';
import { isUndefinedVex, readVex } from './vex.ts';

// Local names for imported ones: tools that keep modules apart (vitest) read imports through
// getters, which makes a decode of 45 ns one of 1000 ns.
const LOCK = Prefix.lock;
const REP = Prefix.rep;
const REPNE = Prefix.repne;
const OPERAND_SIZE = Prefix.operandSize;
const ADDRESS_SIZE = Prefix.addressSize;
const OPCODE_PREFIXES = OPERAND_SIZE | REP | REPNE;
const HAS_MODRM = FormFlag.modrm;
const MOD_IGNORED = FormFlag.modIgnored;
const MANDATORY_66 = FormFlag.mandatory66;
const D64 = FormFlag.d64;
const F64 = FormFlag.f64;
const LOCKABLE = FormFlag.lockable;
const VECTOR_INDEX = FormFlag.vectorIndex;
const VEX_CHECKED = FormFlag.vexUnused | VECTOR_INDEX;
const vexUndefined = isUndefinedVex;
const KIND_MEMORY = OperandKind.memory;
const prefixClass = PREFIX_CLASS;
const primary = PRIMARY;
const groups = GROUPS;
const groupBase = GROUP;
const none = NOTHING;
const noForm = NO_FORM;
const exchangeForm = EXCHANGE_FORM;
const formFlags = FORM_FLAGS;
const prefixScan = scanPrefixes;
const vexRead = readVex;
const memoryDecode = decodeMemory;
const vectorIndexBytes = VECTOR_INDEX_BYTES;
const operandsDecode = decodeOperands;

/** Longest instruction in bytes (SDM vol. 2A, 2.3.11). */
export const MAX_LENGTH = 15;

/**
 * Decodes the instruction at `bytes[offset]`, as code of `bits` width, into `instruction`.
 *
 * `forms` says by form number what a processor takes it for: that form, another one (TZCNT is BSF
 * without BMI1), or {@link NO_FORM}, which is {@link INVALID}. Without it all forms are there.
 *
 * Returns its length, 1 to 15, or {@link INVALID} (#UD), {@link INVALID_LOCK} (#UD), {@link
 * TOO_LONG} (#GP), or {@link NEED_MORE} if it does not end before `end`: call again with more
 * bytes, or raise the fault of the page that follows. The record's fields are meaningful after a
 * length only; `form` is {@link NO_FORM} otherwise.
 */
export function decodeInto(
  instruction: Instruction,
  bytes: Uint8Array,
  offset: number,
  end: number,
  bits: 16 | 32 | 64,
  forms?: Int16Array,
): number {
  const is64 = bits === 64;
  reset(instruction);
  let at = offset;
  if (prefixClass[(is64 ? 256 : 0) | (bytes[at] ?? 0)] !== 0) {
    at = prefixScan(instruction, bytes, offset, is64);
  }
  const { prefixes } = instruction;
  let opcode = bytes[at++] ?? 0;
  const isVex = (opcode & 0xfe) === 0xc4 && (is64 || (bytes[at] ?? 0) >= 0xc0);
  let key = is64 ? 4096 : 0;
  if (opcode === 0x0f) {
    opcode = bytes[at++] ?? 0;
    key |= 1 << 10;
    if (opcode === 0x38 || opcode === 0x3a) {
      key += opcode === 0x38 ? 1 << 10 : 2 << 10;
      opcode = bytes[at++] ?? 0;
    }
  }
  if (isVex) {
    key |= vexRead(instruction, bytes, at, opcode, is64);
    at += opcode & 1 ? 1 : 2;
    opcode = bytes[at++] ?? 0;
  } else if ((prefixes & OPCODE_PREFIXES) !== 0) key |= prefixSlot(prefixes);
  let form = primary[key | (opcode << 2)] ?? none;
  if (form >= groupBase) {
    const modrm = bytes[at] ?? 0;
    form = groups[form - groupBase + ((modrm >> 3) & 7) + (modrm >= 0xc0 ? 8 : 0)] ?? none;
    if (form >= groupBase) form = groups[form - groupBase + (modrm & 7)] ?? none;
    // The ModRM byte took part in the choice.
    if (form === none) at++;
  }
  if (form === none) return fail(offset, at, end, INVALID);
  if (opcode === 0x90 && (instruction.rex & 1) !== 0 && (key & 0xc00) === 0) form = exchangeForm;

  const flags = formFlags[form] ?? 0;
  instruction.form = form;
  setSizes(instruction, flags, bits);
  if ((flags & HAS_MODRM) !== 0) {
    readModrm(instruction, bytes[at++] ?? 0);
    const isMemory = instruction.mod !== 3 && (flags & MOD_IGNORED) === 0;
    if ((flags & VECTOR_INDEX) !== 0) instruction.vectorIndex = vectorIndexBytes[form] ?? 0;
    if (isMemory) at = memoryDecode(instruction, bytes, at, is64);
  }
  const isUndefined = (flags & VEX_CHECKED) !== 0 && vexUndefined(instruction, flags);
  const next = isUndefined ? -1 : operandsDecode(instruction, bytes, at, opcode);
  if (instruction.segment < 0) instruction.segment = 3;
  const length = next - offset;
  if (next < 0 || next > end || length > MAX_LENGTH) {
    instruction.form = noForm;
    return fail(offset, next < 0 ? at : next, end, INVALID);
  }
  if (forms !== undefined) instruction.form = forms[form] ?? noForm;
  if ((prefixes & LOCK) !== 0) {
    if ((flags & LOCKABLE) === 0 || instruction.operandKind[0] !== KIND_MEMORY) {
      instruction.form = noForm;
      return INVALID_LOCK;
    }
  }
  if (instruction.form === noForm) return INVALID;
  instruction.length = length;
  return length;
}

/** Which of 66, F3 and F2 takes part in the choice: F2 and F3 come before 66. */
function prefixSlot(prefixes: number): number {
  if ((prefixes & REPNE) !== 0) return 3;
  return (prefixes & REP) !== 0 ? 2 : 1;
}

function readModrm(instruction: Instruction, modrm: number): void {
  instruction.hasModrm = 1;
  instruction.mod = modrm >> 6;
  instruction.reg = (modrm >> 3) & 7;
  instruction.rm = modrm & 7;
}

function reset(instruction: Instruction): void {
  instruction.form = noForm;
  instruction.length = 0;
  instruction.prefixes = 0;
  instruction.rex = 0;
  instruction.vvvv = 0;
  instruction.segment = -1;
  instruction.hasModrm = 0;
  instruction.mod = 0;
  instruction.reg = 0;
  instruction.rm = 0;
  instruction.base = -1;
  instruction.index = -1;
  instruction.vectorIndex = 0;
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
  const has66 = (prefixes & OPERAND_SIZE) !== 0 && (flags & MANDATORY_66) === 0;
  const has67 = (prefixes & ADDRESS_SIZE) !== 0;
  if (bits === 64) {
    instruction.addressSize = has67 ? 32 : 64;
    if ((rex & 8) !== 0 || (flags & F64) !== 0) instruction.operandSize = 64;
    else if (has66) instruction.operandSize = 16;
    else instruction.operandSize = (flags & D64) !== 0 ? 64 : 32;
    return;
  }
  instruction.operandSize = has66 ? 48 - bits : bits;
  instruction.addressSize = has67 ? 48 - bits : bits;
}

/**
 * The reason why there is no instruction, `needed` being the position after the bytes looked at.
 */
function fail(offset: number, needed: number, end: number, otherwise: number): number {
  if (needed > end) return end - offset >= MAX_LENGTH ? TOO_LONG : NEED_MORE;
  return needed - offset > MAX_LENGTH ? TOO_LONG : otherwise;
}
