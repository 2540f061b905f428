/** INT 10h: modes, cursor, text, pixels, palette, fonts. */
import type { PortBus } from '@ringfence/devices';
import type { PhysicalMemory } from '@ringfence/memory';

import type { Board } from '../board.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, Rom } from './layout.ts';
import type { BiosProgram } from './program.ts';
import { servePalette } from './video-palette.ts';
import { VideoPen } from './video-pen.ts';
import { paletteBytes, registerBytes, videoModes } from './video-modes.ts';
import type { VideoMode } from './video-modes.ts';

const keepMemory = 0x80;
const blank = 0x0720;
const glyphBytes = 32;
const colourText: VideoMode | undefined = videoModes.get(3);

/** Modes that show as many lines, by the number of `AH = 12h, BL = 30h`: 200, 350 and 400. */
const vgaLines = 2;

/** The services of the display. */
export class VideoServices {
  readonly #memory: PhysicalMemory;
  readonly #ports: PortBus;
  readonly #program: BiosProgram;
  readonly #pen: VideoPen;

  /** Makes the services of a board. */
  constructor(board: Board, program: BiosProgram) {
    this.#memory = board.memory;
    this.#ports = board.ports;
    this.#program = program;
    this.#pen = new VideoPen(board);
  }

  /** Prints text at the cursor, as AH = 0Eh does. */
  print(text: string): void {
    for (const character of text) {
      this.#teletype(character.charCodeAt(0), 7);
    }
  }

  /** Serves INT 10h. */
  serve(frame: BiosFrame): void {
    const memory = this.#memory;
    switch (frame.ah) {
      case 0x00:
        this.setMode(frame.al);
        frame.al = (frame.al & 0x7f) === 6 ? 0x3f : (frame.al & 0x7f) > 7 ? 0x20 : 0x30;
        break;
      case 0x01:
        this.#cursorShape(frame.ch, frame.cl);
        break;
      case 0x02:
        memory.write16(Bda.cursors + 2 * (frame.bh & 7), frame.get('edx'));
        this.#pen.showCursor();
        break;
      case 0x03:
        frame.set('edx', memory.read16(Bda.cursors + 2 * (frame.bh & 7)));
        frame.set('ecx', memory.read16(Bda.cursorShape));
        break;
      case 0x05:
        this.#setPage(frame.al & 7);
        break;
      case 0x06:
      case 0x07: {
        const lines = frame.ah === 0x06 ? frame.al : -frame.al;
        this.#pen.scroll(lines, frame.get('ecx'), frame.get('edx'), frame.bh);
        break;
      }
      case 0x08:
        frame.set('eax', this.#pen.read(frame.bh & 7));
        break;
      case 0x09:
      case 0x0a: {
        const attribute = frame.ah === 0x09 ? frame.bl : undefined;
        this.#pen.repeat(frame.al, attribute, frame.bl, frame.bh & 7, frame.get('ecx'));
        break;
      }
      case 0x0b:
        this.#cgaPalette(frame);
        break;
      case 0x0c:
        this.#pen.putPixel(frame.get('ecx'), frame.get('edx'), frame.al, frame.bh);
        break;
      case 0x0d:
        frame.al = this.#pen.getPixel(frame.get('ecx'), frame.get('edx'), frame.bh);
        break;
      case 0x0e:
        this.#teletype(frame.al, frame.bl);
        break;
      case 0x0f:
        frame.set('eax', (memory.read8(Bda.columns) << 8) | memory.read8(Bda.videoMode));
        frame.set('ebx', (memory.read8(Bda.activePage) << 8) | frame.bl);
        break;
      default:
        this.#serveExtended(frame);
    }
  }

  /** Sets a mode; bit 7 keeps what is in memory. */
  setMode(value: number): void {
    const number = value & 0x7f;
    const mode = videoModes.get(number);
    if (mode === undefined) {
      return;
    }
    this.#writeRegisters(mode);
    const isText = mode.layout === 'text';
    if ((value & keepMemory) === 0) {
      this.#clear(mode);
    }
    const memory = this.#memory;
    memory.write8(Bda.videoMode, number);
    memory.write16(Bda.columns, mode.columns);
    memory.write16(Bda.pageBytes, mode.pageBytes);
    memory.write16(Bda.pageStart, 0);
    memory.write(Bda.cursors, new Uint8Array(16));
    memory.write16(Bda.cursorShape, 0);
    memory.write8(Bda.activePage, 0);
    memory.write16(Bda.crtcPort, (mode.misc & 1) !== 0 ? 0x3d4 : 0x3b4);
    memory.write8(Bda.lastRow, mode.rows - 1);
    memory.write16(Bda.characterHeight, mode.characterHeight);
    memory.write8(Bda.videoControl, 0x60 | (value & keepMemory));
    memory.write8(Bda.videoSwitches, 0xf9);
    memory.write8(Bda.videoFlags, 0x51);
    memory.write8(Bda.displayCode, 0x08);
    const height = mode.characterHeight;
    const font = height === 8 ? Rom.font8 : this.#program.font16;
    memory.write32(4 * 0x43, (Rom.segment << 16) | font);
    if (isText) {
      this.#loadRomFont(height, 0);
      this.#cursorShape(6, 7);
    }
    this.#pen.showCursor();
  }

  #writeRegisters(mode: VideoMode): void {
    const ports = this.#ports;
    const crtcPort = (mode.misc & 1) !== 0 ? 0x3d4 : 0x3b4;
    const set = (port: number, index: number, value: number): void => {
      ports.writePort(port, 1, index);
      ports.writePort(port + 1, 1, value);
    };
    // A mode of the VBE extension ends.
    ports.writePort(0x1ce, 2, 4);
    ports.writePort(0x1cf, 2, 0);
    ports.writePort(0x3c2, 1, mode.misc);
    set(0x3c4, 0, 1);
    registerBytes(mode.sequencer).forEach((value, index) => set(0x3c4, index + 1, value));
    set(0x3c4, 0, 3);
    set(crtcPort, 0x11, 0);
    registerBytes(mode.crtc).forEach((value, index) => set(crtcPort, index, value));
    registerBytes(mode.graphics).forEach((value, index) => set(0x3ce, index, value));
    ports.readPort(crtcPort + 6, 1);
    registerBytes(mode.attribute).forEach((value, index) => {
      ports.writePort(0x3c0, 1, index);
      ports.writePort(0x3c0, 1, value);
    });
    ports.writePort(0x3c0, 1, 0x20);
    ports.writePort(0x3c6, 1, 0xff);
    ports.writePort(0x3c8, 1, 0);
    for (const value of paletteBytes(mode.palette)) {
      ports.writePort(0x3c9, 1, value);
    }
  }

