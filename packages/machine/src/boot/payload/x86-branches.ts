/**
 * The x86 filter of xz ("BCJ"; .xz file format 1.0.4, section 5.3.2), in the direction of
 * unpacking.
 *
 * Before compression the operands of CALL and JMP (E8, E9) were made absolute, so that calls of one
 * function are equal bytes. An operand counts as an address if its top byte is 00 or FF. Bytes E8
 * and E9 are found in other places too; the filter looks back over the three bytes before an opcode
 * for others that may have been the true one, and both directions decide in the same way:
 *
 *     seen bit 0..2: an opcode that was not taken stood 1..3 bytes before
 */

const call = 0xe8;
const operandBytes = 4;
const lookBack = 3;

/** Whether an opcode is taken despite the ones seen before it, by `seen`. */
const takenAfter: readonly boolean[] = [true, true, true, false, true, false, false, false];
/** How many bytes of the operand belonged to the operand of the earliest opcode seen. */
const sharedBytes: readonly number[] = [0, 1, 2, 2, 3, 3, 3, 3];

const isSignByte = (byte: number): boolean => byte === 0 || byte === 0xff;

/** Makes branch operands relative again, in place; `bytes` is the whole of what was filtered. */
export function restoreX86Branches(bytes: Uint8Array): void {
  const last = bytes.length - operandBytes;
  let seen = 0;
  /** The place that `seen` is relative to: of the last opcode, or the end of the last operand. */
  let from = -1;
  for (let at = 0; at < last; at += 1) {
    if (((bytes[at] ?? 0) & 0xfe) !== call) {
      continue;
    }
    const distance = at - from;
    seen = distance > lookBack ? 0 : (seen << (distance - 1)) & 7;
    from = at;
    const top = bytes[at + operandBytes - (sharedBytes[seen] ?? 0)] ?? 0;
    const blocked = seen !== 0 && (takenAfter[seen] !== true || isSignByte(top));
    if (blocked || !isSignByte(bytes[at + operandBytes] ?? 0)) {
      seen = (seen << 1) | 1;
      continue;
    }
    writeOperand(bytes, at + 1, relativeOperand(readOperand(bytes, at + 1), at + 5, seen));
    at += operandBytes;
    from = at;
    seen = 0;
  }
}

function relativeOperand(absolute: number, next: number, seen: number): number {
  let operand = (absolute - next) | 0;
  if (seen !== 0) {
    const shared = (sharedBytes[seen] ?? 0) * 8;
    if (isSignByte((operand >>> (24 - shared)) & 0xff)) {
      operand = ((operand ^ (2 ** (32 - shared) - 1)) - next) | 0;
    }
  }
  // 25 bits with their sign.
  return (operand << 7) >> 7;
}

function readOperand(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function writeOperand(bytes: Uint8Array, at: number, operand: number): void {
  bytes[at] = operand;
  bytes[at + 1] = operand >>> 8;
  bytes[at + 2] = operand >>> 16;
  bytes[at + 3] = operand >>> 24;
}
