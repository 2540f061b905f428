/**
 * Characters and pixels in the modes of the display, and the cursor.
 *
 * Text is written to memory as programs would; in graphics modes characters are drawn from the font
 * that vector 43h points to. All goes through guest memory, and so through the planes where those
 * are.
 */
import type { PortBus } from '@ringfence/devices';

import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import { Bda } from './layout.ts';
import { dotsOf, setGraphics, writePlanes } from './video-planes.ts';
import { shownSurface } from './vbe-surface.ts';
import type { VbeSurface } from './vbe-surface.ts';
import { videoModes } from './video-modes.ts';
import type { VideoMode } from './video-modes.ts';

const xorBit = 0x80;
const fontVector = 4 * 0x43;
const upperVector = 4 * 0x1f;
/** Cells of 32 KiB of text. */
const textCells = 0x4000;

/** Draws in whatever mode is set. */
export class VideoPen {
  readonly #memory: BiosMemory;
  readonly #ports: PortBus;
  readonly #ring: () => void;

  /** Draws on the display of a board; `ring` is called for BEL. */
  constructor(board: BiosBoard, ring: () => void) {
    this.#ring = ring;
    this.#memory = board.memory;
    this.#ports = board.ports;
  }

  /** Writes a register of the CRTC. */
  setCrtc(index: number, value: number): void {
    const port = this.#memory.read16(Bda.crtcPort) & 0xfff;
    this.#ports.writePort(port, 1, index);
    this.#ports.writePort(port + 1, 1, value);
  }

  /** Moves the cursor of the display to where the active page has it. */
  showCursor(): void {
    const memory = this.#memory;
    const page = memory.read8(Bda.activePage) & 7;
    const cursor = memory.read16(Bda.cursors + 2 * page);
    const start = memory.read16(Bda.pageStart) >> 1;
    const cell = start + (cursor >> 8) * this.#columns + (cursor & 0xff);
    this.setCrtc(0x0e, (cell >> 8) & 0xff);
    this.setCrtc(0x0f, cell & 0xff);
  }

