/**
 * Unpacks the kind of xz stream that kernels are packed in (.xz file format 1.0.4): one block,
 * LZMA2, with or without the x86 filter, CRC-32 as its check.
 *
 * The decoder that does LZMA2 knows neither the filter nor where a stream without a check ends. So
 * it is given a header that says LZMA2 only and no check, and filter and check are done here:
 *
 *     stream header (12): fd "7zXZ" 00, flags: 00 and the check's kind, CRC-32
 *     block header:       size / 4 - 1, flags, [packed, unpacked size], filters, zeros, CRC-32
 *     block:              LZMA2 chunks, zeros up to a multiple of 4, the check
 *     index:              00, records, zeros, CRC-32
 *     stream footer (12): CRC-32, size of the index / 4 - 1, flags as in the header, "YZ"
 */
import { Crc32 } from '../../snapshot/crc32.ts';

import { restoreX86Branches } from './x86-branches.ts';

const streamHeaderBytes = 12;
const crcBytes = 4;
const checkCrc32 = 1;
const filterX86 = 4;
const filterLzma2 = 0x21;
/** Bits 6 and 7 of a block header's flags: the packed and the unpacked size follow. */
const packedSizeFlag = 0x40;
const unpackedSizeFlag = 0x80;
/** A variable-length integer has at most nine bytes (section 1.2). */
const mostVarintBytes = 9;
/** The decoder gives an empty piece now and then; this many in a row mean that it is stuck. */
const mostEmptyPieces = 8;

/** The first bytes of an xz stream. */
export const xzMagic: readonly number[] = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0];

/** Lets the host look after its own events, now and then. */
export type Breather = () => Promise<void>;

interface Block {
  readonly headerBytes: number;
  readonly dictionary: number;
  readonly isX86: boolean;
}

/**
 * Unpacks a stream to `size` bytes; nothing for one of another kind, or one that is damaged.
 *
 * `breathe` is awaited after every chunk of some ten KiB.
 */
export async function unpackXz(
  stream: Uint8Array,
  size: number,
  breathe: Breather,
): Promise<Uint8Array | undefined> {
  const block = readBlockHeader(stream);
  if (block === undefined || stream[7] !== checkCrc32) {
    return undefined;
  }
  const unpacked = await unpackLzma2(withoutFilter(stream, block), size, breathe);
  const check = storedCheck(stream);
  if (unpacked === undefined || check === undefined) {
    return undefined;
  }
  if (block.isX86) {
    restoreX86Branches(unpacked);
  }
  return crc32(unpacked) === check ? unpacked : undefined;
}

/** Reads the first block's header; nothing for filters other than LZMA2 behind at most x86. */
function readBlockHeader(stream: Uint8Array): Block | undefined {
  const headerBytes = ((stream[streamHeaderBytes] ?? 0) + 1) * 4;
  const header = stream.subarray(streamHeaderBytes, streamHeaderBytes + headerBytes);
  if (header.length < headerBytes) {
    return undefined;
  }
  const flags = header[1] ?? 0;
  let at = 2;
  for (const flag of [packedSizeFlag, unpackedSizeFlag]) {
    at += flags & flag ? varintBytes(header, at) : 0;
  }
  const isX86 = (flags & 3) === 1;
  if ((flags & 3) > 1 || (isX86 && (header[at] !== filterX86 || header[at + 1] !== 0))) {
    return undefined;
  }
  at += isX86 ? 2 : 0;
  if (header[at] !== filterLzma2 || header[at + 1] !== 1 || at + 3 + crcBytes > headerBytes) {
    return undefined;
  }
  return { headerBytes, dictionary: header[at + 2] ?? 0, isX86 };
}

function varintBytes(bytes: Uint8Array, at: number): number {
  let count = 1;
  while (count < mostVarintBytes && ((bytes[at + count - 1] ?? 0) & 0x80) !== 0) {
    count += 1;
  }
  return count;
}

/** Copies a stream with headers that say LZMA2 only and no check; lengths stay. */
function withoutFilter(stream: Uint8Array, block: Block): Uint8Array {
  const copy = new Uint8Array(stream);
  const view = new DataView(copy.buffer);
  copy[7] = 0;
  view.setUint32(8, crc32(copy.subarray(6, 8)), true);
  const end = streamHeaderBytes + block.headerBytes - crcBytes;
  copy.fill(0, streamHeaderBytes + 1, end);
  copy.set([filterLzma2, 1, block.dictionary], streamHeaderBytes + 2);
  view.setUint32(end, crc32(copy.subarray(streamHeaderBytes, end)), true);
  return copy;
}

/** Returns the check of the last block, which stands before the index. */
function storedCheck(stream: Uint8Array): number | undefined {
  if (stream.length < 2 * streamHeaderBytes) {
    return undefined;
  }
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const indexBytes = (view.getUint32(stream.length - 8, true) + 1) * 4;
  const at = stream.length - streamHeaderBytes - indexBytes - crcBytes;
  return at < 0 ? undefined : view.getUint32(at, true);
}

/** What is used of a stream of bytes (WHATWG Streams Standard, 4). */
interface ByteReader {
  read(): Promise<{ readonly done?: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<unknown>;
}
interface ByteSource {
  getReader(): ByteReader;
}

async function unpackLzma2(
  stream: Uint8Array,
  size: number,
  breathe: Breather,
): Promise<Uint8Array | undefined> {
  const Decoder = await findDecoder();
  let given = false;
  const reader = new Decoder({
    getReader: () => ({
      read: () => {
        const done = given;
        given = true;
        // The decoder does not expect an end; an empty piece makes it notice that there is no more.
        return Promise.resolve({ done: false, value: done ? new Uint8Array(0) : stream });
      },
      cancel: () => Promise.resolve(),
    }),
  }).getReader();
  try {
    return await readAll(reader, size, breathe);
  } catch {
    return undefined;
  } finally {
    // The decoder serves one stream after the other; one that is not ended would keep all others
    // out.
    await reader.cancel().catch(() => undefined);
  }
}

/** Reads exactly `size` bytes; nothing when there are fewer, more, or no progress. */
async function readAll(
  reader: ByteReader,
  size: number,
  breathe: Breather,
): Promise<Uint8Array | undefined> {
  const unpacked = new Uint8Array(size);
  let filled = 0;
  for (let empty = 0; filled < size && empty < mostEmptyPieces;) {
    const { done, value } = await reader.read();
    if (done === true || value === undefined || filled + value.length > size) {
      return undefined;
    }
    unpacked.set(value, filled);
    filled += value.length;
    empty = value.length === 0 ? empty + 1 : 0;
    await breathe();
  }
  return filled === size ? unpacked : undefined;
}

type Decoder = new (source: ByteSource) => ByteSource;

/**
 * The package is a script of the kind that some bundlers hand over as `default` and some do not.
 */
async function findDecoder(): Promise<Decoder> {
  const loaded = (await import('xz-decompress')) as unknown as {
    readonly XzReadableStream?: Decoder;
    readonly default?: { readonly XzReadableStream: Decoder };
  };
  const found = loaded.XzReadableStream ?? loaded.default?.XzReadableStream;
  if (found === undefined) {
    throw new Error('xz-decompress: expected a class XzReadableStream');
  }
  return found;
}

const crc32 = (bytes: Uint8Array): number => new Crc32().add(bytes).value;
