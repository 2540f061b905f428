/**
 * Executables in the ELF format, 32-bit little-endian for the 80386 (System V ABI, chapters 4 and
 * 5; Intel386 supplement).
 */
import { MachineError } from '../error.ts';

import { hex } from './image-view.ts';
import type { ImageView } from './image-view.ts';
import type { LoaderMemory, PlacementMap } from './loader-memory.ts';
import { extendedMemory, systemRom } from './memory-map.ts';

/** "\x7fELF" as a little-endian word. */
export const elfMagic = 0x464c_457f;

const HeaderOffset = {
  class: 4,
  data: 5,
  type: 16,
  machine: 18,
  entry: 24,
  programOffset: 28,
  programEntryBytes: 42,
  programEntries: 44,
} as const;

const ProgramOffset = {
  type: 0,
  fileOffset: 4,
  virtual: 8,
  physical: 12,
  fileBytes: 16,
  memoryBytes: 20,
} as const;

const loadable = 1;
const programHeaderBytes = 32;

/** The most program headers that are looked at; real kernels have fewer than twenty. */
export const maximumProgramHeaders = 256;

/** A loadable segment of an executable. */
export interface ElfSegment {
  readonly fileOffset: number;
  readonly fileBytes: number;
  readonly virtual: number;
  readonly physical: number;
  readonly memoryBytes: number;
}

/** An executable, ready to be loaded. */
export interface ElfFile {
  /** The entry point as a physical address. */
  readonly entry: number;
  /** The entry point as the file has it. */
  readonly headerEntry: number;
  readonly segments: readonly ElfSegment[];
}

/** Tells whether a file begins as ELF files do. */
export function isElf(image: ImageView): boolean {
  return image.bytes.length >= 4 && image.u32(0) === elfMagic;
}

/**
 * Reads the headers of an ELF executable.
 *
 * @throws MachineError `bad-image` or `unsupported`.
 */
export function readElf(image: ImageView): ElfFile {
  if (image.u32(0) !== elfMagic) {
    throw image.bad(0, 'an ELF file', hex(image.u32(0)));
  }
  checkKind(image);
  const count = image.u16(HeaderOffset.programEntries);
  const stride = image.u16(HeaderOffset.programEntryBytes);
  const table = image.u32(HeaderOffset.programOffset);
  if (count === 0 || count > maximumProgramHeaders) {
    const range = `1 to ${String(maximumProgramHeaders)} program headers`;
    throw image.bad(HeaderOffset.programEntries, range, String(count));
  }
  if (stride < programHeaderBytes) {
    const least = `program headers of at least ${String(programHeaderBytes)} bytes`;
    throw image.bad(HeaderOffset.programEntryBytes, least, String(stride));
  }
  const segments: ElfSegment[] = [];
  for (let index = 0; index < count; index += 1) {
    const segment = readSegment(image, table + index * stride);
    if (segment !== undefined) {
      segments.push(segment);
    }
  }
  if (segments.length === 0) {
    throw image.bad(table, 'a loadable segment', 'none');
  }
  const headerEntry = image.u32(HeaderOffset.entry);
  return { entry: physicalEntry(image, segments), headerEntry, segments };
}

/**
 * Takes the places of an executable's segments, without writing anything.
 *
 * @throws MachineError `bad-image` where segments overlap, `too-little-memory`.
 */
export function placeElf(file: ElfFile, placements: PlacementMap): void {
  for (const [index, segment] of file.segments.entries()) {
    placements.take({
      name: `kernel segment ${String(index)}`,
      start: segment.physical,
      end: segment.physical + segment.memoryBytes,
    });
  }
}

/**
 * Leaves out what segments have in the ROM below 1 MiB, where it could not be written: linkers put
 * an executable's headers in front of what shall stand at 1 MiB. Its entry point must not be there.
 */
