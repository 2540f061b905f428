/**
 * The adapter's memory: video memory, in which the planes' bytes at one offset make a 32-bit word,
 * and the text store, in which text stands as the processor sees it.
 *
 * In text modes the processor writes to the text store, which is plain memory; `sync` carries it
 * over to planes 0 and 1 when somebody looks. `enter` and `leave` do so when the window changes.
 */
import { DeviceError } from '../error.ts';
import { textStoreBytes, type VgaWindow } from './window.ts';

const leastBytes = 0x4_0000;
const mostBytes = 0x400_0000;
const fontStride = 32;
const fontPlaneShift = 16;

/** Video memory and text store. */
export class VideoStore {
  /** Bytes of video memory. */
  readonly bytes: number;
  /** Video memory: a byte of each plane in a word, plane 0 lowest. */
  readonly words: Uint32Array;
  readonly #text: Uint8Array;

  /** Divides memory into the two parts. */
  constructor(memory: Uint8Array) {
    this.bytes = memory.length - textStoreBytes;
    const isPower = Number.isInteger(Math.log2(this.bytes));
    if (!isPower || this.bytes < leastBytes || this.bytes > mostBytes || memory.byteOffset % 4) {
      throw new DeviceError(
        'bad-configuration',
        `video memory: expected a power of two in ${String(leastBytes)}..${String(mostBytes)} ` +
          `and ${String(textStoreBytes)} bytes for text, found ${String(memory.length)}`,
      );
    }
    this.words = new Uint32Array(memory.buffer, memory.byteOffset, this.bytes / 4);
    this.#text = memory.subarray(this.bytes);
  }

  /** Carries the text store over to the planes, if the window is of text. */
  sync(window: VgaWindow): void {
    if (window.layout !== 'text') {
      return;
    }
    const { words } = this;
    const text = this.#text;
    for (let at = 0; at < window.size; at += 2) {
      const cell = (text[at] ?? 0) | ((text[at + 1] ?? 0) << 8);
      words[at >> 1] = ((words[at >> 1] ?? 0) & 0xffff_0000) | cell;
    }
  }

  /** Takes note that a window no longer shows. */
  leave(window: VgaWindow): void {
    this.sync(window);
  }

  /** Fills the text store from the planes, if the window is of text. */
  enter(window: VgaWindow): void {
    if (window.layout !== 'text') {
      return;
    }
    for (let at = 0; at < window.size; at += 2) {
      const word = this.words[at >> 1] ?? 0;
      this.#text[at] = word;
      this.#text[at + 1] = word >>> 8;
    }
  }

  /** Clears all of it. */
  clear(): void {
    this.words.fill(0);
    this.#text.fill(0);
  }

  /** Clears the first bytes of video memory. */
  zero(bytes: number): void {
    this.words.fill(0, 0, bytes >> 2);
  }

  /** Puts a font of 256 characters of 16 lines into plane 2, where text modes look for it. */
  loadFont(font: Uint8Array): void {
    for (let index = 0; index < font.length; index += 1) {
      const at = (index >> 4) * fontStride + (index & 15);
      const word = (this.words[at] ?? 0) & ~(0xff << fontPlaneShift);
      this.words[at] = word | ((font[index] ?? 0) << fontPlaneShift);
    }
  }
}
