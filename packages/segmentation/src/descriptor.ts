/**
 * Segment, system-segment and gate descriptors (SDM 3A 3.4.5, figures 3-8 and 6-2), as two int32.
 *
 *            31      24 23 22 21 20 19   16 15 14 13 12 11    8 7       0
 *     high  | base 31..24 | G | D/B| L|AVL| limit 19..16 | P | DPL | S | type | base 23..16 |
 *     low   |        base 15..0           |              limit 15..0               |
 *
 * Gates: `low` is selector : offset 15..0, `high` has offset 31..16 above the attribute byte.
 *
 * Decoded segments are eight int32 in the layout of `SegmentField`, so that a segment that is still
 * being checked (the stack of an inner level) and a segment register are treated by the same code.
 */
import { SegmentField } from '@ringfence/memory';

/** Bits of a descriptor's second doubleword (SDM 3A 3.4.5). */
export const DescriptorBit = {
  accessed: 0x100,
  /** Data: writable. Code: readable. */
  writableOrReadable: 0x200,
  /** Data: expand-down. Code: conforming. */
  expandDownOrConforming: 0x400,
  code: 0x800,
  /** S: code or data segment, not a system descriptor. */
  segment: 0x1000,
  present: 0x8000,
  long: 0x200000,
  default32: 0x400000,
  granularity: 0x800000,
} as const;

/** Bits of `SegmentField.attributes`: the descriptor's second doubleword shifted right by 8. */
export const Attribute = {
  accessed: 0x1,
  writableOrReadable: 0x2,
  expandDownOrConforming: 0x4,
  code: 0x8,
  segment: 0x10,
  present: 0x80,
  default32: 0x4000,
  granularity: 0x8000,
} as const;

/** Types of system descriptors outside long mode (SDM 3A table 3-2). */
export const SystemType = {
  tss16Available: 1,
  ldt: 2,
  tss16Busy: 3,
  callGate16: 4,
  taskGate: 5,
  interruptGate16: 6,
  trapGate16: 7,
  tss32Available: 9,
  tss32Busy: 11,
  callGate32: 12,
  interruptGate32: 14,
  trapGate32: 15,
} as const;

/** Word offsets of `SegmentField` within a decoded segment. */
export const Word: Readonly<
  Record<
    'selector' | 'attributes' | 'base' | 'limit' | 'readFirst' | 'readLast' | 'writeFirst',
    number
  >
> = {
  selector: SegmentField.selector >> 2,
  attributes: SegmentField.attributes >> 2,
  base: SegmentField.base >> 2,
  limit: SegmentField.limit >> 2,
  readFirst: SegmentField.readFirst >> 2,
  readLast: SegmentField.readLast >> 2,
  writeFirst: SegmentField.writeFirst >> 2,
};

/** Base address of a segment descriptor, int32 (SDM 3A 3.4.5). */
export function descriptorBase(low: number, high: number): number {
  return (low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000);
}

/** Limit of a segment descriptor in bytes with granularity applied, int32 (SDM 3A 3.4.5). */
export function descriptorLimit(low: number, high: number): number {
  const limit = (low & 0xffff) | (high & 0xf_0000);
  return (high & DescriptorBit.granularity) !== 0 ? (limit << 12) | 0xfff : limit;
}

/** `SegmentField.attributes` of a descriptor: bits 55..40 without the limit (SDM 3A 3.4.5). */
export function descriptorAttributes(high: number): number {
  return (high >>> 8) & 0xf0ff;
}

/** DPL of a descriptor or gate, 0 to 3 (SDM 3A 3.4.5). */
export function descriptorDpl(high: number): number {
  return (high >>> 13) & 3;
}

/** Type of a system descriptor or gate; only meaningful with S clear (SDM 3A table 3-2). */
export function systemType(high: number): number {
  return (high >>> 8) & 15;
}

/** True for a code segment descriptor (SDM 3A table 3-1). */
export function isCode(high: number): boolean {
  return (high & 0x1800) === 0x1800;
}

/** True for a code segment descriptor with the C bit (SDM 3A 5.8.1.2). */
export function isConforming(high: number): boolean {
  return (high & 0x1c00) === 0x1c00;
}

/** True for a data segment descriptor that can be written: what SS takes (SDM 3A 5.7). */
export function isWritableData(high: number): boolean {
  return (high & 0x1a00) === 0x1200;
}

/** True for data and readable code: what DS, ES, FS and GS take (SDM 3A 5.6). */
export function isReadable(high: number): boolean {
  return (high & 0x1000) !== 0 && (high & 0xa00) !== 0x800;
}

/** Offset in a call, interrupt or trap gate: 16 or 32 bits by its type (SDM 3A 5.8.3). */
export function gateOffset(low: number, high: number): number {
  return (high & 0x800) !== 0 ? (low & 0xffff) | (high & 0xffff_0000) : low & 0xffff;
}

/**
 * Writes the decoded form of a code or data segment to `words[at..at+7]`: base, limit, attributes
 * and the bounds that accesses are compared with (SDM 3A 5.3). The segment counts as accessed.
 */
export function decodeSegment(
  words: Int32Array,
  at: number,
  selector: number,
  low: number,
  high: number,
): void {
  const attributes = descriptorAttributes(high) | Attribute.accessed;
  words[at + Word.selector] = selector;
  words[at + Word.base] = descriptorBase(low, high);
  setBounds(words, at, attributes, descriptorLimit(low, high));
}

/** Writes attributes, limit, and the access bounds that follow from them (SDM 3A 5.3, 5.5). */
export function setBounds(words: Int32Array, at: number, attributes: number, limit: number): void {
  let first = 0;
  let last = limit;
  let writable = (attributes & Attribute.writableOrReadable) !== 0;
  let closed = false;
  if ((attributes & Attribute.code) !== 0) {
    closed = !writable;
    writable = false;
  } else if ((attributes & Attribute.expandDownOrConforming) !== 0) {
    first = (limit + 1) | 0;
    last = (attributes & Attribute.default32) !== 0 ? -1 : 0xffff;
    closed = limit >>> 0 >= last >>> 0;
  }
  words[at + Word.attributes] = attributes;
  words[at + Word.limit] = limit;
  words[at + Word.readFirst] = closed ? -1 : first;
  words[at + Word.readLast] = closed ? 0 : last;
  words[at + Word.writeFirst] = closed || !writable ? -1 : first;
}

/**
 * Writes the decoded form of a null selector: unusable, no access passes (SDM 3A 3.4.2). The limit
 * stays as it was, for code that goes back to real mode without loading one again.
 */
export function decodeNull(words: Int32Array, at: number, selector: number): void {
  words[at + Word.selector] = selector;
  words[at + Word.attributes] = 0;
  words[at + Word.base] = 0;
  words[at + Word.readFirst] = -1;
  words[at + Word.readLast] = 0;
  words[at + Word.writeFirst] = -1;
}

/** Hidden state of one segment register, for people and tools. */
export interface SegmentState {
  readonly selector: number;
  /** uint32. */
  readonly base: number;
  /** uint32, in bytes. */
  readonly limit: number;
  /** Bits 55..40 of the descriptor without the limit. */
  readonly attributes: number;
}

/** Reads a segment register of the CPU state as an object (SDM 3A 3.4.3); allocates. */
export function readSegment(words: Int32Array, at: number): SegmentState {
  return {
    selector: words[at + Word.selector] ?? 0,
    base: (words[at + Word.base] ?? 0) >>> 0,
    limit: (words[at + Word.limit] ?? 0) >>> 0,
    attributes: words[at + Word.attributes] ?? 0,
  };
}
