/**
 * Takes apart the instructions that are emulated for a paravirtual guest: 32-bit code in a flat
 * segment, prefixes, ModRM and immediates (SDM 2A 2.1). Where a memory operand is does not matter
 * here: the processor has told it by the fault.
 */
import type { GuestCopy } from '../guest-copy.ts';
import { FrameField } from './traps.ts';

/** An instruction at which a guest faulted. */
export interface GuestInstruction {
  /** The opcode; 0x0f00 and more for those of two bytes. */
  readonly opcode: number;
  /** ModRM, 0 without one. */
  readonly modRm: number;
  /** Operand size without the opcode's own: 2 or 4 bytes. */
  readonly operandBytes: 2 | 4;
  /** Whether REP or REPNE stands in front. */
  readonly repeats: boolean;
  /** Whether addresses have 16 bits. */
  readonly shortAddress: boolean;
  /** The segment register that a prefix names, by the manual's number. */
  readonly segment?: number;
  /** The immediate, or the offset of MOV to memory; sign-extended where it is one byte. */
  readonly immediate: number;
  /** Bytes of the whole instruction. */
  readonly bytes: number;
}

/** The longest instruction (SDM 2A 2.3.11). */
const mostBytes = 15;
const prefixes: ReadonlySet<number> = new Set([
  0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
]);

/** Prefixes that name segment registers: ES, CS, SS, DS, FS, GS. */
const segmentPrefixes: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

/** Two-byte opcodes with ModRM among those that are emulated, and how long their immediates are. */
const twoByteForms: Readonly<Record<number, number>> = {
  0x01: 0,
  0x20: 0,
  0x21: 0,
  0x22: 0,
  0x23: 0,
  0xab: 0,
  0xb0: 0,
  0xb1: 0,
  0xb3: 0,
  0xba: 1,
  0xbb: 0,
  0xc0: 0,
  0xc1: 0,
  0xc7: 0,
};

/**
 * General registers by the manual's numbers, as offsets into a frame; ESP is where the processor
 * pushed it.
 */
export const registerFields: readonly number[] = [
  FrameField.eax,
  FrameField.ecx,
  FrameField.edx,
  FrameField.ebx,
  FrameField.esp,
  FrameField.ebp,
  FrameField.esi,
  FrameField.edi,
];

/** Reads bytes of code, fewer at the end of what can be read. */
export function codeAt(copy: GuestCopy, linear: number): readonly number[] {
  const whole = copy.read(linear, mostBytes);
  if (whole !== undefined) {
    return Array.from({ length: mostBytes }, (_nothing, index) => whole.getUint8(index));
  }
  const bytes: number[] = [];
  for (let index = 0; index < mostBytes; index += 1) {
    const view = copy.read(linear + index, 1);
    if (view === undefined) {
      break;
    }
    bytes.push(view.getUint8(0));
  }
  return bytes;
}

/** Decodes what stands at an address; nothing for what is not whole, or has 16-bit addresses. */
export function decodeGuest(copy: GuestCopy, linear: number): GuestInstruction | undefined {
  const code = codeAt(copy, linear);
  let at = 0;
  let operandBytes: 2 | 4 = 4;
  let [repeats, isShort] = [false, false];
  let segment = -1;
  while (prefixes.has(code[at] ?? 0)) {
    const prefix = code[at] ?? 0;
    operandBytes = prefix === 0x66 ? 2 : operandBytes;
    isShort ||= prefix === 0x67;
    segment = segmentPrefixes.includes(prefix) ? segmentPrefixes.indexOf(prefix) : segment;
    repeats ||= prefix === 0xf2 || prefix === 0xf3;
    at += 1;
  }
  const first = code[at] ?? 0;
  const isTwoByte = first === 0x0f;
  const opcode = isTwoByte ? 0x0f00 | (code[at + 1] ?? 0) : first;
  at += isTwoByte ? 2 : 1;
  const hasModRm = isTwoByte ? twoByteForms[opcode & 0xff] !== undefined : hasForm(opcode);
  const modRm = hasModRm ? (code[at] ?? 0) : 0;
  if (hasModRm) {
    at += isRegisterOnly(opcode) ? 1 : modRmBytes(code, at);
  }
  const size = isTwoByte
    ? (twoByteForms[opcode & 0xff] ?? 0)
    : immediateBytes(opcode, modRm, operandBytes);
  let immediate = 0;
  for (let index = 0; index < size; index += 1) {
    immediate |= (code[at + index] ?? 0) << (8 * index);
  }
  at += size;
  const isWhole = at <= code.length;
  return !isWhole || (isShort && hasModRm && !isRegisterOnly(opcode))
    ? undefined
    : {
        ...{ opcode, modRm, operandBytes, repeats, shortAddress: isShort, bytes: at },
        ...(segment < 0 ? {} : { segment }),
        immediate: size === 1 ? (immediate << 24) >> 24 : immediate,
      };
}

/** Moves of control and debug registers: ModRM always names two registers. */
const isRegisterOnly = (opcode: number): boolean => opcode >= 0x0f20 && opcode <= 0x0f23;

/** Opcodes with ModRM: arithmetic to memory, XCHG, MOV. */
function hasForm(opcode: number): boolean {
  const isArithmetic = opcode < 0x40 && (opcode & 7) < 4;
  const isGroup = (opcode >= 0x80 && opcode <= 0x8b) || opcode === 0xc6 || opcode === 0xc7;
  return isArithmetic || isGroup || (opcode & 0xf6) === 0xf6;
}

function immediateBytes(opcode: number, modRm: number, operandBytes: number): number {
  switch (opcode) {
    case 0x80:
    case 0x83:
    case 0xc6:
    case 0xe4:
    case 0xe5:
    case 0xe6:
    case 0xe7:
      return 1;
    case 0x81:
    case 0xc7:
      return operandBytes;
    case 0xa2:
    case 0xa3:
      return 4;
    case 0xf6:
      return ((modRm >> 3) & 7) < 2 ? 1 : 0;
    case 0xf7:
      return ((modRm >> 3) & 7) < 2 ? operandBytes : 0;
    default:
      return 0;
  }
}

/** Bytes of ModRM with what belongs to it, in 32-bit addressing (SDM 2A tables 2-2 and 2-3). */
function modRmBytes(code: readonly number[], at: number): number {
  const modRm = code[at] ?? 0;
  const [mode, base] = [modRm >> 6, modRm & 7];
  if (mode === 3) {
    return 1;
  }
  const hasSib = base === 4;
  const inner = hasSib ? (code[at + 1] ?? 0) & 7 : base;
  const displacement = mode === 1 ? 1 : mode === 2 || inner === 5 ? 4 : 0;
  return 1 + (hasSib ? 1 : 0) + displacement;
}
