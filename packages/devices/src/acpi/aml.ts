/**
 * A byte emitter for the ACPI Machine Language (ACPI Specification 2.0c, chapter 17): the few terms
 * that a description of fixed hardware needs. Every function returns the bytes of one term.
 */

/** The bytes of an AML term. */
export type Aml = readonly number[];

const op = {
  zero: 0x00,
  one: 0x01,
  name: 0x08,
  bytePrefix: 0x0a,
  wordPrefix: 0x0b,
  dwordPrefix: 0x0c,
  stringPrefix: 0x0d,
  scope: 0x10,
  buffer: 0x11,
  package: 0x12,
  method: 0x14,
  argument0: 0x68,
  store: 0x70,
  and: 0x7b,
  or: 0x7d,
  createDwordField: 0x8a,
  ifTrue: 0xa0,
  returnValue: 0xa4,
  extended: 0x5b,
  operationRegion: 0x80,
  field: 0x81,
  device: 0x82,
  processor: 0x83,
} as const;

/** Encodes an integer of up to 32 bits in the shortest way (section 17.2.3). */
export function integer(value: number): Aml {
  if (value === 0) {
    return [op.zero];
  }
  if (value === 1) {
    return [op.one];
  }
  if (value <= 0xff) {
    return [op.bytePrefix, value];
  }
  return value <= 0xffff ? [op.wordPrefix, ...word(value)] : [op.dwordPrefix, ...dword(value)];
}

/** Encodes a string of ASCII characters. */
export function text(value: string): Aml {
  return [op.stringPrefix, ...ascii(value), 0];
}

/** Encodes a compressed EISA identifier such as `PNP0A03` (section 18.1.3, `EISAID`). */
export function eisaId(id: string): Aml {
  const letter = (index: number): number => id.charCodeAt(index) - 0x40;
  const letters = (letter(0) << 10) | (letter(1) << 5) | letter(2);
  const product = Number.parseInt(id.slice(3), 16);
  // The bytes stand in the order of the text, which makes the integer look swapped.
  return [op.dwordPrefix, letters >> 8, letters & 0xff, product >> 8, product & 0xff];
}

/** Encodes `Name (name, value)`. */
export function name(nameText: string, value: Aml): Aml {
  return [op.name, ...nameString(nameText), ...value];
}

/** Encodes `Scope (name) { ... }`. */
export function scope(nameText: string, ...terms: Aml[]): Aml {
  return [op.scope, ...withLength([...nameString(nameText), ...terms.flat()])];
}

/** Encodes `Device (name) { ... }`. */
export function device(nameText: string, ...terms: Aml[]): Aml {
  return [op.extended, op.device, ...withLength([...nameString(nameText), ...terms.flat()])];
}

/** Encodes `Package () { ... }` of up to 255 elements. */
export function packageOf(...elements: Aml[]): Aml {
  return [op.package, ...withLength([elements.length, ...elements.flat()])];
}

/** Encodes `Buffer () { ... }`. */
export function buffer(bytes: readonly number[]): Aml {
  return [op.buffer, ...withLength([...integer(bytes.length), ...bytes])];
}

/** Encodes a resource template: descriptors, an end tag, and no checksum (section 6.4.2.8). */
export function resources(...descriptors: (readonly number[])[]): Aml {
  return buffer([...descriptors.flat(), 0x79, 0x00]);
}

/** Encodes a reference to a name: `PRQA`, `^LNKA`, `\\_SB.PCI0`. */
export function reference(nameText: string): Aml {
  return nameString(nameText);
}

/** The first argument of the method that it stands in. */
export const argument0: Aml = [op.argument0];

/** Encodes `Method (name, arguments, Serialized) { ... }`. */
export function method(nameText: string, argumentCount: number, ...terms: Aml[]): Aml {
  const serialized = 0x08;
  return [
    op.method,
    ...withLength([...nameString(nameText), argumentCount | serialized, ...terms.flat()]),
  ];
}

/** Encodes `Store (value, target)`. */
export function store(value: Aml, target: Aml): Aml {
  return [op.store, ...value, ...target];
}

/** Encodes `And (one, other, target)`; without a target the value is that of the term. */
export function and(one: Aml, other: Aml, target: Aml = [op.zero]): Aml {
  return [op.and, ...one, ...other, ...target];
}

/** Encodes `Or (one, other, target)`; without a target the value is that of the term. */
export function or(one: Aml, other: Aml, target: Aml = [op.zero]): Aml {
  return [op.or, ...one, ...other, ...target];
}

/** Encodes `If (predicate) { ... }`. */
export function ifTrue(predicate: Aml, ...terms: Aml[]): Aml {
  return [op.ifTrue, ...withLength([...predicate, ...terms.flat()])];
}

/** Encodes `Return (value)`. */
export function returnValue(value: Aml): Aml {
  return [op.returnValue, ...value];
}

/** Encodes `CreateDWordField (buffer, byte, name)`. */
export function createDwordField(bufferTerm: Aml, byte: number, nameText: string): Aml {
  return [op.createDwordField, ...bufferTerm, ...integer(byte), ...nameString(nameText)];
}

