/**
 * A kernel's symbols behind the kernel, for those that ask for them by a note (Xen,
 * public/elfnote.h, XEN_ELFNOTE_BSD_SYMTAB): in the form of an ELF file of its own, whose offsets
 * count from its header.
 *
 *     0    bytes that follow, up to the end of the strings
 *     4    ELF header, with zeros up to 64 bytes
 *     68   three section headers: none, symbols, strings
 *     260  symbols, then strings, each at a multiple of 4
 *
 * What is not from the file is zero (XSA-194).
 */
import type { ElfSegment } from './elf.ts';
import type { ImageView } from './image-view.ts';

const headerAt = 4;
const headerBytes = 52;
const sectionsFromHeader = 64;
const sectionBytes = 40;
const symbolsAt = 260;
const sectionType = { symbols: 2, strings: 3 } as const;
const stringsIndex = 2;
const mostSections = 4096;

/** Offsets of the ELF header's fields that are changed, their bytes, and what they become. */
const changedFields: readonly (readonly [offset: number, bytes: 2 | 4, value: number])[] = [
  [20, 4, 1], // e_version
  [28, 4, 0], // e_phoff
  [32, 4, sectionsFromHeader], // e_shoff
  [40, 2, headerBytes], // e_ehsize
  [42, 2, 0], // e_phentsize
  [44, 2, 0], // e_phnum
  [46, 2, sectionBytes], // e_shentsize
  [48, 2, 3], // e_shnum
  [50, 2, 0], // e_shstrndx
];

/**
 * Returns the bytes that stand behind a kernel that wants its symbols, at the next multiple of 4;
 * nothing where it has none.
 *
 * @throws MachineError `bad-image` where the file ends before its symbols do.
 */
export function bsdSymbols(image: ImageView): Uint8Array | undefined {
  const table = image.u32(32);
  const stride = image.u16(46);
  const count = Math.min(image.u16(48), mostSections);
  const headers = Array.from({ length: table === 0 ? 0 : count }, (_nothing, index) => {
    return image.part(table + index * stride, sectionBytes, 'a section header');
  });
  const symbols = headers.find((header) => word(header, 4) === sectionType.symbols);
  const strings = symbols === undefined ? undefined : headers[word(symbols, 24)];
  if (symbols === undefined || strings === undefined || word(strings, 4) !== sectionType.strings) {
    return undefined;
  }
  const contentsOf = (header: Uint8Array): Uint8Array =>
    image.part(word(header, 16), word(header, 20), 'a section');
  const [symbolTable, stringTable] = [contentsOf(symbols), contentsOf(strings)];
  const stringsAt = aligned(symbolsAt + symbolTable.length);
  const end = stringsAt + stringTable.length;
  const bytes = new Uint8Array(aligned(end));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, end - headerAt, true);
  bytes.set(image.part(0, headerBytes, 'an ELF header'), headerAt);
  for (const [offset, width, value] of changedFields) {
    if (width === 4) view.setUint32(headerAt + offset, value, true);
    else view.setUint16(headerAt + offset, value, true);
  }
  const put = (index: number, header: Uint8Array, place: number, contents: Uint8Array): number => {
    const at = headerAt + sectionsFromHeader + index * sectionBytes;
    bytes.set(header, at);
    bytes.set(contents, place);
    view.setUint32(at + 16, place - headerAt, true);
    return at;
  };
  view.setUint32(put(1, symbols, symbolsAt, symbolTable) + 24, stringsIndex, true);
  put(stringsIndex, strings, stringsAt, stringTable);
  return bytes;
}

/** Physical address at which a kernel's symbols stand. */
export function symbolsPlace(segments: readonly ElfSegment[]): number {
  return aligned(Math.max(...segments.map((one) => one.physical + one.memoryBytes)));
}

const aligned = (bytes: number): number => Math.ceil(bytes / 4) * 4;

const word = (header: Uint8Array, offset: number): number =>
  new DataView(header.buffer, header.byteOffset).getUint32(offset, true);
