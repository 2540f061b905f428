/** Lines of graphics modes: planar, CGA's interleaved pixels, and 256 colours. */
import * as reg from './registers.ts';
import type { Frame } from './renderer.ts';
import type { VgaState } from './state.ts';

const planeOffsets = 0xffff;

/** Draws one line into the dots of a frame; `row` is the line within the CRTC's row. */
export function renderGraphicsLine(frame: Frame, address: number, row: number): void {
  const { state, words, columns, dots } = frame;
  const shift = (state.graphics[reg.graphics.mode] ?? 0) & reg.shiftMode.mask;
  const attributeMode = state.attribute[reg.attribute.mode] ?? 0;
  const wide = (attributeMode & reg.attributeMode.colours256) !== 0;
  const offsetOf = addressing(state, row);
  for (let column = 0; column <= columns; column += 1) {
    const word = words[offsetOf(address + column)] ?? 0;
    const at = 8 * column;
    if ((shift & reg.shiftMode.colours256) !== 0) {
      drawBytes(frame, word, at, wide);
    } else if (shift === reg.shiftMode.interleaved) {
      drawInterleaved(frame, word, at);
    } else {
      drawPlanar(frame, word, at);
    }
  }
  dots.fill(0xff00_0000, 8 * (columns + 1));
}

/**
 * Returns how the CRTC's counter becomes an offset of video memory: by bytes, words or doublewords,
 * with lines of a row in the address where a CGA has them.
 */
function addressing(state: VgaState, row: number): (counter: number) => number {
  const mode = state.crtc[reg.crtc.mode] ?? 0;
  const isDoubleword = ((state.crtc[reg.crtc.underline] ?? 0) & reg.addressDoubleword) !== 0;
  const shift = isDoubleword ? 2 : (mode & reg.crtcMode.bytes) !== 0 ? 0 : 1;
  let clear = 0;
  let set = 0;
  if ((mode & reg.crtcMode.keep13) === 0) {
    clear |= 0x2000 >> shift;
    set |= (row & 1) !== 0 ? 0x2000 >> shift : 0;
  }
  if ((mode & reg.crtcMode.keep14) === 0) {
    clear |= 0x4000 >> shift;
    set |= (row & 2) !== 0 ? 0x4000 >> shift : 0;
  }
  return (counter) => (counter & planeOffsets & ~clear) | set;
}

/** Eight dots of sixteen colours: bit 7 of the four planes first. */
function drawPlanar(frame: Frame, word: number, at: number): void {
  const { dots, colours, state } = frame;
  const planes = (state.attribute[reg.attribute.planes] ?? 0) & 15;
  for (let dot = 0; dot < 8; dot += 1) {
    const bits = word >>> (7 - dot);
    const colour = (bits & 1) | ((bits >>> 7) & 2) | ((bits >>> 14) & 4) | ((bits >>> 21) & 8);
    dots[at + dot] = colours[colour & planes] ?? 0;
  }
}

/** Eight dots of four colours: the two bits of plane 0 from the top, then those of plane 1. */
function drawInterleaved(frame: Frame, word: number, at: number): void {
  const { dots, colours, state } = frame;
  const planes = (state.attribute[reg.attribute.planes] ?? 0) & 15;
  for (let dot = 0; dot < 8; dot += 1) {
    const low = (word >>> (6 - 2 * (dot & 3) + (dot < 4 ? 0 : 8))) & 3;
    const high = (word >>> (22 - 2 * (dot & 3) + (dot < 4 ? 0 : 8))) & 3;
    dots[at + dot] = colours[(low | (high << 2)) & planes] ?? 0;
  }
}

/** Four bytes: each a colour of two dots, or of a dot for each half. */
function drawBytes(frame: Frame, word: number, at: number, wide: boolean): void {
  const { dots, colours, palette } = frame;
  for (let dot = 0; dot < 8; dot += 1) {
    const byte = (word >>> (8 * (dot >> 1))) & 0xff;
    const half = (dot & 1) === 0 ? byte >> 4 : byte & 15;
    dots[at + dot] = (wide ? palette[byte] : colours[half]) ?? 0;
  }
}
