/**
 * What the BIOS tells of the machine: an entry point and a table of structures (SMBIOS Reference
 * Specification 2.8, 5.2.1 and chapter 7).
 *
 *     entry point, 31 bytes  "_SM_" | 4 sum, length, version | 8 longest structure
 *                            0x10 "_DMI_" | 0x15 sum, bytes, address and number of structures
 *     structure              type, length, handle | fields | strings, each ended by 0, then a 0
 */

/** Bytes before the table: the entry point and one that is unused. */
const entryBytes = 32;
const entryLength = 31;
const versionMajor = 2;
const versionMinor = 8;
const kib = 1024;
const maker = 'Ringfence';
/** Handles of structures that others name; all that are not there are `none`. */
const memoryArray = 0x1000;
const noError = 0xfffe;
const none = 0xffff;
/** How fast the processor is said to be, in MHz: nobody measures by it. */
const speedMhz = 2000;

const word = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const long = (value: number): number[] => [...word(value), ...word(value >>> 16)];
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
const textBytes = (text: string): number[] =>
  Array.from(text, (character) => character.charCodeAt(0));

/** Returns a structure; its fields count `strings` from 1. */
function structure(
  type: number,
  handle: number,
  fields: readonly number[],
  strings: readonly string[] = [],
): number[] {
  const texts = strings.flatMap((text) => [...textBytes(text), 0]);
  const end = strings.length === 0 ? [0, 0] : [0];
  return [type, fields.length + 4, ...word(handle), ...fields, ...texts, ...end];
}

/** Returns the structures of a machine with so much RAM. */
function structures(ramBytes: number): number[][] {
  const ramKib = Math.floor(ramBytes / kib);
  const firmware = [1, 2, ...word(0xf000), 3, 1, ...long(8), ...zeros(4), 0, 0x10, 0, 0, 255, 255];
  const system = [1, 2, 3, 0, ...zeros(16), 6, 0, 0];
  const chassis = [1, 1, 0, 0, 0, 3, 3, 3, 2, ...long(0), 0, 0, 0, 0, 0];
  const processor = [
    ...[1, 3, 1, 2, ...zeros(8), 0, 0, ...word(0), ...word(speedMhz), ...word(speedMhz), 0x41, 1],
    ...[...word(none), ...word(none), ...word(none), 0, 0, 0, 1, 1, 1, ...word(2), ...word(1)],
  ];
  const array = [1, 3, 3, ...long(ramKib), ...word(noError), ...word(1), ...zeros(8)];
  const module = [
    ...[...word(memoryArray), ...word(noError), ...word(none), ...word(none)],
    ...[...word(Math.floor(ramKib / kib)), 9, 0, 1, 0, 7, ...word(2), ...word(0), 2, 0, 0, 0, 0],
    ...[...long(0), ...word(0), ...word(0), ...word(0), ...word(0)],
  ];
  const range = [...long(0), ...long(ramKib - 1), ...word(memoryArray), 1, ...zeros(16)];
  return [
    structure(0, 0x0000, firmware, [maker, 'built-in', '01/01/2026']),
    structure(1, 0x0100, system, [maker, 'PC (i440FX + PIIX)', '1']),
    structure(3, 0x0300, chassis, [maker]),
    structure(4, 0x0400, processor, ['CPU 0', maker]),
    structure(16, memoryArray, array),
    structure(17, 0x1100, module, ['DIMM 0', maker]),
    structure(19, 0x1300, range),
    structure(32, 0x2000, zeros(7)),
    structure(127, 0x7f00, []),
  ];
}

/** Makes the bytes from `first` to `end` add up to zero, by the one at `at`. */
function sum(bytes: Uint8Array, first: number, end: number, at: number): void {
  bytes[at] = -bytes.subarray(first, end).reduce((total, byte) => total + byte, 0);
}

/** Returns the entry point, for an address that is a multiple of 16, and the table behind it. */
export function smbios(address: number, ramBytes: number): Uint8Array {
  const all = structures(ramBytes);
  const table = all.flat();
  const longest = Math.max(...all.map(({ length }) => length));
  const bytes = new Uint8Array(entryBytes + table.length);
  bytes.set([...textBytes('_SM_'), 0, entryLength, versionMajor, versionMinor, ...word(longest)]);
  bytes.set([...textBytes('_DMI_'), 0, ...word(table.length), ...long(address + entryBytes)], 0x10);
  bytes.set([...word(all.length), (versionMajor << 4) | versionMinor], 0x1c);
  bytes.set(table, entryBytes);
  sum(bytes, 0x10, entryLength, 0x15);
  sum(bytes, 0, entryLength, 4);
  return bytes;
}
