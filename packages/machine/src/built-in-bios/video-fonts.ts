/** INT 10h, AH = 11h: fonts of text modes, which are in plane 2, and of graphics modes. */
import type { PortBus } from '@ringfence/devices';

import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, Rom } from './layout.ts';
import type { BiosProgram } from './program.ts';
import { textLines } from './video-alternates.ts';
import { registerBytes, videoModes } from './video-modes.ts';
import type { VideoPen } from './video-pen.ts';

const glyphBytes = 32;
const colourText = videoModes.get(3);
/** The vectors of the font of graphics modes, and of its upper half in CGA modes. */
const fontVector = 4 * 0x43;
const upperVector = 4 * 0x1f;
/** The heights of the ROM's fonts, by the lower digit of AL. */
const romHeights: Readonly<Record<number, number>> = { 1: 14, 2: 8, 4: 16 };
/** Pages of text begin at multiples of it. */
const pageUnit = 2048;

/** Rows of characters by BL, for fonts of graphics modes; 0 takes DL. */
const rowsByCode: Readonly<Record<number, number>> = { 1: 14, 2: 25, 3: 43 };

/** The services of fonts. */
export class VideoFonts {
  readonly #memory: BiosMemory;
  readonly #ports: PortBus;
  readonly #program: BiosProgram;
  readonly #pen: VideoPen;
  readonly #showCursorShape: () => void;

  /** Makes the services; `showCursorShape` fits the cursor into characters of another height. */
  constructor(board: BiosBoard, program: BiosProgram, pen: VideoPen, showCursorShape: () => void) {
    this.#memory = board.memory;
    this.#ports = board.ports;
    this.#program = program;
    this.#pen = pen;
    this.#showCursorShape = showCursorShape;
  }

  /** Serves AH = 11h. */
  serve(frame: BiosFrame): void {
    const service = frame.al;
    const block = frame.bl & 7;
    const height = romHeights[service & 0x0f];
    if (service === 0x00 || service === 0x10) {
      this.#loadGiven(frame, block);
    } else if (service < 0x20 && height !== undefined) {
      this.loadRomFont(height, block);
      this.#fit(service, height);
    } else if (service === 0x03 || service === 0x13) {
      this.#ports.writePort(0x3c4, 1, 3);
      this.#ports.writePort(0x3c5, 1, frame.bl);
    } else if (service === 0x20) {
      this.#memory.write32(upperVector, farPointer(frame));
    } else if (service === 0x21) {
      this.#setGraphicsFont(frame, farPointer(frame), frame.get('ecx'));
    } else if (service >= 0x22 && service <= 0x24) {
      const graphicsHeight = [14, 8, 16][service - 0x22] ?? 16;
      const font = (Rom.segment << 16) | this.romFont(graphicsHeight);
      this.#setGraphicsFont(frame, font, graphicsHeight);
    } else if (service === 0x30) {
      this.#tell(frame);
    }
  }

  /** Returns the offset of the ROM's font of a height. */
  romFont(height: number): number {
    const { font8, font14, font16 } = this.#program;
    return height === 8 ? font8 : height === 14 ? font14 : font16;
  }

  /** Loads a font of the ROM into a block of plane 2. */
  loadRomFont(height: number, block: number): void {
    const rom = this.#program.rom.subarray(0x1_0000);
    const start = this.romFont(height);
    this.#loadFont(rom.subarray(start, start + 256 * height), height, 0, block);
  }

  #loadGiven(frame: BiosFrame, block: number): void {
    const height = Math.max(1, Math.min(frame.bh, glyphBytes));
    const first = frame.get('edx') & 0xff;
    const count = Math.min(frame.get('ecx'), 256 - first);
    const bytes = new Uint8Array(count * height);
    this.#memory.read(frame.at('es', frame.get('ebp')), bytes);
    this.#loadFont(bytes, height, first, block);
    this.#fit(frame.al, height);
  }

  #setGraphicsFont(frame: BiosFrame, pointer: number, height: number): void {
    const memory = this.#memory;
    memory.write32(fontVector, pointer);
    memory.write16(Bda.characterHeight, height);
    const rows = rowsByCode[frame.bl] ?? frame.dl;
    memory.write8(Bda.lastRow, Math.max(rows, 1) - 1);
  }

  /** AL = 30h: height and rows of what shows, and where a font is. */
  #tell(frame: BiosFrame): void {
    const memory = this.#memory;
    frame.set('ecx', memory.read16(Bda.characterHeight));
    frame.dl = memory.read8(Bda.lastRow);
    const { font8, font14, font16 } = this.#program;
    const vector = [upperVector, fontVector][frame.bh];
    // 5 and 7 are what differs in cells 9 dots wide: nothing, so an empty list at a zero byte.
    const empty = Rom.configuration + 1;
    const fonts = [0, 0, font14, font8, font8 + 0x400, empty, font16, empty];
    frame.set('ebp', vector === undefined ? (fonts[frame.bh] ?? 0) : memory.read16(vector));
    frame.set('es', vector === undefined ? Rom.segment : memory.read16(vector + 2));
  }

  /** Changes the number of rows to those of a font's height, for AL = 10h to 14h. */
  #fit(service: number, height: number): void {
    const memory = this.#memory;
    if ((service & 0x10) === 0 || height < 8) {
      return;
    }
    const lines = textLines(memory);
    const isDoubled = lines === 200;
    this.#pen.setCrtc(0x09, (isDoubled ? 0xc0 : 0x40) | (height - 1));
    memory.write16(Bda.characterHeight, height);
    const rows = Math.floor(lines / height);
    // Nothing shows below the last row. Bit 8 stands in the overflow register, and stays as it is.
    this.#pen.setCrtc(0x12, ((isDoubled ? 2 : 1) * rows * height - 1) & 0xff);
    memory.write8(Bda.lastRow, rows - 1);
    const bytes = 2 * rows * memory.read16(Bda.columns);
    memory.write16(Bda.pageBytes, Math.ceil(bytes / pageUnit) * pageUnit);
    this.#showCursorShape();
  }

  /** Writes a font to plane 2, which is opened at 0xa0000 meanwhile. */
  #loadFont(bytes: Uint8Array, height: number, first: number, block: number): void {
    const set = (port: number, index: number, value: number): void => {
      this.#ports.writePort(port, 1, index);
      this.#ports.writePort(port + 1, 1, value);
    };
    const isMono = this.#memory.read16(Bda.crtcPort) === 0x3b4;
    set(0x3c4, 2, 4);
    set(0x3c4, 4, 7);
    set(0x3ce, 4, 2);
    set(0x3ce, 5, 0);
    set(0x3ce, 6, 4);
    const start = ((block & 3) * 0x4000 + (block >> 2) * 0x2000) & 0xffff;
    for (const [index, row] of bytes.entries()) {
      const offset = (first + Math.floor(index / height)) * glyphBytes + (index % height);
      this.#memory.write8(0xa_0000 + start + offset, row);
    }
    const graphics = registerBytes(colourText?.graphics ?? '');
    set(0x3c4, 2, 3);
    set(0x3c4, 4, 2);
    set(0x3ce, 4, 0);
    set(0x3ce, 5, graphics[5] ?? 0x10);
    set(0x3ce, 6, isMono ? 0x0a : 0x0e);
  }
}

/** Returns ES:BP as it stands in a vector. */
function farPointer(frame: BiosFrame): number {
  return (frame.get('es') << 16) | frame.get('ebp');
}
