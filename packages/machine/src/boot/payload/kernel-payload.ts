/**
 * What a Linux bzImage carries: the kernel itself, an ELF file in packed form (Linux,
 * Documentation/arch/x86/boot.rst, "payload_offset" and "payload_length").
 */
import type { HostServices } from '../../options/machine-options.ts';
import { elfMagic } from '../elf.ts';
import { ImageView } from '../image-view.ts';
import { isLinuxImage, SetupOffset } from '../linux-header.ts';

import { unpackXz, xzMagic } from './xz.ts';
import type { Breather } from './xz.ts';

/** The protocol that brought the payload's place. */
const payloadVersion = 0x208;
/** The most that a payload may unpack to: Linux's own limit is the memory that it maps at first. */
const mostUnpackedBytes = 0x2000_0000;
/** How long the host's events wait while a payload is unpacked. */
const breathMs = 12;

const gzipMagic = [0x1f, 0x8b, 8];
const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd];

/** What unpacking needs of the host. */
export type UnpackHost = Pick<HostServices, 'monotonicMs' | 'setTimer' | 'unpackedKernels'>;

/**
 * Unpacks the kernel that a bzImage carries, xz, gzip, zstd or plain.
 *
 * Returns nothing where that cannot be done: it is no bzImage, or packed in another way, or
 * damaged. The image can still unpack itself then, or say what is wrong with it.
 */
export async function unpackKernel(
  file: Uint8Array,
  host: UnpackHost,
): Promise<Uint8Array | undefined> {
  // A kernel that is packed as a whole, as GNU Mach is, is its own payload.
  const payload = begins(file, gzipMagic) ? file : findPayload(file);
  if (payload === undefined || payload.length <= sizeBytes) {
    return undefined;
  }
  const unpacked = await findOrUnpack(payload, host);
  return unpacked !== undefined && begins(unpacked, elfBytes) ? unpacked : undefined;
}

/** Returns the packed kernel within a bzImage, the four bytes of its unpacked size behind it. */
export function findPayload(file: Uint8Array): Uint8Array | undefined {
  const image = new ImageView('kernel', file);
  if (!isLinuxImage(image) || image.u16(SetupOffset.version) < payloadVersion) {
    return undefined;
  }
  const code = ((image.u8(SetupOffset.setupSectors) || 4) + 1) * 512;
  const start = code + image.u32(SetupOffset.payloadOffset);
  const bytes = image.u32(SetupOffset.payloadBytes);
  return bytes > sizeBytes && start + bytes <= file.length
    ? file.subarray(start, start + bytes)
    : undefined;
}

/** Size of the number that says how much a payload unpacks to. */
const sizeBytes = 4;

const elfBytes = [0, 8, 16, 24].map((shift) => (elfMagic >>> shift) & 0xff);

async function findOrUnpack(
  payload: Uint8Array,
  host: UnpackHost,
): Promise<Uint8Array | undefined> {
  if (begins(payload, elfBytes)) {
    return payload;
  }
  const kept = await host.unpackedKernels?.find(payload);
  if (kept?.length === unpackedSize(payload)) {
    return kept;
  }
  const unpacked = await unpackPayload(payload, breatherOf(host));
  if (unpacked !== undefined) {
    host.unpackedKernels?.keep(payload, unpacked);
  }
  return unpacked;
}

/** Every packer's output is followed by the size, except that gzip ends with it itself. */
function unpackedSize(payload: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return view.getUint32(payload.length - sizeBytes, true);
}

async function unpackPayload(
  payload: Uint8Array,
  breathe: Breather,
): Promise<Uint8Array | undefined> {
  const packed = payload.subarray(0, payload.length - sizeBytes);
  const size = unpackedSize(payload);
  if (size > mostUnpackedBytes) {
    return undefined;
  }
  if (begins(payload, xzMagic)) {
    return unpackXz(packed, size, breathe);
  }
  if (begins(payload, gzipMagic)) {
    const { Gunzip } = await import('fflate');
    return unpackPieces(payload, size, breathe, (take) => new Gunzip(take));
  }
  if (begins(payload, zstdMagic)) {
    const { Decompress } = await import('fzstd');
    return unpackPieces(packed, size, breathe, (take) => new Decompress(take));
  }
  return undefined;
}

interface PieceDecoder {
  push(piece: Uint8Array, final?: boolean): void;
}

const pieceBytes = 0x2_0000;

/** Unpacks with a decoder that takes pieces; what does not come to `size` bytes is damaged. */
async function unpackPieces(
  packed: Uint8Array,
  size: number,
  breathe: Breather,
  makeDecoder: (take: (piece: Uint8Array) => void) => PieceDecoder,
): Promise<Uint8Array | undefined> {
  const unpacked = new Uint8Array(size);
  let filled = 0;
  const decoder = makeDecoder((piece) => {
    if (filled + piece.length <= size) {
      unpacked.set(piece, filled);
    }
    filled += piece.length;
  });
  try {
    for (let at = 0; at < packed.length && filled <= size; at += pieceBytes) {
      const end = at + pieceBytes;
      decoder.push(packed.subarray(at, end), end >= packed.length);
      await breathe();
    }
  } catch {
    return undefined;
  }
  return filled === size ? unpacked : undefined;
}

function breatherOf(host: UnpackHost): Breather {
  let since = host.monotonicMs();
  return async () => {
    if (host.monotonicMs() - since >= breathMs) {
      await new Promise<void>((resolve) => void host.setTimer(resolve, 0));
      since = host.monotonicMs();
    }
  };
}

function begins(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}
