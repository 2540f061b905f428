/** Lines of text modes. */
import * as reg from './registers.ts';
import type { Frame } from './renderer.ts';
import { textCells, textCursor } from './screen.ts';

const glyphBytes = 32;
/** Fonts begin at these offsets of plane 2, by the three bits of a character map select. */
const fontOffsets = [0, 0x4000, 0x8000, 0xc000, 0x2000, 0x6000, 0xa000, 0xe000] as const;
const fontPlaneShift = 16;
const planeOffsets = 0xffff;

/** Draws one line of a row of text into the dots of a frame. */
export function renderTextLine(frame: Frame, address: number, row: number, width: number): void {
  const { state, words, columns, dots, colours, phase } = frame;
  const attributeMode = state.attribute[reg.attribute.mode] ?? 0;
  const blinks = (attributeMode & reg.attributeMode.blink) !== 0;
  const joins = (attributeMode & reg.attributeMode.lineGraphics) !== 0;
  const hides = (phase & 2) !== 0;
  const map = state.sequencer[reg.sequencer.characterMap] ?? 0;
  const fontA = fontOffsets[((map >> 2) & 3) | ((map >> 3) & 4)] ?? 0;
  const fontB = fontOffsets[(map & 3) | ((map >> 2) & 4)] ?? 0;
  const underline = ((state.crtc[reg.crtc.underline] ?? 0) & 0x1f) === row;
  const cursor = cursorCell(frame, row);
  for (let column = 0; column <= columns; column += 1) {
    const cell = (address + column) % textCells;
    const word = words[cell] ?? 0;
    const character = word & 0xff;
    const attribute = (word >>> 8) & 0xff;
    const font = (attribute & 8) !== 0 ? fontA : fontB;
    const glyph = words[(font + character * glyphBytes + row) & planeOffsets] ?? 0;
    let bits = ((glyph >>> fontPlaneShift) & 0xff) << 1;
    if (joins && character >= 0xc0 && character < 0xe0) {
      bits |= (bits >> 1) & 1;
    }
    if (underline && (attribute & 0x77) === 1) {
      bits = 0x1ff;
    }
    if (blinks && hides && (attribute & 0x80) !== 0) {
      bits = 0;
    }
    if (cell === cursor) {
      bits = 0x1ff;
    }
    const ink = colours[attribute & 15] ?? 0;
    const paper = colours[(attribute >> 4) & (blinks ? 7 : 15)] ?? 0;
    const at = column * width;
    for (let dot = 0; dot < width; dot += 1) {
      dots[at + dot] = ((bits >> (8 - dot)) & 1) !== 0 ? ink : paper;
    }
  }
}

/** Returns the cell that the cursor fills in a line of a row, or -1. */
function cursorCell({ state, phase }: Frame, row: number): number {
  const at = (index: number): number => state.crtc[index] ?? 0;
  const start = at(reg.crtc.cursorStart);
  const isLine = row >= (start & 0x1f) && row <= (at(reg.crtc.cursorEnd) & 0x1f);
  return isLine && (phase & 1) === 0 && textCursor(state).visible
    ? ((at(reg.crtc.cursorHigh) << 8) | at(reg.crtc.cursorLow)) % textCells
    : -1;
}
