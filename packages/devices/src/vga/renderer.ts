/**
 * What the screen shows: a pure function of the registers, video memory and the time, by which
 * things blink.
 *
 * A picture has the size that a monitor is sent: every line of the CRTC's timing and every dot, so
 * that mode 13h has 640 by 400 and text 720 by 400. Modes of the VBE extension have their own size.
 */
import { renderGraphicsLine } from './render-graphics.ts';
import { renderTextLine } from './render-text.ts';
import { renderVbe } from './render-vbe.ts';
import * as reg from './registers.ts';
import * as screen from './screen.ts';
import type { VgaState } from './state.ts';
import { vbeMode } from './vbe.ts';

/** A picture: rows from the top, pixels from the left, red, green, blue and 255 each. */
export interface VgaImage {
  readonly width: number;
  readonly height: number;
  /** `4 * width * height` bytes. */
  readonly rgba: Uint8Array;
}

/** What the lines of one picture have in common. */
export interface Frame {
  readonly state: VgaState;
  readonly words: Uint32Array;
  /** Characters, or groups of 8 dots, in a line. */
  readonly columns: number;
  /** Dots of a line before doubling, with 8 or 9 more for panning. */
  readonly dots: Uint32Array;
  /** The colours of the sixteen attributes, as pixels. */
  readonly colours: Uint32Array;
  /** The colours of the palette, as pixels. */
  readonly palette: Uint32Array;
  /** Counts the cursor's phases. */
  readonly phase: number;
}

/** Returns the picture; `words` is video memory, a byte of each plane in a word. */
export function renderVga(state: VgaState, words: Uint32Array, nowNs: number): VgaImage {
  const palette = Uint32Array.from({ length: 256 }, (_, entry) =>
    pixel(screen.paletteColour(state, entry)),
  );
  const mode = vbeMode(state);
  if (mode !== undefined) {
    return renderVbe(mode, state, words, palette);
  }
  const isText = screen.textGeometry(state) !== undefined;
  const clocking = state.sequencer[reg.sequencer.clocking] ?? 0;
  const dotsPerColumn = isText && (clocking & reg.clocking8Dots) === 0 ? 9 : 8;
  const columns = (state.crtc[reg.crtc.horizontalDisplayEnd] ?? 0) + 1;
  const repeats = (clocking & reg.clockingHalved) !== 0 ? 2 : 1;
  const width = columns * dotsPerColumn * repeats;
  const height = screen.verticalDisplayEnd(state) + 1;
  const rgba = new Uint8Array(4 * width * height);
  const pixels = new Uint32Array(rgba.buffer);
  const isOff =
    (state.attributeIndex & reg.attributeDisplayOn) === 0 ||
    (clocking & reg.clockingScreenOff) !== 0;
  if (isOff) {
    pixels.fill(pixel(0));
    return { width, height, rgba };
  }
  const frame: Frame = {
    state,
    words,
    columns,
    dots: new Uint32Array((columns + 1) * dotsPerColumn),
    colours: Uint32Array.from({ length: 16 }, (_, colour) => {
      return palette[screen.paletteEntry(state, colour)] ?? 0;
    }),
    palette,
    phase: screen.blinkPhase(state, nowNs),
  };
  walkLines(state, height, (line, address, row, panning) => {
    const { dots } = frame;
    if (isText) {
      renderTextLine(frame, address, row, dotsPerColumn);
    } else {
      renderGraphicsLine(frame, address, row);
    }
    const shift = isText && dotsPerColumn === 9 ? (panning + 1) % 9 : panning & 7;
    const to = line * width;
    if (repeats === 1) {
      pixels.set(dots.subarray(shift, shift + width), to);
      return;
    }
    for (let x = 0; x < width; x += 1) {
      pixels[to + x] = dots[shift + (x >> 1)] ?? 0;
    }
  });
  return { width, height, rgba };
}

/** Returns a colour 0xRRGGBB as the pixel that stands as R, G, B, 255 in memory. */
function pixel(colour: number): number {
  const swapped = ((colour & 0xff) << 16) | (colour & 0xff00) | (colour >>> 16);
  return (0xff00_0000 | swapped) >>> 0;
}

/**
 * Walks over the lines as the CRTC does: a row of `maximum scan line + 1` lines, each perhaps
 * twice, then the next row; and a new start at the line of the line compare register.
 */
function walkLines(
  state: VgaState,
  height: number,
  draw: (line: number, address: number, row: number, panning: number) => void,
): void {
  const at = (index: number): number => state.crtc[index] ?? 0;
  const scan = at(reg.crtc.maximumScanLine);
  const lastRow = scan & 0x1f;
  const repeats = (scan & reg.doubleScan) !== 0 ? 2 : 1;
  const pitch = 2 * at(reg.crtc.offset);
  const compare =
    at(reg.crtc.lineCompare) |
    ((at(reg.crtc.overflow) & reg.lineCompare8) !== 0 ? 0x100 : 0) |
    ((scan & reg.lineCompare9) !== 0 ? 0x200 : 0);
  const preset = at(reg.crtc.presetRowScan);
  const attributeMode = state.attribute[reg.attribute.mode] ?? 0;
  let panning = panningOf(state);
  let address = ((at(reg.crtc.startHigh) << 8) | at(reg.crtc.startLow)) + ((preset >> 5) & 3);
  let row = Math.min(preset & 0x1f, lastRow);
  let repeat = 0;
  for (let line = 0; line < height; line += 1) {
    draw(line, address, row, panning);
    repeat += 1;
    if (line === compare) {
      address = 0;
      row = 0;
      repeat = 0;
      panning = (attributeMode & reg.attributeMode.panTop) !== 0 ? neutralPanning(state) : panning;
    } else if (repeat === repeats) {
      repeat = 0;
      row += 1;
      if (row > lastRow) {
        row = 0;
        address += pitch;
      }
    }
  }
}

/** Returns by how many dots a line is shifted to the left, as the register says. */
function panningOf(state: VgaState): number {
  return (state.attribute[reg.attribute.panning] ?? 0) & 15;
}

/** Returns the register's value for no shift: 8 with 9 dots for a character, else 0. */
function neutralPanning(state: VgaState): number {
  const clocking = state.sequencer[reg.sequencer.clocking] ?? 0;
  const isText = screen.textGeometry(state) !== undefined;
  return isText && (clocking & reg.clocking8Dots) === 0 ? 8 : 0;
}
