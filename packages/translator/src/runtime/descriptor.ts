/**
 * Segment descriptors as runtime functions see them: read through the shadow directory of implicit
 * supervisor accesses, in the layout of SDM 3A 3.4.5. The `segmentation` package is the one that
 * knows all rules; what is here is the part that needs no fault, no write and no host.
 */
import {
  CpuState,
  Layout,
  pageBytes,
  SegmentField,
  SegmentRegister,
  segmentBytes,
} from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { lookup } from './access.ts';

/** Leaves the function with 0: the host does all of it. */
export function refuseIf(b: IrBuilder, condition: Value): void {
  b.if(condition, () => b.return(b.i32(0)));
}

/** Bits of a descriptor's second doubleword. */
const accessed = 1 << 8;
const segment = 1 << 12;
const present = 1 << 15;
const granularity = 1 << 23;
const ldtrPresent = 0x80;

/** A descriptor's two doublewords. */
export interface Descriptor {
  readonly low: Value;
  readonly high: Value;
}

const ldtr = CpuState.segments + segmentBytes * SegmentRegister.ldtr;

/**
 * Reads the descriptor of a selector that is not null; refuses what is outside of its table, not
 * at hand, no code or data segment, not present, or was never accessed.
 */
export function readDescriptor(b: IrBuilder, selector: Value): Descriptor {
  const last = b.or(selector, 7);
  const base = b.variable('i32', b.load('i32.load', CpuState.gdtr));
  const limit = b.variable('i32', b.load('i32.load', CpuState.gdtr + 8));
  b.if(b.and(selector, 4), () => {
    refuseIf(b, b.eqz(b.and(b.load('i32.load', ldtr + SegmentField.attributes), ldtrPresent)));
    b.set(base, b.load('i32.load', ldtr + SegmentField.base));
    b.set(limit, b.load('i32.load', ldtr + SegmentField.limit));
  });
  refuseIf(b, b.gtU(last, b.get(limit)));
  const linear = b.add(b.get(base), b.and(selector, 0xfff8));
  refuseIf(b, b.gtU(b.and(linear, pageBytes - 1), pageBytes - 8));
  const entry = lookup(b, linear, 0, CpuState.dirSystem);
  refuseIf(b, b.and(entry, 1));
  const at = b.add(linear, entry);
  const low = b.load('i32.load', Layout.ram, at);
  const high = b.load('i32.load', Layout.ram + 4, at);
  const needed = accessed | segment | present;
  refuseIf(b, b.ne(b.and(high, needed), needed));
  return { low, high };
}

/** DPL of a descriptor. */
export function levelOf(b: IrBuilder, { high }: Descriptor): Value {
  return b.and(b.shrU(high, 13), 3);
}

/** Base of a descriptor. */
export function baseOf(b: IrBuilder, { low, high }: Descriptor): Value {
  return b.or(b.or(b.shrU(low, 16), b.shl(b.and(high, 0xff), 16)), b.and(high, 0xff00_0000 | 0));
}

/** Limit of a descriptor in bytes. */
export function limitOf(b: IrBuilder, { low, high }: Descriptor): Value {
  const limit = b.or(b.and(low, 0xffff), b.and(high, 0xf_0000));
  return b.select(b.and(high, granularity), b.or(b.shl(limit, 12), 0xfff), limit);
}

/** `SegmentField.attributes` of a descriptor. */
export function attributesOf(b: IrBuilder, { high }: Descriptor): Value {
  return b.and(b.shrU(high, 8), 0xf0ff);
}

/** Writes fields of the segment register at a state address. */
export function setSegment(
  b: IrBuilder,
  address: Value,
  fields: Readonly<Partial<Record<keyof typeof SegmentField, Value>>>,
): void {
  for (const [name, value] of Object.entries(fields)) {
    const offset = SegmentField[name as keyof typeof SegmentField];
    b.store('i32.store', CpuState.segments + offset, value, address);
  }
}

/** Loads the segment register of a number with a flat segment of 4 GiB. */
export function setFlat(
  b: IrBuilder,
  register: number,
  selector: Value,
  attributes: Value,
  isCode: boolean,
): void {
  setSegment(b, b.i32(segmentBytes * register), {
    selector,
    attributes,
    base: b.i32(0),
    limit: b.i32(-1),
    readFirst: b.i32(0),
    readLast: b.i32(-1),
    writeFirst: b.i32(isCode ? -1 : 0),
  });
}

/** Makes the segment register at an offset from `CpuState.segments` null; its limit stays. */
export function setNull(b: IrBuilder, address: Value, selector: Value): void {
  setSegment(b, address, {
    selector,
    attributes: b.i32(0),
    base: b.i32(0),
    readFirst: b.i32(-1),
    readLast: b.i32(0),
    writeFirst: b.i32(-1),
  });
}
