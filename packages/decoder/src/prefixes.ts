/** Instruction prefixes: SDM vol. 2A, 2.1.1 and 2.2.1. */
import { Prefix } from './instruction.ts';
import type { Instruction } from './instruction.ts';

/** Most prefix bytes that are looked at: an instruction with more is too long. */
const MAX_PREFIXES = 15;

const CLASS_SEGMENT = 16;
const CLASS_REX = 32;

/**
 * Class of each byte as a prefix, 64-bit code from position 256: 0 for none, a bit of {@link
 * Prefix}, 16 plus a segment register, or 32 for REX.
 */
export const PREFIX_CLASS: Uint8Array = buildClasses();

function buildClasses(): Uint8Array {
  const classes = new Uint8Array(512);
  for (const mode of [0, 256]) {
    classes[mode + 0xf0] = Prefix.lock;
    classes[mode + 0xf3] = Prefix.rep;
    classes[mode + 0xf2] = Prefix.repne;
    classes[mode + 0x66] = Prefix.operandSize;
    classes[mode + 0x67] = 15;
    [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65].forEach((byte, segment) => {
      classes[mode + byte] = CLASS_SEGMENT + segment;
    });
  }
  classes.fill(CLASS_REX, 256 + 0x40, 256 + 0x50);
  return classes;
}

/**
 * Reads prefixes from `bytes[offset]` on into `prefixes`, `rex` and `segment`; returns the
 * position of the opcode.
 *
 * Of F2 and F3, and of several segment prefixes, the last one counts. REX counts only directly
 * before the opcode (SDM vol. 2A, 2.2.1). In 64-bit code only FS and GS override (SDM vol. 1,
 * 3.3.7.1).
 */
export function scanPrefixes(
  instruction: Instruction,
  bytes: Uint8Array,
  offset: number,
  is64: boolean,
): number {
  const mode = is64 ? 256 : 0;
  const last = offset + MAX_PREFIXES;
  let prefixes = 0;
  let rex = 0;
  let at = offset;
  for (; at < last; at++) {
    const byte = bytes[at] ?? 0;
    const kind = PREFIX_CLASS[mode | byte] ?? 0;
    if (kind === 0) break;
    rex = 0;
    if (kind === CLASS_REX) rex = byte;
    else if (kind >= CLASS_SEGMENT) {
      const segment = kind - CLASS_SEGMENT;
      if (is64 && segment < 4) continue;
      instruction.segment = segment;
      prefixes |= Prefix.segment;
    } else if (kind === Prefix.rep || kind === Prefix.repne) {
      prefixes = (prefixes & ~(Prefix.rep | Prefix.repne)) | kind;
    } else prefixes |= kind === 15 ? Prefix.addressSize : kind;
  }
  instruction.prefixes = rex === 0 ? prefixes : prefixes | Prefix.rex;
  instruction.rex = rex;
  return at;
}
