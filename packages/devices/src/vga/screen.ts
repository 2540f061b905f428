/**
 * What the registers make of video memory: geometry, text, cursor, colours, and the moment of
 * retrace.
 */
import { codePage437 } from './code-page-437.ts';
import * as reg from './registers.ts';
import type { VgaState } from './state.ts';
import { vbeEnable, vbeMode, vbeRegister } from './vbe.ts';

/** How text stands in video memory, in cells of a character and its attribute. */
export interface TextGeometry {
  /** Characters in a row. */
  readonly columns: number;
  /** Rows on the screen. */
  readonly rows: number;
  /** Cells from one row to the next. */
  readonly pitch: number;
  /** The cell in the upper left corner. */
  readonly start: number;
}

/** Where the cursor is. */
export interface TextCursor {
  /** Column, from 0. */
  readonly column: number;
  /** Row, from 0. */
  readonly row: number;
  /** Whether it is switched on and on the screen. */
  readonly visible: boolean;
}

/** The text on the screen with all that belongs to it. */
export interface TextScreen {
  readonly columns: number;
  readonly rows: number;
  /** Row by row, a character of code page 437 in the lower byte, its attribute in the upper. */
  readonly cells: Uint16Array;
  readonly cursor: TextCursor;
  /** The sixteen colours of attributes, each as 0xRRGGBB. */
  readonly colours: readonly number[];
  /** Whether bit 7 of an attribute makes a character blink, not its background bright. */
  readonly blinks: boolean;
}

/** The most rows that are read: 480 lines of 8 make 60, and no guest gets more than a screenful. */
export const maximumRows = 120;

/** Returns the geometry of the text, or `undefined` in a graphics mode. */
export function textGeometry(state: VgaState): TextGeometry | undefined {
  const isGraphics = ((state.graphics[reg.graphics.misc] ?? 0) & reg.graphicsMode) !== 0;
  if (isGraphics || vbeMode(state) !== undefined) {
    return undefined;
  }
  const at = (index: number): number => state.crtc[index] ?? 0;
  const scan = at(reg.crtc.maximumScanLine);
  const lines = (scan & 0x1f) + 1;
  const height = (scan & reg.doubleScan) !== 0 ? 2 * lines : lines;
  const columns = at(reg.crtc.horizontalDisplayEnd) + 1;
  return {
    columns,
    rows: Math.min(maximumRows, Math.max(1, Math.floor((verticalDisplayEnd(state) + 1) / height))),
    pitch: at(reg.crtc.offset) === 0 ? columns : at(reg.crtc.offset) * 2,
    start: (at(reg.crtc.startHigh) << 8) | at(reg.crtc.startLow),
  };
}

/** The cells that the CRTC can address in a text mode. */
export const textCells = 0x8000;

/**
 * Returns the rows of the screen without blanks at their ends; each of the `words` of video memory
 * holds a cell.
 */
export function screenText(state: VgaState, words: Uint32Array): string[] {
  const geometry = textGeometry(state);
  if (geometry === undefined) {
    return [];
  }
  return Array.from({ length: geometry.rows }, (_, row) => {
    let text = '';
    for (let column = 0; column < geometry.columns; column += 1) {
      const cell = (geometry.start + row * geometry.pitch + column) % textCells;
      text += codePage437[(words[cell] ?? 0) & 0xff] ?? ' ';
    }
    return text.trimEnd();
  });
}

/** Returns the text with its attributes, cursor and colours; nothing in a graphics mode. */
export function textScreen(state: VgaState, words: Uint32Array): TextScreen | undefined {
  const geometry = textGeometry(state);
  if (geometry === undefined) {
    return undefined;
  }
  const { columns, rows, start, pitch } = geometry;
  const cells = Uint16Array.from({ length: columns * rows }, (_, index) => {
    const cell = start + Math.floor(index / columns) * pitch + (index % columns);
    return words[cell % textCells] ?? 0;
  });
  const mode = state.attribute[reg.attribute.mode] ?? 0;
  const blinks = (mode & reg.attributeMode.blink) !== 0;
  return { columns, rows, cells, cursor: textCursor(state), colours: textColours(state), blinks };
}

/** Returns where the cursor is. */
export function textCursor(state: VgaState): TextCursor {
  const geometry = textGeometry(state);
  const at = (index: number): number => state.crtc[index] ?? 0;
  const cell = (at(reg.crtc.cursorHigh) << 8) | at(reg.crtc.cursorLow);
  if (geometry === undefined) {
    return { column: 0, row: 0, visible: false };
  }
  const offset = (cell - geometry.start) & 0xffff;
  const row = Math.floor(offset / geometry.pitch);
  const column = offset % geometry.pitch;
  const start = at(reg.crtc.cursorStart);
  const isOn = (start & reg.cursorOff) === 0 && (start & 0x1f) <= (at(reg.crtc.cursorEnd) & 0x1f);
  return { column, row, visible: isOn && row < geometry.rows && column < geometry.columns };
}

