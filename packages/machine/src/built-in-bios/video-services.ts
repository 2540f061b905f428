/** INT 10h: modes, cursor, text, pixels, palette, fonts. */
import { vbeRegister } from '@ringfence/devices';
import type { PortBus } from '@ringfence/devices';

import { Bell } from './bell.ts';
import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, Outcome, Rom } from './layout.ts';
import type { OutcomeValue } from './layout.ts';
import type { BiosProgram } from './program.ts';
import {
  fitsCursor,
  keepsPalette,
  serveAlternates,
  textLines,
  wantsGreys,
} from './video-alternates.ts';
import { VbeRegisters } from './vbe-registers.ts';
import { VideoFonts } from './video-fonts.ts';
import { greyEntries, readAttribute, servePalette, writeAttribute } from './video-palette.ts';
import { VideoPen } from './video-pen.ts';
import { VideoState } from './video-state.ts';
import { VideoVbe } from './video-vbe.ts';
import { paletteBytes, registerBytes, videoModes, withLines } from './video-modes.ts';
import type { VideoMode } from './video-modes.ts';

const keepMemory = 0x80;
const blank = 0x0720;
/** The number of VESA's first mode, 800x600 in 16 colours, for AH = 00h. */
const vesaMode = 0x6a;

/** How AH = 1Bh names a number of scan lines. */
const scanLines: Readonly<Record<number, number>> = { 200: 2, 350: 1, 400: 2, 480: 3 };

/** The services of the display. */
export class VideoServices {
  readonly #memory: BiosMemory;
  readonly #ports: PortBus;
  readonly #program: BiosProgram;
  readonly #pen: VideoPen;
  readonly #bell: Bell;
  /** Whether BEL was printed by the call that is served. */
  #hasRung = false;
  readonly #fonts: VideoFonts;
  readonly #state: VideoState;
  readonly #vbe: VideoVbe;