  #clear(mode: VideoMode): void {
    const memory = this.#memory;
    const isText = mode.layout === 'text';
    const bytes = isText || mode.layout === 'cga' ? 0x8000 : 0x1_0000;
    const fill = isText ? (blank << 16) | blank : 0;
    for (let offset = 0; offset < bytes; offset += 4) {
      memory.write32(mode.segment * 16 + offset, fill);
    }
  }

  #cursorShape(start: number, end: number): void {
    const height = this.#memory.read16(Bda.characterHeight);
    this.#memory.write16(Bda.cursorShape, (start << 8) | end);
    // Programs for 8 lines mean the same part of a higher character.
    const scales = height > 8 && end < 8 && (start & 0x60) === 0;
    const scaled = (line: number): number => Math.floor(((line + 1) * height) / 8);
    this.#pen.setCrtc(0x0a, scales ? scaled(start) - 1 : start);
    this.#pen.setCrtc(0x0b, scales ? scaled(end) - 2 : end);
  }

  #setPage(page: number): void {
    const memory = this.#memory;
    const start = memory.read16(Bda.pageBytes) * page;
    memory.write8(Bda.activePage, page);
    memory.write16(Bda.pageStart, start);
    const isText = videoModes.get(memory.read8(Bda.videoMode))?.layout === 'text';
    const address = isText ? start >> 1 : start;
    this.#pen.setCrtc(0x0c, (address >> 8) & 0xff);
    this.#pen.setCrtc(0x0d, address & 0xff);
    this.#pen.showCursor();
  }

  #teletype(character: number, colour: number): void {
    this.#pen.teletype(character, colour);
  }

  /** AH = 0Bh: border and palette of CGA modes. */
  #cgaPalette(frame: BiosFrame): void {
    const set = (index: number, value: number): void => {
      this.#ports.readPort(0x3da, 1);
      this.#ports.writePort(0x3c0, 1, index);
      this.#ports.writePort(0x3c0, 1, value);
      this.#ports.writePort(0x3c0, 1, 0x20);
    };
    const value = frame.bl;
    if (frame.bh === 0) {
      const colour = (value & 7) | ((value & 8) << 1);
      set(0x11, colour);
      set(0, colour);
    } else {
      const [first, bright] = [(value & 1) !== 0 ? 3 : 2, 0x10];
      [first, first + 2, (value & 1) !== 0 ? 7 : 6].forEach((colour, index) => {
        set(index + 1, colour | bright);
      });
    }
  }

  #serveExtended(frame: BiosFrame): void {
    const memory = this.#memory;
    switch (frame.ah) {
      case 0x10:
        servePalette(frame, this.#ports, memory);
        break;
      case 0x11:
        this.#serveFont(frame);
        break;
      case 0x12:
        if (frame.bl === 0x10) {
          frame.set('ebx', 0x0003); // Colour, 256 KiB.
          frame.set('ecx', 0x0009);
        } else if (frame.bl === 0x30) {
          frame.al = frame.al <= vgaLines ? 0x12 : 0;
        } else if (frame.bl >= 0x31 && frame.bl <= 0x36) {
          frame.al = 0x12;
        }
        break;
      case 0x13:
        this.#writeString(frame);
        break;
      case 0x1a:
        if (frame.al === 0) {
          frame.set('ebx', 0x0008); // A VGA with a colour screen.
        }
        frame.al = 0x1a;
        break;
      default:
        break;
    }
  }

  #writeString(frame: BiosFrame): void {
    const memory = this.#memory;
    const page = frame.bh & 7;
    const cursor = Bda.cursors + 2 * page;
    const before = memory.read16(cursor);
    memory.write16(cursor, frame.get('edx'));
    const hasAttributes = (frame.al & 2) !== 0;
    let at = frame.at('es', frame.get('ebp'));
    for (let count = Math.min(frame.get('ecx'), 0x2000); count > 0; count -= 1) {
      const character = memory.read8(at);
      const attribute = hasAttributes ? memory.read8(at + 1) : frame.bl;
      at += hasAttributes ? 2 : 1;
      this.#pen.teletype(character, attribute, page, attribute);
    }
    if ((frame.al & 1) === 0) {
      memory.write16(cursor, before);
    }
    this.#pen.showCursor();
  }

  /** AH = 11h: fonts for text modes, and where fonts are. */
  #serveFont(frame: BiosFrame): void {
    const memory = this.#memory;
    const service = frame.al;
    const block = frame.bl & 7;
    const isRom = (service & 0x0f) >= 1 && (service & 0x0f) <= 4 && service < 0x20;
    if (service === 0x00 || service === 0x10) {
      const source = frame.at('es', frame.get('ebp'));
      const height = Math.max(1, Math.min(frame.bh, glyphBytes));
      const first = frame.get('edx') & 0xff;
      const count = Math.min(frame.get('ecx'), 256 - first);
      const bytes = new Uint8Array(count * height);
      memory.read(source, bytes);
      this.#loadFont(bytes, height, first, block);
      this.#fit(service, height);
    } else if (isRom && (service & 0x0f) !== 3) {
      const height = (service & 0x0f) === 2 ? 8 : 16;
      this.#loadRomFont(height, block);
      this.#fit(service, height);
    } else if (service === 0x03 || service === 0x13) {
      this.#ports.writePort(0x3c4, 1, 3);
      this.#ports.writePort(0x3c5, 1, frame.bl);
    } else if (service === 0x30) {
      frame.set('ecx', memory.read16(Bda.characterHeight));
      frame.set('edx', memory.read8(Bda.lastRow));
      const fonts = [4 * 0x1f, 4 * 0x43];
      const vector = fonts[frame.bh];
      const isSmall = frame.bh === 3 || frame.bh === 4;
      const offset =
        frame.bh === 4
          ? (this.#program.vectors.get(0x1f) ?? 0)
          : isSmall
            ? Rom.font8
            : this.#program.font16;
      frame.set('ebp', vector === undefined ? offset : memory.read16(vector));
      frame.set('es', vector === undefined ? Rom.segment : memory.read16(vector + 2));
    }
  }

  /** Changes the number of rows to those of a font's height, for AL = 10h to 14h. */
  #fit(service: number, height: number): void {
    const memory = this.#memory;
    if ((service & 0x10) === 0 || height < 8) {
      return;
    }
    this.#pen.setCrtc(0x09, 0x40 | (height - 1));
    memory.write16(Bda.characterHeight, height);
    memory.write8(Bda.lastRow, Math.floor(400 / height) - 1);
    this.#cursorShape(6, 7);
  }

  #loadRomFont(height: number, block: number): void {
    const rom = this.#program.rom.subarray(0x1_0000);
    const start = height === 8 ? Rom.font8 : this.#program.font16;
    const lower = rom.subarray(start, start + 128 * height);
    const upperStart = height === 8 ? (this.#program.vectors.get(0x1f) ?? 0) : start + 128 * height;
    const upper = rom.subarray(upperStart, upperStart + 128 * height);
    this.#loadFont(lower, height, 0, block);
    this.#loadFont(upper, height, 128, block);
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
