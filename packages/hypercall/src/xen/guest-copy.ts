import { pageBytes } from '@ringfence/memory';
import type { XenAddressSpace, XenMemory } from './interfaces.ts';

/** The most bytes that one call copies at once. */
export const mostCopyBytes = 0x1_0000;

/**
 * Copies between hypercalls and the guest's memory, by linear addresses that the guest gave.
 *
 * A copy that cannot be done wholly is not done at all.
 */
export class GuestCopy {
  readonly #memory: XenMemory;
  readonly #space: XenAddressSpace;
  readonly #scratch = new Uint8Array(mostCopyBytes);
  readonly #view = new DataView(this.#scratch.buffer);
  /** Physical addresses of the pages of the last range that was looked up. */
  readonly #pages: number[] = [];

  /** Copies through `space`. */
  constructor(memory: XenMemory, space: XenAddressSpace) {
    this.#memory = memory;
    this.#space = space;
  }

  /** Reads bytes; the view is good until the next read. Nothing where they cannot be read. */
  read(linear: number, bytes: number): DataView | undefined {
    if (bytes > mostCopyBytes || !this.#lookUp(linear, bytes, false)) {
      return undefined;
    }
    this.#eachPart(linear, bytes, (physical, offset, count) => {
      this.#memory.read(physical, this.#scratch.subarray(offset, offset + count));
    });
    return this.#view;
  }

  /** Copies bytes to the guest; false where they cannot be written. */
  write(linear: number, source: Uint8Array): boolean {
    const bytes = source.length;
    if (bytes > mostCopyBytes || !this.#lookUp(linear, bytes, true)) {
      return false;
    }
    this.#eachPart(linear, bytes, (physical, offset, count) => {
      this.#memory.write(physical, source.subarray(offset, offset + count));
    });
    return true;
  }

  /** Reads a list of 32-bit words. */
  words(linear: number, count: number): number[] | undefined {
    const view = this.read(linear, count * 4);
    return (
      view && Array.from({ length: count }, (_nothing, index) => view.getUint32(index * 4, true))
    );
  }

  /** Writes a list of 32-bit words. */
  writeWords(linear: number, words: readonly number[]): boolean {
    const view = new DataView(new ArrayBuffer(words.length * 4));
    for (const [index, word] of words.entries()) {
      view.setUint32(index * 4, word, true);
    }
    return this.write(linear, new Uint8Array(view.buffer));
  }

  /** Whether bytes can be written. */
  canWrite(linear: number, bytes: number): boolean {
    return bytes <= mostCopyBytes && this.#lookUp(linear, bytes, true);
  }

  #lookUp(linear: number, bytes: number, write: boolean): boolean {
    const start = linear >>> 0;
    if (start + bytes > 2 ** 32) {
      return false;
    }
    this.#pages.length = 0;
    for (let at = start - (start % pageBytes); at < start + bytes; at += pageBytes) {
      const physical = this.#space.translate(at, write);
      if (physical < 0 || !this.#memory.isRam(physical, pageBytes)) {
        return false;
      }
      this.#pages.push(physical);
    }
    return true;
  }

  #eachPart(
    linear: number,
    bytes: number,
    part: (physical: number, offset: number, count: number) => void,
  ): void {
    let offset = 0;
    for (const page of this.#pages) {
      const within = (linear + offset) & (pageBytes - 1);
      const count = Math.min(pageBytes - within, bytes - offset);
      part(page + within, offset, count);
      offset += count;
    }
  }
}
