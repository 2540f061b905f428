/**
 * The file format of snapshots: named sections of bytes, deflated (RFC 1951) where that helps,
 * under one checksum.
 *
 *     offset  bytes
 *          0      8   89 52 46 53 0d 0a 1a 0a: "RFS" among bytes that a text transfer changes
 *          8      4   version of the format
 *         12      4   length of the whole file
 *         16      4   number of sections
 *         20      4   CRC-32 of everything from byte 24
 *         24          the section table: 16 bytes each
 *                       0  4  name, four ASCII characters
 *                       4  4  bytes in the file
 *                       8  4  bytes of contents
 *                      12  4  0 stored, 1 deflated
 *                     the sections, one after the other, without gaps
 *
 * Numbers are little-endian.
 */
import { deflateSync, inflateSync } from 'fflate';

import { MachineError } from '../error.ts';
import { Crc32 } from './crc32.ts';

/** The version of the format that this package writes, and the only one that it reads. */
export const snapshotVersion = 1;

/** A part of a snapshot. */
export interface Section {
  /** Four ASCII characters. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const signature: readonly number[] = [0x89, 0x52, 0x46, 0x53, 0x0d, 0x0a, 0x1a, 0x0a];
const headerBytes = 24;
const rowBytes = 16;
/** A section that holds a megabyte of guest memory is a little longer; nothing needs more. */
const mostSectionBytes = 0x4000_0000;
/** Of a section's beginning, to tell whether it can be made shorter. */
const probeBytes = 0x1000;

/** What packs and unpacks, where the host can do better than this package. */
export interface Packer {
  /** Returns bytes deflated (RFC 1951), for speed rather than size. */
  deflate?(bytes: Uint8Array): Promise<Uint8Array>;
  /** Returns what was deflated, `size` bytes; rejects if it is anything else. */
  inflate?(bytes: Uint8Array, size: number): Promise<Uint8Array>;
}

/** How many sections are packed or unpacked at a time: enough for the threads of a host. */
const sectionsAtOnce = 8;

/** Returns the file of these sections. */
export async function writeSections(
  sections: readonly Section[],
  packer: Packer,
): Promise<Uint8Array> {
  const rows: number[] = [];
  const parts: Uint8Array[] = [];
  for (let first = 0; first < sections.length; first += sectionsAtOnce) {
    const some = sections.slice(first, first + sectionsAtOnce);
    const packed = await Promise.all(some.map(({ bytes }) => pack(bytes, packer)));
    for (const [index, { name, bytes }] of some.entries()) {
      const part = packed[index] ?? bytes;
      rows.push(nameNumber(name), part.length, bytes.length, part === bytes ? 0 : 1);
      parts.push(part);
    }
  }
  return assemble(rows, parts);
}

/** Returns bytes deflated, or as they are where that makes them no shorter. */
async function pack(bytes: Uint8Array, { deflate }: Packer): Promise<Uint8Array> {
  if (!isCompressible(bytes)) {
    return bytes;
  }
  const packed = deflate === undefined ? deflateSync(bytes, { level: 1 }) : await deflate(bytes);
  return packed.length < bytes.length ? packed : bytes;
}

function assemble(rows: readonly number[], parts: readonly Uint8Array[]): Uint8Array {
  const dataStart = headerBytes + rows.length * 4;
  const total = parts.reduce((sum, part) => sum + part.length, dataStart);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  file.set(signature);
  let at = headerBytes;
  for (const word of rows) {
    view.setUint32(at, word, true);
    at += 4;
  }
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  view.setUint32(8, snapshotVersion, true);
  view.setUint32(12, total, true);
  view.setUint32(16, (rows.length * 4) / rowBytes, true);
  view.setUint32(20, new Crc32().add(file.subarray(headerBytes)).value, true);
  return file;
}

/** A section as the file holds it; `bytes` unpacks it. */
export interface PackedSection {
  readonly name: string;
  bytes(packer: Packer): Promise<Uint8Array>;
}

/** Calls `take` with the contents of sections in order, a few of them unpacked at a time. */
export async function unpackSections(
  sections: readonly PackedSection[],
  packer: Packer,
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  for (let first = 0; first < sections.length; first += sectionsAtOnce) {
    const some = sections.slice(first, first + sectionsAtOnce);
    for (const bytes of await Promise.all(some.map((section) => section.bytes(packer)))) {
      take(bytes);
    }
  }
}

/**
 * Reads the section table of a file and checks everything that can be checked without unpacking.
 *
 * @throws MachineError with code `bad-snapshot`.
 */
export function readSections(file: Uint8Array): PackedSection[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < headerBytes || signature.some((byte, index) => file[index] !== byte)) {
    throw badSnapshot('byte 0', "a snapshot's signature", 'other bytes');
  }
  const version = view.getUint32(8, true);
  if (version !== snapshotVersion) {
    throw badSnapshot('byte 8', `version ${String(snapshotVersion)}`, String(version));
  }
  const length = view.getUint32(12, true);
  if (length !== file.length) {
    throw badSnapshot('byte 12', `a file of ${String(length)} bytes`, `${String(file.length)}`);
  }
  const checksum = new Crc32().add(file.subarray(headerBytes)).value;
  if (checksum !== view.getUint32(20, true)) {
    const stated = view.getUint32(20, true).toString(16);
    throw badSnapshot(
      'byte 20',
      `the checksum ${stated}`,
      `${checksum.toString(16)}: it is damaged`,
    );
  }
  return readTable(file, view);
}

