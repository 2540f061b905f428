/** Pictures of the VBE extension's modes. */
import * as reg from './registers.ts';
import type { VgaImage } from './renderer.ts';
import { paletteEntry } from './screen.ts';
import type { VgaState } from './state.ts';
import type { VbeMode } from './vbe.ts';

const opaque = 0xff00_0000;

/** Returns the picture of a mode. */
export function renderVbe(
  mode: VbeMode,
  state: VgaState,
  words: Uint32Array,
  palette: Uint32Array,
): VgaImage {
  const { width, height, depth, pitch, start } = mode;
  const rgba = new Uint8Array(4 * width * height);
  const pixels = new Uint32Array(rgba.buffer);
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const colours = Uint32Array.from({ length: 16 }, (_, colour) => {
    const planes = (state.attribute[reg.attribute.planes] ?? 0) & 15;
    return palette[paletteEntry(state, colour & planes)] ?? 0;
  });
  for (let line = 0; line < height; line += 1) {
    const from = start + line * pitch;
    const to = line * width;
    for (let x = 0; x < width; x += 1) {
      pixels[to + x] =
        depth === 4
          ? (colours[planarColour(words[from + (x >> 3)] ?? 0, x & 7)] ?? 0)
          : depth === 8
            ? (palette[bytes[from + x] ?? 0] ?? 0)
            : directPixel(bytes, from, x, depth);
    }
  }
  return { width, height, rgba };
}

function planarColour(word: number, dot: number): number {
  const bits = word >>> (7 - dot);
  return (bits & 1) | ((bits >>> 7) & 2) | ((bits >>> 14) & 4) | ((bits >>> 21) & 8);
}

/** Returns a pixel of 15 (5:5:5), 16 (5:6:5), 24 or 32 bits, blue lowest. */
function directPixel(bytes: Uint8Array, from: number, x: number, depth: number): number {
  if (depth > 16) {
    const at = from + x * (depth >> 3);
    const blue = bytes[at] ?? 0;
    const green = bytes[at + 1] ?? 0;
    return (opaque | (blue << 16) | (green << 8) | (bytes[at + 2] ?? 0)) >>> 0;
  }
  const at = from + 2 * x;
  const value = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  const blue = widen(value & 0x1f, 5);
  const green = depth === 15 ? widen((value >> 5) & 0x1f, 5) : widen((value >> 5) & 0x3f, 6);
  const red = widen(depth === 15 ? (value >> 10) & 0x1f : value >> 11, 5);
  return (opaque | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Widens a component of 5 or 6 bits to 8, so that all ones stay all ones. */
function widen(value: number, bits: 5 | 6): number {
  return (value << (8 - bits)) | (value >> (2 * bits - 8));
}
