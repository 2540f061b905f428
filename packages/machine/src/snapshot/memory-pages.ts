/**
 * Guest memory in a snapshot: RAM and everything else that machine memory backs, without the pages
 * that hold only zeros, which a new machine has anyway.
 *
 * A section `PAGE` is a count, that many page numbers, and the pages, all little-endian; page
 * numbers count from the start of RAM in linear memory, so that video memory and ROMs follow RAM.
 */
import { Layout, pageBytes } from '@ringfence/memory';
import type { MachineMemory } from '@ringfence/memory';

import { badSnapshot } from './container.ts';
import type { Section } from './container.ts';

/** Name of the sections that hold pages. */
export const pageSection = 'PAGE';

/** Pages of one section: what is compressed together. */
const sectionPages = 256;

const pageWords = pageBytes / 4;

/** Calls `write` with the sections that hold all pages of a memory that are not zero. */
export function savePages(memory: MachineMemory, write: (section: Section) => void): void {
  const pages: number[] = [];
  const count = pageCount(memory);
  for (let page = 0; page < count; page += 1) {
    if (!isZero(memory.i32, page)) {
      pages.push(page);
    }
    if (pages.length === sectionPages || (page === count - 1 && pages.length > 0)) {
      write({ name: pageSection, bytes: packPages(memory, pages) });
      pages.length = 0;
    }
  }
}

/**
 * Empties what a new machine holds before it boots: the low megabyte with its ROM, and what is
 * backed beyond RAM.
 */
export function clearNewMemory({ u8, ramBytes }: MachineMemory): void {
  u8.fill(0, Layout.ram, Layout.ram + 0x10_0000);
  u8.fill(0, Layout.ram + ramBytes);
}

/**
 * Puts the pages of a section into a memory.
 *
 * @throws MachineError with code `bad-snapshot` for pages that the memory does not have.
 */
export function restorePages(memory: MachineMemory, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length >= 4 ? view.getUint32(0, true) : 0;
  const start = 4 + count * 4;
  if (bytes.length !== start + count * pageBytes) {
    throw badSnapshot(`section ${pageSection}`, 'as many pages as it says', 'another number');
  }
  const most = pageCount(memory);
  for (let index = 0; index < count; index += 1) {
    const page = view.getUint32(4 + index * 4, true);
    if (page >= most) {
      throw badSnapshot(`section ${pageSection}`, `pages below ${String(most)}`, String(page));
    }
    const from = start + index * pageBytes;
    memory.u8.set(bytes.subarray(from, from + pageBytes), Layout.ram + page * pageBytes);
  }
}

function packPages(memory: MachineMemory, pages: readonly number[]): Uint8Array {
  const start = 4 + pages.length * 4;
  const bytes = new Uint8Array(start + pages.length * pageBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, pages.length, true);
  for (const [index, page] of pages.entries()) {
    view.setUint32(4 + index * 4, page, true);
    const address = Layout.ram + page * pageBytes;
    bytes.set(memory.u8.subarray(address, address + pageBytes), start + index * pageBytes);
  }
  return bytes;
}

function pageCount(memory: MachineMemory): number {
  return Math.floor((memory.u8.length - Layout.ram) / pageBytes);
}

function isZero(words: Int32Array, page: number): boolean {
  const first = Layout.ram / 4 + page * pageWords;
  for (let word = first; word < first + pageWords; word += 8) {
    const some =
      (words[word] ?? 0) |
      (words[word + 1] ?? 0) |
      (words[word + 2] ?? 0) |
      (words[word + 3] ?? 0) |
      (words[word + 4] ?? 0) |
      (words[word + 5] ?? 0) |
      (words[word + 6] ?? 0) |
      (words[word + 7] ?? 0);
    if (some !== 0) {
      return false;
    }
  }
  return true;
}