/** Returns the sixteen colours of text, each as 0xRRGGBB. */
export function textColours(state: VgaState): number[] {
  return Array.from({ length: 16 }, (_, colour) =>
    paletteColour(state, paletteEntry(state, colour)),
  );
}

/** Returns the entry of the palette that one of sixteen colours selects, before the mask. */
export function paletteEntry(state: VgaState, colour: number): number {
  const select = state.attribute[reg.attribute.colourSelect] ?? 0;
  const low = state.attribute[colour] ?? 0;
  const mode = state.attribute[reg.attribute.mode] ?? 0;
  const replaces = (mode & reg.attributeMode.selectReplaces) !== 0;
  const six = replaces ? (low & 0x0f) | ((select & 0x03) << 4) : low & 0x3f;
  return six | ((select & 0x0c) << 4);
}

/** Returns the colour of a palette entry, through the mask, as 0xRRGGBB. */
export function paletteColour(state: VgaState, entry: number): number {
  const at = 3 * (entry & state.paletteMask);
  const is8 = hasPalette8(state);
  const component = (index: number): number => {
    const value = state.palette[at + index] ?? 0;
    return is8 ? value : ((value << 2) | (value >> 4)) & 0xff;
  };
  return (component(0) << 16) | (component(1) << 8) | component(2);
}

/** Returns whether the palette has 8 bits for each component. */
export function hasPalette8(state: VgaState): boolean {
  return ((state.vbe[vbeRegister.enable] ?? 0) & vbeEnable.palette8) !== 0;
}

/** Frames for which a cursor is on, and then off; attributes blink half as fast. */
const cursorFrames = 16;

/** Counts how often the cursor has come and gone, by the CRTC's timing; 0 in graphics modes. */
export function blinkPhase(state: VgaState, nowNs: number): number {
  if (textGeometry(state) === undefined) {
    return 0;
  }
  const { lineNs, total } = timing(state);
  return Math.floor(nowNs / (lineNs * total * cursorFrames));
}

/** Returns how long a line takes, and how many lines a frame has, retrace included. */
function timing(state: VgaState): { readonly lineNs: number; readonly total: number } {
  const clocking = state.sequencer[reg.sequencer.clocking] ?? 0;
  const dots = (clocking & reg.clocking8Dots) !== 0 ? 8 : 9;
  const halves = (clocking & reg.clockingHalved) !== 0 ? 2 : 1;
  const hertz = reg.dotClocks[(state.misc & reg.misc.clock) >> 2] ?? 25_175_000;
  const characters = (state.crtc[reg.crtc.horizontalTotal] ?? 0) + 5;
  const lineNs = (characters * dots * halves * 1e9) / hertz;
  return { lineNs, total: vertical(state, reg.crtc.verticalTotal, 0x01, 0x20) + 2 };
}

/** Returns input status 1 at a clock reading: where the beam is, by the CRTC's timing. */
export function inputStatus1(state: VgaState, nowNs: number): number {
  const at = (index: number): number => state.crtc[index] ?? 0;
  const { lineNs, total } = timing(state);
  const line = Math.floor(nowNs / lineNs) % total;
  const column = ((nowNs % lineNs) / lineNs) * (at(reg.crtc.horizontalTotal) + 5);
  const retraceStart = vertical(state, reg.crtc.retraceStart, 0x04, 0x80);
  // The end is compared in its low four bits only.
  const length = (at(reg.crtc.retraceEnd) - retraceStart) & 0x0f || 16;
  const inRetrace = line >= retraceStart && line < retraceStart + length;
  const shows =
    line <= verticalDisplayEnd(state) && column <= at(reg.crtc.horizontalDisplayEnd) + 1;
  return (inRetrace ? reg.status1.retrace : 0) | (shows ? 0 : reg.status1.blank);
}

/** Returns the number of lines on the screen, less one. */
export function verticalDisplayEnd(state: VgaState): number {
  return vertical(state, reg.crtc.verticalDisplayEnd, 0x02, 0x40);
}

/** Returns a vertical register with its bits 8 and 9, which stand in the overflow register. */
function vertical(state: VgaState, index: number, bit8: number, bit9: number): number {
  const overflow = state.crtc[reg.crtc.overflow] ?? 0;
  return (
    (state.crtc[index] ?? 0) |
    ((overflow & bit8) !== 0 ? 0x100 : 0) |
    ((overflow & bit9) !== 0 ? 0x200 : 0)
  );
}
