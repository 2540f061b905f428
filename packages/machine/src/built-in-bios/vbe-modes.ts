/**
 * The modes of the VBE services: the numbers that VESA gave them (VBE Core Functions 3.0, 3.1), and
 * from 140h on those that BIOSes for this display adapter use.
 */

/** A mode of the VBE services. */
export interface VbeModeRow {
  readonly number: number;
  readonly width: number;
  readonly height: number;
  /** Bits of a pixel; 4 stands in four planes. */
  readonly depth: 4 | 8 | 15 | 16 | 24 | 32;
}

/** What AX returns: the function is there, and whether it did what it was to do. */
export const Result = { ok: 0x004f, failed: 0x014f, wrongMode: 0x034f, absent: 0x0100 } as const;

type Depth = VbeModeRow['depth'];

const direct: readonly Depth[] = [15, 16, 24];
const wide: readonly Depth[] = [16, 24, 32];

/** Sizes with the depths that follow each other from a number on. */
const series: readonly (readonly [number, number, number, readonly Depth[]])[] = [
  [0x100, 640, 400, [8]],
  [0x101, 640, 480, [8]],
  [0x102, 800, 600, [4, 8]],
  [0x104, 1024, 768, [4, 8]],
  [0x106, 1280, 1024, [4, 8]],
  [0x10d, 320, 200, direct],
  [0x110, 640, 480, direct],
  [0x113, 800, 600, direct],
  [0x116, 1024, 768, direct],
  [0x119, 1280, 1024, direct],
  [0x11c, 1600, 1200, [8, ...direct]],
  [0x140, 320, 200, [32]],
  [0x141, 640, 400, [32]],
  [0x142, 640, 480, [32]],
  [0x143, 800, 600, [32]],
  [0x144, 1024, 768, [32]],
  [0x145, 1280, 1024, [32]],
  [0x146, 320, 200, [8]],
  [0x147, 1600, 1200, [32]],
  [0x148, 1152, 864, [8, ...direct, 32]],
  [0x175, 1280, 768, wide],
  [0x178, 1280, 800, wide],
  [0x17b, 1280, 960, wide],
  [0x17e, 1440, 900, wide],
  [0x181, 1400, 1050, wide],
  [0x184, 1680, 1050, wide],
  [0x187, 1920, 1200, wide],
  [0x18a, 2560, 1600, wide],
  [0x18d, 1280, 720, wide],
  [0x190, 1920, 1080, wide],
];

/** The modes, in the order of their numbers. */
export const vbeModes: readonly VbeModeRow[] = series.flatMap(([first, width, height, depths]) =>
  depths.map((depth, index) => ({ number: first + index, width, height, depth })),
);

/** Sizes and positions of red, green, blue and what is left, by bits of a pixel. */
export const directColours: Readonly<Record<number, readonly number[]>> = {
  15: [5, 10, 5, 5, 5, 0, 1, 15],
  16: [5, 11, 6, 5, 5, 0, 0, 0],
  24: [8, 16, 8, 8, 8, 0, 0, 0],
  32: [8, 16, 8, 8, 8, 0, 8, 24],
};

/** Returns the bytes of a number of pixels of a line; of one plane with 4 bits per pixel. */
export function vbeLineBytes(pixels: number, depth: number): number {
  return depth === 4 ? pixels >> 3 : pixels * ((depth + 7) >> 3);
}

/** Returns the number of pixels that a number of bytes of a line has. */
export function vbeLinePixels(bytes: number, depth: number): number {
  return depth === 4 ? bytes << 3 : Math.floor(bytes / ((depth + 7) >> 3));
}