export function withoutRomPart(file: ElfFile): ElfFile {
  const isRom = (address: number): boolean => address >= systemRom && address < extendedMemory;
  if (isRom(file.entry)) return file;
  const segments = file.segments.flatMap((segment) => {
    const { fileOffset, fileBytes, virtual, physical, memoryBytes } = segment;
    const cut = Math.min(isRom(physical) ? extendedMemory - physical : 0, memoryBytes);
    const fromFile = Math.min(cut, fileBytes);
    const rest = {
      ...{ fileOffset: fileOffset + fromFile, fileBytes: fileBytes - fromFile },
      ...{ virtual: virtual + cut, physical: physical + cut, memoryBytes: memoryBytes - cut },
    };
    return rest.memoryBytes === 0 ? [] : [rest];
  });
  return { ...file, segments };
}

/** Copies an executable's segments to memory, zeros behind what the file has. */
export function writeElf(image: ImageView, file: ElfFile, memory: LoaderMemory): void {
  for (const segment of file.segments) {
    const { fileOffset, fileBytes, physical, memoryBytes } = segment;
    memory.write(physical, image.part(fileOffset, fileBytes, 'a segment'));
    memory.zero(physical + fileBytes, memoryBytes - fileBytes);
  }
}

function checkKind(image: ImageView): void {
  if (image.u8(HeaderOffset.class) !== 1) {
    const found = image.u8(HeaderOffset.class) === 2 ? 'a 64-bit one' : 'a class that is none';
    throw image.unsupported(HeaderOffset.class, 'a 32-bit ELF file', found);
  }
  if (image.u8(HeaderOffset.data) !== 1) {
    const found = String(image.u8(HeaderOffset.data));
    throw image.unsupported(HeaderOffset.data, 'little-endian data (1)', found);
  }
  if (image.u16(HeaderOffset.type) !== 2) {
    const found = String(image.u16(HeaderOffset.type));
    throw image.unsupported(HeaderOffset.type, 'an executable (type 2)', found);
  }
  if (image.u16(HeaderOffset.machine) !== 3) {
    const found = String(image.u16(HeaderOffset.machine));
    throw image.unsupported(HeaderOffset.machine, 'code for the 80386 (machine 3)', found);
  }
}

function readSegment(image: ImageView, offset: number): ElfSegment | undefined {
  image.need(offset, programHeaderBytes, 'a program header');
  const memoryBytes = image.u32(offset + ProgramOffset.memoryBytes);
  if (image.u32(offset + ProgramOffset.type) !== loadable || memoryBytes === 0) {
    return undefined;
  }
  const segment = {
    fileOffset: image.u32(offset + ProgramOffset.fileOffset),
    fileBytes: image.u32(offset + ProgramOffset.fileBytes),
    virtual: image.u32(offset + ProgramOffset.virtual),
    physical: image.u32(offset + ProgramOffset.physical),
    memoryBytes,
  };
  if (segment.fileBytes > memoryBytes) {
    throw image.bad(
      offset + ProgramOffset.fileBytes,
      `at most the ${String(memoryBytes)} bytes that the segment has in memory`,
      String(segment.fileBytes),
    );
  }
  image.need(segment.fileOffset, segment.fileBytes, 'a segment');
  return segment;
}

/**
 * An entry point may be given as a virtual address; paging is off, so the physical one is needed.
 */
function physicalEntry(image: ImageView, segments: readonly ElfSegment[]): number {
  const entry = image.u32(HeaderOffset.entry);
  const within = (start: number, segment: ElfSegment): boolean =>
    entry >= start && entry < start + segment.memoryBytes;
  if (segments.some((segment) => within(segment.physical, segment))) {
    return entry;
  }
  const segment = segments.find((candidate) => within(candidate.virtual, candidate));
  if (segment === undefined) {
    throw new MachineError('bad-image', {
      where: `${image.role} at byte ${hex(HeaderOffset.entry)}`,
      expected: 'an entry point within a segment',
      found: hex(entry),
    });
  }
  return entry - segment.virtual + segment.physical;
}