  /** Prints a character at the cursor of a page and moves it on, scrolling where needed. */
  teletype(
    character: number,
    colour: number,
    page: number = this.#memory.read8(Bda.activePage) & 7,
    attribute?: number,
  ): void {
    const memory = this.#memory;
    const place = Bda.cursors + 2 * page;
    const cursor = memory.read16(place);
    let column = cursor & 0xff;
    let row = cursor >> 8;
    if (character === 8) {
      column = Math.max(0, column - 1);
    } else if (character === 10) {
      row += 1;
    } else if (character === 13) {
      column = 0;
    } else if (character === 7) {
      this.#ring();
    } else {
      this.#put(character, attribute, colour, page, row, column);
      column += 1;
    }
    if (column >= this.#columns) {
      column = 0;
      row += 1;
    }
    const last = memory.read8(Bda.lastRow);
    if (row > last) {
      row = last;
      const fill = this.#mode?.layout === 'text' ? this.#cell(page, last, 0) >> 8 : 0;
      this.scroll(1, 0, (last << 8) | (this.#columns - 1), fill, page);
    }
    memory.write16(place, (row << 8) | column);
    this.showCursor();
  }

  /** Writes a character `count` times from the cursor on; the cursor stays. */
  repeat(
    character: number,
    attribute: number | undefined,
    colour: number,
    page: number,
    count: number,
  ): void {
    const cursor = this.#memory.read16(Bda.cursors + 2 * page);
    const columns = this.#columns;
    // Text goes on behind the screen's end: some programs fill all pages so.
    const isText = this.#mode?.layout === 'text';
    const most = isText ? textCells : columns * (this.#memory.read8(Bda.lastRow) + 1);
    let cell = (cursor >> 8) * columns + (cursor & 0xff);
    for (let done = 0; done < Math.min(count, most) && cell < most; done += 1) {
      this.#put(character, attribute, colour, page, Math.floor(cell / columns), cell % columns);
      cell += 1;
    }
  }

  /**
   * Returns character and attribute at the cursor of a page; in graphics modes the character whose
   * shape stands there, or 0.
   */
  read(page: number): number {
    const cursor = this.#memory.read16(Bda.cursors + 2 * page);
    const [row, column] = [cursor >> 8, cursor & 0xff];
    const mode = this.#mode;
    return mode?.layout === 'text' || (mode === undefined && this.#surface === undefined)
      ? this.#cell(page, row, column)
      : this.#recognize(mode, page, row, column);
  }

  #recognize(mode: VideoMode | undefined, page: number, row: number, column: number): number {
    const height = this.#memory.read16(Bda.characterHeight) & 0x1f;
    const shape = Array.from({ length: height }, (_, line) => {
      let bits = 0;
      for (let dot = 0; dot < 8; dot += 1) {
        const isInk = this.getPixel(8 * column + dot, row * height + line, page) !== 0;
        bits |= isInk ? 0x80 >> dot : 0;
      }
      return bits;
    });
    for (let character = 0; character < 256; character += 1) {
      const glyph = this.#glyph(mode, character, height);
      if (shape.every((bits, line) => this.#memory.read8(glyph + line) === bits)) {
        return character;
      }
    }
    return 0;
  }

  /** Scrolls a window up, or down by a negative number of lines; 0 clears it. */
  scroll(
    lines: number,
    upperLeft: number,
    lowerRight: number,
    fill: number,
    page: number = this.#memory.read8(Bda.activePage) & 7,
  ): void {
    const top = upperLeft >> 8;
    const left = upperLeft & 0xff;
    const bottom = Math.min(lowerRight >> 8, this.#memory.read8(Bda.lastRow));
    const right = Math.min(lowerRight & 0xff, this.#columns - 1);
    const height = bottom - top + 1;
    if (height <= 0 || right < left) {
      return;
    }
    const step = lines === 0 || Math.abs(lines) >= height ? height : Math.abs(lines);
    for (let index = 0; index < height; index += 1) {
      const row = lines >= 0 ? top + index : bottom - index;
      const from = lines >= 0 ? row + step : row - step;
      const isInside = from >= top && from <= bottom;
      if (isInside) {
        this.#copyRow(page, from, row, left, right);
      } else {
        this.#fillRow(page, row, left, right, fill);
      }
    }
  }

  /** Sets a pixel; bit 7 of the colour combines it with what is there. */
  putPixel(x: number, y: number, colour: number, page: number): void {
    const mode = this.#mode;
    if (mode === undefined || mode.layout === 'text') {
      this.#surface?.put(x, y, [colour]);
      return;
    }
    const memory = this.#memory;
    const isXor = (colour & xorBit) !== 0;
    const { address, shift } = this.#pixelPlace(mode, x, y, page);
    if (mode.layout === 'bytes') {
      memory.write8(address, colour);
    } else if (mode.layout === 'cga') {
      const bits = mode.bits === 1 ? 1 : 3;
      const old = memory.read8(address);
      const value = (colour & bits) << shift;
      memory.write8(address, isXor ? old ^ value : (old & ~(bits << shift)) | value);
    } else {
      this.#planar(address, 1 << shift, colour, isXor);
    }
  }

  /** Returns the colour of a pixel. */
  getPixel(x: number, y: number, page: number): number {
    const mode = this.#mode;
    if (mode === undefined || mode.layout === 'text') {
      return this.#surface?.get(x, y) ?? 0;
    }
    const { address, shift } = this.#pixelPlace(mode, x, y, page);
    if (mode.layout !== 'planar') {
      const byte = this.#memory.read8(address);
      return mode.layout === 'bytes' ? byte : (byte >> shift) & (mode.bits === 1 ? 1 : 3);
    }
    let colour = 0;
    for (let plane = 0; plane < 4; plane += 1) {
      setGraphics(this.#ports, 4, plane);
      colour |= ((this.#memory.read8(address) >> shift) & 1) << plane;
    }
    setGraphics(this.#ports, 4, 0);
    return colour;
  }

  get #mode(): VideoMode | undefined {
    return videoModes.get(this.#memory.read8(Bda.videoMode));
  }

  /** What a mode of the VBE extension draws in. */
  get #surface(): VbeSurface | undefined {
    return this.#mode === undefined ? shownSurface(this.#memory, this.#ports) : undefined;
  }

  get #columns(): number {
    return this.#memory.read16(Bda.columns) || 80;
  }

  /** Where a cell of text stands. */
  #cellAddress(page: number, row: number, column: number): number {
    const base = (this.#mode?.segment ?? 0xb800) * 16;
    const start = this.#memory.read16(Bda.pageBytes) * page;
    return base + ((start + 2 * (row * this.#columns + column)) & 0x7fff);
  }

  #cell(page: number, row: number, column: number): number {
    return this.#memory.read16(this.#cellAddress(page, row, column));
  }

  #put(
    character: number,
    attribute: number | undefined,
    colour: number,
    page: number,
    row: number,
    column: number,
  ): void {
    const mode = this.#mode;
    if (mode?.layout === 'text') {
      const address = this.#cellAddress(page, row, column);
      this.#memory.write8(address, character);
      if (attribute !== undefined) {
        this.#memory.write8(address + 1, attribute);
      }
    } else {
      this.#draw(character, colour, page, row, column);
    }
  }

  /** Draws a character in a graphics mode. */
  #draw(character: number, colour: number, page: number, row: number, column: number): void {
    const mode = this.#mode;
    const memory = this.#memory;
    const height = memory.read16(Bda.characterHeight) & 0x1f;
    const font = this.#glyph(mode, character, height);
    const isXor = (colour & xorBit) !== 0;
    const surface = this.#surface;
    for (let line = 0; line < height; line += 1) {
      const bits = memory.read8(font + line);
      const y = row * height + line;
      if (mode === undefined) {
        const dots = dotsOf(bits).map((isInk) => (isInk ? colour : 0));
        surface?.put(8 * column, y, dots);
        continue;
      }
      if (mode.layout === 'planar') {
        const { address } = this.#pixelPlace(mode, 8 * column, y, page);
        if (!isXor) {
          this.#planar(address, ~bits & 0xff, 0, false);
        }
        this.#planar(address, bits, colour, isXor);
        continue;
      }
      for (const [dot, isInk] of dotsOf(bits).entries()) {
        if (isInk || !isXor || mode.layout === 'bytes') {
          this.putPixel(8 * column + dot, y, isInk ? colour : 0, page);
        }
      }
    }
  }

  /** Where the shape of a character stands; in CGA modes the upper half has a font of its own. */
  #glyph(mode: VideoMode | undefined, character: number, height: number): number {
    const memory = this.#memory;
    const isUpper = character >= 128 && mode?.layout === 'cga';
    const vector = isUpper ? upperVector : fontVector;
    const index = isUpper ? character - 128 : character;
    return memory.read16(vector + 2) * 16 + memory.read16(vector) + index * height;
  }

  #copyRow(page: number, from: number, to: number, left: number, right: number): void {
    const memory = this.#memory;
    if (this.#mode?.layout === 'text') {
      const cells = new Uint8Array(2 * (right - left + 1));
      memory.read(this.#cellAddress(page, from, left), cells);
      memory.write(this.#cellAddress(page, to, left), cells);
      return;
    }
    const surface = this.#surface;
    const height = memory.read16(Bda.characterHeight) & 0x1f;
    for (let line = 0; surface !== undefined && line < height; line += 1) {
      surface.copy(8 * left, from * height + line, to * height + line, 8 * (right - left + 1));
    }
    this.#eachLine(page, to, left, right, (address, bytes, lineOf) => {
      const source = lineOf(from);
      const isPlanar = this.#mode?.layout === 'planar';
      if (isPlanar) {
        setGraphics(this.#ports, 5, 1);
      }
      for (let offset = 0; offset < bytes; offset += 1) {
        memory.write8(address + offset, memory.read8(source + offset));
      }
      if (isPlanar) {
        setGraphics(this.#ports, 5, 0);
      }
    });
  }

  #fillRow(page: number, row: number, left: number, right: number, fill: number): void {
    const memory = this.#memory;
    if (this.#mode?.layout === 'text') {
      for (let column = left; column <= right; column += 1) {
        memory.write16(this.#cellAddress(page, row, column), (fill << 8) | 0x20);
      }
      return;
    }
    const surface = this.#surface;
    const height = memory.read16(Bda.characterHeight) & 0x1f;
    const dots = Array.from({ length: 8 * (right - left + 1) }, () => fill);
    for (let line = 0; surface !== undefined && line < height; line += 1) {
      surface.put(8 * left, row * height + line, dots);
    }
    this.#eachLine(page, row, left, right, (address, bytes) => {
      for (let offset = 0; offset < bytes; offset += 1) {
        if (this.#mode?.layout === 'planar') {
          this.#planar(address + offset, 0xff, fill, false);
        } else {
          memory.write8(address + offset, fill);
        }
      }
    });
  }

  /** Calls back for each line of a row of characters in a graphics mode. */
  #eachLine(
    page: number,
    row: number,
    left: number,
    right: number,
    draw: (address: number, bytes: number, lineOf: (row: number) => number) => void,
  ): void {
    const mode = this.#mode;
    if (mode === undefined) {
      return;
    }
    const height = this.#memory.read16(Bda.characterHeight) & 0x1f;
    const perCharacter = mode.layout === 'bytes' ? 8 : mode.bits === 2 ? 2 : 1;
    for (let line = 0; line < height; line += 1) {
      const lineOf = (of: number): number =>
        this.#pixelPlace(mode, 8 * left, of * height + line, page).address;
      draw(lineOf(row), perCharacter * (right - left + 1), lineOf);
    }
  }

  /** Where a pixel stands, and by how much its bits are shifted. */
  #pixelPlace(
    mode: VideoMode,
    x: number,
    y: number,
    page: number,
  ): { address: number; shift: number } {
    const base = mode.segment * 16;
    const start = this.#memory.read16(Bda.pageBytes) * page;
    if (mode.layout === 'bytes') {
      return { address: base + ((320 * y + x) & 0xffff), shift: 0 };
    }
    if (mode.layout === 'cga') {
      const perByte = mode.bits === 1 ? 8 : 4;
      const offset = (y & 1) * 0x2000 + (y >> 1) * 80 + Math.floor(x / perByte);
      const shift = (perByte - 1 - (x % perByte)) * (mode.bits ?? 1);
      return { address: base + (offset & 0x3fff), shift };
    }
    const offset = start + y * mode.columns + (x >> 3);
    return { address: base + (offset & 0xffff), shift: 7 - (x & 7) };
  }

  #planar(address: number, mask: number, colour: number, isXor: boolean): void {
    writePlanes(this.#memory, this.#ports, address, mask, colour, isXor);
  }
}
