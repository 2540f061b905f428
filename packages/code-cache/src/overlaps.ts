/** Which records of a block depend on some bytes of its page. */
import { BlockField, maxExtentBytes, maxInstructionBytes, RecordField } from './code-block.ts';

const indexWord = BlockField.index >>> 2;

/**
 * Puts the offsets of the records of a block that bytes first..last would make stale into `found`;
 * returns the last byte that the last of them depends on, -1 without one.
 */
export function recordsOn(
  i32: Int32Array,
  u8: Uint8Array,
  block: number,
  first: number,
  last: number,
  found: number[],
): number {
  const index = (block >>> 2) + indexWord;
  let highest = -1;
  found.length = 0;
  for (let offset = Math.max(0, first - maxExtentBytes + 1); offset <= last; offset += 1) {
    const record = i32[index + offset] ?? 0;
    if (record === 0) continue;
    const end = offset + (u8[record + RecordField.extent] ?? 0);
    if (end <= first) continue;
    found.push(offset);
    highest = Math.max(offset, end - 1);
  }
  return highest;
}

/** Whether an instruction of a record of a block has a byte in the 64 bytes from `first` on. */
export function hasCodeIn(i32: Int32Array, u8: Uint8Array, block: number, first: number): boolean {
  const index = (block >>> 2) + indexWord;
  const start = Math.max(0, first - maxInstructionBytes + 1);
  for (let offset = start; offset < first + 64; offset += 1) {
    const record = i32[index + offset] ?? 0;
    if (record === 0) continue;
    if (offset >= first || offset + (u8[record + RecordField.length] ?? 0) > first) return true;
  }
  return false;
}
