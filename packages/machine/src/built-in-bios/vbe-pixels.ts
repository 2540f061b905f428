/**
 * The memory of modes of the VBE extension with 8 and more bits for a pixel, as the services draw
 * in it: through the window of 64 KiB, whose bank is put back.
 */
import { vbeRegister } from '@ringfence/devices';

import type { BiosMemory } from './bios-memory.ts';
import { directColours, vbeLineBytes } from './vbe-modes.ts';
import { windowEnd } from './vbe-registers.ts';
import type { VbeRegisters } from './vbe-registers.ts';
import type { VbeSurface } from './vbe-surface.ts';

const brown = 6;

/** The pixels of such a mode. */
export class VbePixels implements VbeSurface {
  readonly #memory: BiosMemory;
  readonly #registers: VbeRegisters;
  readonly #depth: number;
  readonly #pixelBytes: number;
  readonly #pitch: number;

  /** Draws on the surface that the registers describe. */
  constructor(memory: BiosMemory, registers: VbeRegisters) {
    this.#memory = memory;
    this.#registers = registers;
    this.#depth = registers.read(vbeRegister.depth);
    this.#pixelBytes = vbeLineBytes(1, this.#depth);
    this.#pitch = vbeLineBytes(registers.read(vbeRegister.virtualWidth), this.#depth);
  }

  /** Draws pixels of the sixteen colours from a place to the right; others of 256 as they are. */
  put(x: number, y: number, colours: readonly number[]): void {
    const bytes = new Uint8Array(colours.length * this.#pixelBytes);
    for (const [index, colour] of colours.entries()) {
      const value = this.#value(colour);
      for (let byte = 0; byte < this.#pixelBytes; byte += 1) {
        bytes[index * this.#pixelBytes + byte] = (value >>> (8 * byte)) & 0xff;
      }
    }
    this.#move(x, y, bytes, true);
  }

  /** Returns the colour of a pixel: 0 for one that is none of the sixteen. */
  get(x: number, y: number): number {
    const bytes = new Uint8Array(this.#pixelBytes);
    this.#move(x, y, bytes, false);
    const value = bytes.reduce((sum, byte, index) => sum + byte * 2 ** (8 * index), 0);
    if (this.#depth === 8) {
      return value;
    }
    return Math.max(
      0,
      sixteen.findIndex((colour) => this.#value(colour) === value),
    );
  }

  /** Copies pixels of a line to another. */
  copy(x: number, from: number, to: number, count: number): void {
    const bytes = new Uint8Array(count * this.#pixelBytes);
    this.#move(x, from, bytes, false);
    this.#move(x, to, bytes, true);
  }

  /** What stands in memory for a colour. */
  #value(colour: number): number {
    const sizes = directColours[this.#depth];
    if (sizes === undefined) {
      return colour;
    }
    const [redBits = 8, redAt = 16, greenBits = 8, greenAt = 8, blueBits = 8, blueAt = 0] = sizes;
    const bright = (colour >> 3) & 1;
    const level = (isSet: boolean, bits: number): number =>
      Math.round((((isSet ? 2 : 0) + bright) * (2 ** bits - 1)) / 3);
    const isBrown = (colour & 15) === brown;
    const green = isBrown
      ? Math.round((2 ** greenBits - 1) / 3)
      : level((colour & 2) !== 0, greenBits);
    return (
      level((colour & 4) !== 0, redBits) * 2 ** redAt +
      green * 2 ** greenAt +
      level((colour & 1) !== 0, blueBits) * 2 ** blueAt
    );
  }

  /** Writes bytes at a pixel, or reads them, bank by bank. */
  #move(x: number, y: number, bytes: Uint8Array, isWrite: boolean): void {
    const start = y * this.#pitch + x * this.#pixelBytes;
    this.#registers.withBank(() => {
      for (let done = 0; done < bytes.length;) {
        const address = this.#registers.show(start + done);
        const part = bytes.subarray(done, done + windowEnd - address);
        if (isWrite) this.#memory.write(address, part);
        else this.#memory.read(address, part);
        done += part.length;
      }
    });
  }
}

const sixteen = Array.from({ length: 16 }, (_, colour) => colour);