function readTable(file: Uint8Array, view: DataView): PackedSection[] {
  const count = view.getUint32(16, true);
  let at = headerBytes + count * rowBytes;
  if (at > file.length) {
    throw badSnapshot('byte 16', 'a section table within the file', `${String(count)} sections`);
  }
  return Array.from({ length: count }, (_nothing, index) => {
    const row = headerBytes + index * rowBytes;
    const stored = view.getUint32(row + 4, true);
    const contents = view.getUint32(row + 8, true);
    const isDeflated = view.getUint32(row + 12, true) === 1;
    const isLength = isDeflated ? contents <= mostSectionBytes : contents === stored;
    if (stored > file.length - at || !isLength) {
      throw badSnapshot(`byte ${String(row)}`, 'a section within the file', 'one beyond its end');
    }
    const part = file.subarray(at, at + stored);
    at += stored;
    const name = String.fromCharCode(...file.subarray(row, row + 4));
    const bytes = async (packer: Packer): Promise<Uint8Array> =>
      isDeflated ? unpack(part, contents, name, packer) : part;
    return { name, bytes };
  });
}

async function unpack(
  part: Uint8Array,
  contents: number,
  name: string,
  { inflate }: Packer,
): Promise<Uint8Array> {
  let found: string;
  try {
    const bytes =
      inflate === undefined
        ? inflateSync(part, { out: new Uint8Array(contents) })
        : await inflate(part, contents);
    if (bytes.length === contents) {
      return bytes;
    }
    found = String(bytes.length);
  } catch (error) {
    found = error instanceof Error ? error.message : String(error);
  }
  throw badSnapshot(`section ${name}`, `${String(contents)} bytes of contents`, found);
}

/** Whether it is worth trying: kernels and initial RAM disks are compressed already. */
function isCompressible(bytes: Uint8Array): boolean {
  if (bytes.length <= 2 * probeBytes) {
    return bytes.length > 64;
  }
  const middle = (bytes.length >>> 1) & ~0xfff;
  const probe = bytes.subarray(middle, middle + probeBytes);
  return deflateSync(probe, { level: 1 }).length < probe.length * 0.9;
}

function nameNumber(name: string): number {
  return [...name].reduce((sum, letter, index) => sum + letter.charCodeAt(0) * 0x100 ** index, 0);
}

/** Returns the error for a file that is no snapshot, or not one that this machine can take. */
export function badSnapshot(where: string, expected: string, found: string): MachineError {
  return new MachineError('bad-snapshot', { where: `snapshot at ${where}`, expected, found });
}