  /** Makes the services of a board. */
  constructor(board: BiosBoard, program: BiosProgram) {
    this.#memory = board.memory;
    this.#ports = board.ports;
    this.#program = program;
    this.#pen = new VideoPen(board, () => {
      this.#hasRung = true;
    });
    this.#bell = new Bell(board);
    this.#fonts = new VideoFonts(board, program, this.#pen, () => {
      this.#cursorShape(6, 7);
    });
    this.#state = new VideoState(board);
    this.#vbe = new VideoVbe(board, program, this.#state, (mode) => {
      this.setMode(mode);
    });
  }

  /** Prints text at the cursor, as AH = 0Eh does. */
  print(text: string): void {
    for (const character of text) {
      this.#teletype(character.charCodeAt(0), 7);
    }
  }

  /** Serves INT 10h. */
  serve(frame: BiosFrame): OutcomeValue {
    const rings = this.#bell.goOn(frame);
    if (rings !== undefined) {
      return rings;
    }
    this.#hasRung = false;
    this.#run(frame);
    return this.#hasRung ? this.#bell.ring(frame) : Outcome.done;
  }

  #run(frame: BiosFrame): void {
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
      case 0x04:
        frame.ah = 0; // There is no light pen.
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
        frame.ah = memory.read8(Bda.columns);
        // With the bit of a mode that was set without clearing the memory.
        frame.al = memory.read8(Bda.videoMode) | (memory.read8(Bda.videoControl) & keepMemory);
        frame.set('ebx', (memory.read8(Bda.activePage) << 8) | frame.bl);
        break;
      default:
        this.#serveExtended(frame);
    }
  }

  /** Sets a mode; bit 7 keeps what is in memory. */
  setMode(value: number): void {
    const number = value & 0x7f;
    const usual = videoModes.get(number);
    if (usual === undefined) {
      if (number === vesaMode) this.#vbe.setVesaMode(value & keepMemory);
      return;
    }
    const memory = this.#memory;
    const mode = withLines(usual, textLines(memory));
    this.#writeRegisters(mode);
    const isText = mode.layout === 'text';
    if ((value & keepMemory) === 0) {
      this.#clear(mode);
    }
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
    const cursorBit = memory.read8(Bda.videoControl) & 1;
    memory.write8(Bda.videoControl, 0x60 | (value & keepMemory) | cursorBit);
    memory.write8(Bda.videoSwitches, 0xf9);
    memory.write8(Bda.displayCode, 0x08);
    const height = mode.characterHeight;
    memory.write32(4 * 0x43, (Rom.segment << 16) | this.#fonts.romFont(height));
    if (isText) {
      this.#fonts.loadRomFont(height, 0);
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
    new VbeRegisters(ports).write(vbeRegister.enable, 0);
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
    if (keepsPalette(this.#memory)) {
      return;
    }
    ports.writePort(0x3c8, 1, 0);
    for (const value of paletteBytes(mode.palette)) {
      ports.writePort(0x3c9, 1, value);
    }
    if (wantsGreys(this.#memory)) {
      greyEntries(ports, 0, 256);
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

  /**
   * Sets the lines of the cursor. Programs for characters of 8 lines mean the same of a higher one:
   * a line at the bottom, the lower half, or all of it.
   */
  #cursorShape(start: number, end: number): void {
    const height = this.#memory.read16(Bda.characterHeight);
    this.#memory.write16(Bda.cursorShape, (start << 8) | end);
    const fits = height > 8 && end < 8 && (start & 0x60) === 0 && fitsCursor(this.#memory);
    const [first, last] = fits ? fittedCursor(start, end, height - 1) : [start, end];
    this.#pen.setCrtc(0x0a, first);
    this.#pen.setCrtc(0x0b, last);
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

  /**
   * AH = 0Bh: background and palette of CGA modes. Bit 4 of the background makes the three colours
   * bright; the palette is bit 0 of each of them.
   */
  #cgaPalette(frame: BiosFrame): void {
    const value = frame.bl;
    if (frame.bh === 0) {
      const colour = (value & 7) | ((value & 8) << 1);
      writeAttribute(this.#ports, 0x11, colour);
      writeAttribute(this.#ports, 0, colour);
    }
    const mask = frame.bh === 0 ? 0x10 : 0x01;
    for (let index = 1; index < 4; index += 1) {
      const old = readAttribute(this.#ports, index);
      writeAttribute(this.#ports, index, (old & ~mask) | (value & mask));
    }
  }

  #serveExtended(frame: BiosFrame): void {
    const memory = this.#memory;
    switch (frame.ah) {
      case 0x10:
        servePalette(frame, this.#ports, memory);
        break;
      case 0x11:
        this.#fonts.serve(frame);
        break;
      case 0x12:
        serveAlternates(frame, memory, this.#ports);
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
      case 0x1b:
        this.#describe(frame);
        break;
      case 0x1c:
        if (this.#state.serve(frame, frame.al)) {
          frame.al = 0x1c;
        }
        break;
      case 0x4f:
        this.#vbe.serve(frame);
        break;
      default:
        break;
    }
  }

  /** AH = 1Bh: what the display can do and what it does, 64 bytes. */
  #describe(frame: BiosFrame): void {
    const memory = this.#memory;
    const at = frame.at('es', frame.get('edi'));
    const state = new Uint8Array(64);
    memory.read(Bda.videoMode, state.subarray(0x04, 0x22));
    memory.read(Bda.lastRow, state.subarray(0x22, 0x25));
    const view = new DataView(state.buffer);
    view.setUint32(0, (Rom.segment << 16) | this.#program.videoAbilities, true);
    const mode = videoModes.get(memory.read8(Bda.videoMode));
    const colours = mode?.layout === 'bytes' ? 256 : mode?.bits === undefined ? 16 : 2 ** mode.bits;
    state[0x25] = memory.read8(Bda.displayCode);
    view.setUint16(0x27, colours, true);
    state[0x29] = mode === undefined ? 1 : pagesOf(mode);
    const lines =
      mode?.layout === 'text'
        ? textLines(memory)
        : (mode?.rows ?? 25) * (mode?.characterHeight ?? 16);
    state[0x2a] = scanLines[lines] ?? 0;
    state[0x31] = 3; // 256 KiB.
    memory.write(at, state);
    frame.al = 0x1b;
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
}

function pagesOf(mode: VideoMode): number {
  const window = mode.layout === 'planar' ? 0x1_0000 : 0x8000;
  return mode.layout === 'cga' || mode.layout === 'bytes'
    ? 1
    : Math.min(8, Math.max(1, Math.floor(window / mode.pageBytes)));
}

/** Fits a cursor for characters of eight lines into those whose last line is given. */
function fittedCursor(start: number, end: number, bottom: number): [number, number] {
  if (start > end) {
    return end === 0 ? [start, end] : [end, bottom];
  }
  if (end <= 3) {
    return [start, end];
  }
  if (start + 2 < end) {
    return [start > 2 ? (bottom + 1) >> 1 : start, bottom];
  }
  // Lines at the bottom leave the last one of a high character free.
  const last = bottom > 12 ? bottom - 1 : bottom;
  return [last - (end - start), last];
}