/** Encodes `OperationRegion (name, PCI_Config, offset, length)`. */
export function configRegion(nameText: string, offset: number, length: number): Aml {
  const pciConfig = 0x02;
  const head = [op.extended, op.operationRegion, ...nameString(nameText), pciConfig];
  return [...head, ...integer(offset), ...integer(length)];
}

/** Encodes `Field (region, ByteAcc, NoLock, Preserve)` of bytes that follow each other. */
export function byteFields(region: string, ...names: readonly string[]): Aml {
  const byteAccess = 0x01;
  const elements = names.flatMap((each) => [...nameString(each), 8]);
  const body = [...nameString(region), byteAccess, ...elements];
  return [op.extended, op.field, ...withLength(body)];
}

/** Encodes `Processor (name, id, 0, 0) {}`: one without power states beyond C1. */
export function processor(nameText: string, id: number): Aml {
  const body = [...nameString(nameText), id, ...dword(0), 0];
  return [op.extended, op.processor, ...withLength(body)];
}

/** Describes `count` ports from `first` on, decoded with 16 bits (section 6.4.2.5). */
export function ports(first: number, count: number): readonly number[] {
  return [0x47, 0x01, ...word(first), ...word(first), 0x01, count];
}

/** Describes an edge-triggered, active-high interrupt request (section 6.4.2.1). */
export function irq(line: number): readonly number[] {
  return [0x22, ...word(1 << line)];
}

/** Describes a DMA channel of 8 bits, not a bus master (section 6.4.2.2). */
export function dma(channel: number): readonly number[] {
  return [0x2a, 1 << channel, 0x00];
}

/** Describes 32-bit memory at a fixed place (section 6.4.3.4). */
export function fixedMemory(first: number, bytes: number, writable: boolean): readonly number[] {
  return [0x86, ...word(9), writable ? 1 : 0, ...dword(first), ...dword(bytes)];
}

/**
 * Describes a choice of level-triggered, active-high, shared interrupts (section 6.4.3.6); the
 * first number stands at byte 5.
 */
export function sharedInterrupts(...numbers: readonly number[]): readonly number[] {
  const consumerShared = 0x09;
  const body = [consumerShared, numbers.length, ...numbers.flatMap(dword)];
  return [0x89, ...word(body.length), ...body];
}

/** Describes the bus numbers that a bridge decodes (section 6.4.3.5.3). */
export function busNumbers(first: number, last: number): readonly number[] {
  return [0x88, ...word(13), 0x02, 0x0c, 0x00, ...wordRange(first, last)];
}

/** Describes a range of ports that a bridge passes on (section 6.4.3.5.3). */
export function portRange(first: number, last: number): readonly number[] {
  return [0x88, ...word(13), 0x01, 0x0c, 0x03, ...wordRange(first, last)];
}

/** Describes a range of 32-bit memory that a bridge passes on (section 6.4.3.5.2). */
export function memoryRange(first: number, last: number, cacheable: boolean): readonly number[] {
  return [
    0x87,
    ...word(23),
    0x00,
    0x0c,
    cacheable ? 0x03 : 0x01,
    ...dword(0),
    ...dword(first),
    ...dword(last),
    ...dword(0),
    ...dword(last - first + 1),
  ];
}

/** Splits a 16-bit number into its bytes, low first. */
export function word(value: number): readonly number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

/** Splits a 32-bit number into its bytes, low first. */
export function dword(value: number): readonly number[] {
  return [...word(value), ...word(value >>> 16)];
}

/** Returns the codes of the characters of a string. */
export function ascii(value: string): readonly number[] {
  return Array.from(value, (character) => character.charCodeAt(0));
}

function wordRange(first: number, last: number): readonly number[] {
  return [...word(0), ...word(first), ...word(last), ...word(0), ...word(last - first + 1)];
}

/** Encodes a name of up to 255 segments, each padded with underscores (section 17.2.2). */
function nameString(value: string): readonly number[] {
  const prefix = /^[\\^]*/.exec(value)?.[0] ?? '';
  const segments = value.slice(prefix.length).split('.');
  const bytes = segments.flatMap((segment) => ascii(segment.padEnd(4, '_')));
  const dualName = 0x2e;
  const multiName = 0x2f;
  const count =
    segments.length === 1 ? [] : segments.length === 2 ? [dualName] : [multiName, segments.length];
  return [...ascii(prefix), ...count, ...bytes];
}

/** Puts a package length, which counts itself, before some bytes (section 17.2.4). */
function withLength(body: readonly number[]): readonly number[] {
  const extra = [0x3f, 0xfff, 0xf_ffff].findIndex((most, index) => body.length + 1 + index <= most);
  const follow = extra < 0 ? 3 : extra;
  const length = body.length + 1 + follow;
  if (follow === 0) {
    return [length, ...body];
  }
  const encoded = [(follow << 6) | (length & 0x0f)];
  for (let index = 0; index < follow; index += 1) {
    encoded.push((length >>> (4 + 8 * index)) & 0xff);
  }
  return [...encoded, ...body];
}
