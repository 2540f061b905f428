/**
 * The header by which a kernel asks for multiboot (Multiboot Specification 0.6.96, 3.1).
 *
 *     0   magic 0x1badb002         16  load_addr        if flag bit 16 is set:
 *     4   flags                    20  load_end_addr    where to load a kernel
 *     8   checksum                 24  bss_end_addr     that is no ELF file
 *     12  header_addr              28  entry_addr
 */
import { hex } from './image-view.ts';
import type { ImageView } from './image-view.ts';

/** The header's first word. */
export const multibootHeaderMagic = 0x1bad_b002;

/** The header is within this many bytes of the file. */
export const multibootSearchBytes = 8192;

/** Flags that a loader must know: page-aligned modules, memory information, video mode. */
const knownFlags = 0x0000_0007;
const mandatoryFlags = 0x0000_ffff;
const hasAddresses = 0x0001_0000;
const headerWords = 3;

/** Where the address fields say that a kernel goes. */
export interface MultibootAddresses {
  /** Offset within the file of the first byte to load. */
  readonly fileOffset: number;
  readonly start: number;
  /** First byte after what is loaded from the file. */
  readonly loadEnd: number;
  /** First byte after the zeros that follow. */
  readonly end: number;
  readonly entry: number;
}

/** A multiboot header. */
export interface MultibootHeader {
  readonly offset: number;
  /** Present when the kernel is to be loaded by the header's addresses. */
  readonly addresses?: MultibootAddresses;
}

/**
 * Looks for a multiboot header; nothing means that the file has none.
 *
 * @throws MachineError `unsupported` for flags that must be understood and are not, `bad-image` for
 * addresses that contradict each other or the file.
 */
export function findMultibootHeader(image: ImageView): MultibootHeader | undefined {
  const end = Math.min(image.bytes.length, multibootSearchBytes) - headerWords * 4;
  for (let offset = 0; offset <= end; offset += 4) {
    if (image.u32(offset) === multibootHeaderMagic) {
      const flags = image.u32(offset + 4);
      if (((multibootHeaderMagic + flags + image.u32(offset + 8)) | 0) === 0) {
        return readHeader(image, offset, flags);
      }
    }
  }
  return undefined;
}

function readHeader(image: ImageView, offset: number, flags: number): MultibootHeader {
  const unknown = flags & mandatoryFlags & ~knownFlags;
  if (unknown !== 0) {
    const known = `multiboot flags within ${hex(knownFlags)}`;
    throw image.unsupported(offset + 4, known, hex(flags & mandatoryFlags));
  }
  if ((flags & hasAddresses) === 0) {
    return { offset };
  }
  image.need(offset, 32, "a multiboot header with a kernel's addresses");
  return { offset, addresses: readAddresses(image, offset) };
}

function readAddresses(image: ImageView, offset: number): MultibootAddresses {
  const headerAt = image.u32(offset + 12);
  const start = image.u32(offset + 16);
  const fileOffset = offset - (headerAt - start);
  if (start > headerAt || fileOffset < 0) {
    const range = `a load address in ${hex(Math.max(0, headerAt - offset))}..${hex(headerAt)}`;
    throw image.bad(offset + 16, range, hex(start));
  }
  // Zero means up to the end of the file; a zero end of bss means that there is none.
  const loadEnd = image.u32(offset + 20) || start + image.bytes.length - fileOffset;
  const end = image.u32(offset + 24) || loadEnd;
  if (loadEnd < start || end < loadEnd) {
    const order = `load_addr <= load_end_addr <= bss_end_addr`;
    throw image.bad(offset + 16, order, `${hex(start)}, ${hex(loadEnd)}, ${hex(end)}`);
  }
  image.need(fileOffset, loadEnd - start, 'what the multiboot header says is to be loaded');
  const entry = image.u32(offset + 28);
  if (entry < start || entry >= end) {
    throw image.bad(offset + 28, `an entry point in ${hex(start)}..${hex(end)}`, hex(entry));
  }
  return { fileOffset, start, loadEnd, end, entry };
}
