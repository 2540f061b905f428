/** INT 10h, AH = 4Fh: modes with many colours (VBE Core Functions 3.0), by the Bochs extension. */
import { edidBlock, vbeRegister } from '@ringfence/devices';
import type { PortBus } from '@ringfence/devices';

import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, Ebda, Rom } from './layout.ts';
import { readPci } from './pci-setup.ts';
import type { BiosProgram } from './program.ts';
import {
  directColours,
  Result,
  type VbeModeRow,
  vbeLineBytes,
  vbeLinePixels,
  vbeModes,
} from './vbe-modes.ts';
import { servePower } from './vbe-power.ts';
import { VbeRegisters } from './vbe-registers.ts';
import { videoModes } from './video-modes.ts';
import type { VideoState } from './video-state.ts';

const enableBits = { on: 0x01, linear: 0x40, palette8: 0x20, keepMemory: 0x80 } as const;

const bankBytes = 0x1_0000;
const vbeVersion = 0x0300;
const displaySlot = 2;
const linearBit = 0x4000;
const keepBit = 0x8000;
/** In the data area, where the number of no mode of a VGA stands while one of these is set. */
const noVgaMode = 0xff;
/** BH: seconds that a block takes. BL: by DDC1 and DDC2. */
const displayChannel = 0x0103;
const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** The services of VBE. */
export class VideoVbe {
  readonly #memory: BiosMemory;
  readonly #ports: PortBus;
  readonly #registers: VbeRegisters;
  readonly #program: BiosProgram;
  readonly #state: VideoState;
  readonly #setVgaMode: (number: number) => void;

  /** Makes the services; `setVgaMode` sets a mode of the VGA and ends one of these. */
  constructor(
    board: BiosBoard,
    program: BiosProgram,
    state: VideoState,
    setVgaMode: (number: number) => void,
  ) {
    this.#memory = board.memory;
    this.#ports = board.ports;
    this.#registers = new VbeRegisters(board.ports);
    this.#program = program;
    this.#state = state;
    this.#setVgaMode = setVgaMode;
  }

  /** Serves AX = 4F00h to 4FFFh. */
  serve(frame: BiosFrame): void {
    frame.set('eax', this.#run(frame));
  }

  #run(frame: BiosFrame): number {
    switch (frame.al) {
      case 0x00:
        return this.#describe(frame);
      case 0x01:
        return this.#describeMode(frame);
      case 0x02:
        return this.#setMode(frame.get('ebx'));
      case 0x03:
        frame.set('ebx', this.#current());
        return Result.ok;
      case 0x04:
        return this.#state.serve(frame, frame.dl) ? Result.ok : Result.failed;
      case 0x05:
        return this.#bank(frame);
      case 0x06:
        return this.#lineLength(frame);
      case 0x07:
        return this.#start(frame);
      case 0x08:
        return this.#paletteWidth(frame);
      case 0x09:
        return this.#palette(frame);
      case 0x10:
        return servePower(frame, this.#memory, this.#ports);
      case 0x15:
        return this.#identity(frame);
      default:
        return Result.absent;
    }
  }

  /** Function 00h: 256 bytes about the adapter, or 512 for who asks by the name VBE2. */
  #describe(frame: BiosFrame): number {
    const memory = this.#memory;
    const at = frame.at('es', frame.get('edi'));
    const isNew = memory.read32(at) === 0x3245_4256;
    const info = new DataView(new ArrayBuffer(isNew ? 512 : 256));
    const bytes = new Uint8Array(info.buffer);
    const name = (Rom.segment << 16) | this.#program.vbe.name;
    bytes.set(bytesOf('VESA'));
    info.setUint16(0x04, vbeVersion, true);
    info.setUint32(0x06, name, true);
    info.setUint32(0x0a, 1, true); // The palette can have 8 bits.
    info.setUint32(0x0e, (Rom.segment << 16) | this.#program.vbe.modes, true);
    info.setUint16(0x12, this.#registers.read(vbeRegister.memory64k), true);
    if (isNew) {
      for (const field of [0x16, 0x1a, 0x1e]) info.setUint32(field, name, true);
    }
    memory.write(at, bytes);
    return Result.ok;
  }

  /** Function 01h: 256 bytes about a mode. */
  #describeMode(frame: BiosFrame): number {
    const mode = this.#find(frame.get('ecx'));
    if (mode === undefined) {
      return Result.failed;
    }
    const { width, height, depth } = mode;
    const pitch = vbeLineBytes(width, depth);
    const pages = Math.min(Math.floor(this.#memoryBytes(depth) / (pitch * height)), 128) - 1;
    const info = new DataView(new ArrayBuffer(256));
    const bytes = new Uint8Array(info.buffer);
    const hasLinear = depth !== 4;
    info.setUint16(0x00, hasLinear ? 0x009b : 0x001b, true);
    bytes[0x02] = 7; // One window, for reads and writes.
    info.setUint16(0x04, bankBytes / 1024, true);
    info.setUint16(0x06, bankBytes / 1024, true);
    info.setUint16(0x08, 0xa000, true);
    info.setUint32(0x0c, (Rom.segment << 16) | this.#program.vbe.window, true);
    info.setUint16(0x10, pitch, true);
    info.setUint16(0x12, width, true);
    info.setUint16(0x14, height, true);
    bytes.set([8, 16, depth === 4 ? 4 : 1, depth, 1], 0x16);
    bytes[0x1b] = depth === 4 ? 3 : depth === 8 ? 4 : 6;
    bytes[0x1d] = pages;
    bytes[0x1e] = 1;
    const colours = directColours[depth];
    if (colours !== undefined) {
      bytes.set([...colours, depth === 32 ? 2 : 0], 0x1f);
    }
    info.setUint32(0x28, hasLinear ? this.#frameBuffer() : 0, true);
    info.setUint16(0x32, pitch, true);
    bytes.set([pages, pages], 0x34);
    bytes.set(colours ?? [], 0x36);
    info.setUint32(0x3e, 230_000_000, true);
    this.#memory.write(frame.at('es', frame.get('edi')), bytes);
    return Result.ok;
  }

  /** Sets the mode of 800x600 in 16 colours; a bit keeps what is in memory. */
  setVesaMode(keeps: number): void {
    this.#setMode(0x102 | (keeps === 0 ? 0 : keepBit));
  }

  #setMode(value: number): number {
    const keeps = (value & keepBit) !== 0;
    const number = value & 0x1ff;
    if (number < 0x80) {
      if (!videoModes.has(number)) {
        return Result.failed;
      }
      this.#setVgaMode(number | (keeps ? 0x80 : 0));
      return Result.ok;
    }
    const mode = this.#find(number);
    if (mode === undefined || (mode.depth === 4 && (value & linearBit) !== 0)) {
      return Result.failed;
    }
    // The registers of the VGA as in its own mode of that kind; its memory is left alone.
    this.#setVgaMode((mode.depth === 4 ? 0x12 : 0x13) | 0x80);
    this.#registers.write(vbeRegister.width, mode.width);
    this.#registers.write(vbeRegister.height, mode.height);
    this.#registers.write(vbeRegister.depth, mode.depth);
    this.#registers.write(
      vbeRegister.enable,
      enableBits.on | enableBits.linear | (keeps ? 0x80 : 0),
    );
    const memory = this.#memory;
    memory.write8(Bda.videoMode, noVgaMode);
    memory.write16(Bda.columns, mode.width >> 3);
    memory.write8(Bda.lastRow, Math.min(255, (mode.height >> 4) - 1));
    memory.write16(Bda.characterHeight, 16);
    memory.write32(4 * 0x43, (Rom.segment << 16) | this.#program.font16);
    memory.write16(Ebda.vbeMode, value & (keepBit | linearBit | 0x1ff));
    return Result.ok;
  }

  /** The mode that is set, with the bits that it was set with. */
  #current(): number {
    const isOn = this.#shown() !== undefined;
    const keeps = (this.#memory.read8(Bda.videoControl) & 0x80) !== 0 ? keepBit : 0;
    return isOn ? this.#memory.read16(Ebda.vbeMode) : this.#memory.read8(Bda.videoMode) | keeps;
  }

  /** Function 05h: which 64 KiB show at A0000h. */
  #bank(frame: BiosFrame): number {
    const mode = this.#shown();
    if (mode === undefined) {
      return Result.wrongMode;
    }
    if (frame.bl !== 0 || frame.bh > 1) {
      return Result.failed;
    }
    if (frame.bh === 1) {
      frame.set('edx', this.#registers.read(vbeRegister.bank));
      return Result.ok;
    }
    const bank = frame.get('edx');
    if (bank >= this.#registers.read(vbeRegister.memory64k)) {
      return Result.failed;
    }
    this.#registers.write(vbeRegister.bank, bank);
    return Result.ok;
  }

  /** Function 06h: bytes and pixels from a line to the next. */
  #lineLength(frame: BiosFrame): number {
    const mode = this.#shown();
    if (mode === undefined) {
      return Result.wrongMode;
    }
    const { depth, height } = mode;
    const most = Math.floor(this.#memoryBytes(depth) / height);
    const wanted = frame.get('ecx');
    let pixels: number;
    if (frame.bl === 0 || frame.bl === 2) {
      pixels = frame.bl === 0 ? wanted : vbeLinePixels(wanted, depth);
      if (pixels < mode.width || vbeLineBytes(pixels, depth) > most) {
        return Result.failed;
      }
      this.#registers.write(vbeRegister.virtualWidth, pixels);
      pixels = this.#registers.read(vbeRegister.virtualWidth);
    } else if (frame.bl === 1) {
      pixels = this.#registers.read(vbeRegister.virtualWidth);
    } else if (frame.bl === 3) {
      pixels = Math.min(vbeLinePixels(most, depth), 0xffff);
    } else {
      return Result.failed;
    }
    const bytes = vbeLineBytes(pixels, depth);
    frame.set('ebx', bytes);
    frame.set('ecx', pixels);
    frame.set('edx', Math.min(Math.floor(this.#memoryBytes(depth) / bytes), 0xffff));
    return Result.ok;
  }

  /** Function 07h: the pixel in the upper left corner. */
  #start(frame: BiosFrame): number {
    if (this.#shown() === undefined) {
      return Result.wrongMode;
    }
    if (frame.bl === 1) {
      frame.set('ebx', frame.bl);
      frame.set('ecx', this.#registers.read(vbeRegister.xOffset));
      frame.set('edx', this.#registers.read(vbeRegister.yOffset));
      return Result.ok;
    }
    if (frame.bl !== 0 && frame.bl !== 0x80) {
      return Result.failed;
    }
    const [x, y] = [frame.get('ecx'), frame.get('edx')];
    // One of the two alone may lie outside with the other's old value.
    this.#registers.write(vbeRegister.yOffset, 0);
    this.#registers.write(vbeRegister.xOffset, x);
    this.#registers.write(vbeRegister.yOffset, y);
    const isTaken =
      this.#registers.read(vbeRegister.xOffset) === x &&
      this.#registers.read(vbeRegister.yOffset) === y;
    return isTaken ? Result.ok : Result.failed;
  }

  /** Function 08h: bits of a component of the palette. */
  #paletteWidth(frame: BiosFrame): number {
    const mode = this.#shown();
    if (mode === undefined || mode.depth > 8) {
      return Result.wrongMode;
    }
    const enable = this.#registers.read(vbeRegister.enable);
    if (frame.bl > 1) {
      return Result.failed;
    }
    if (frame.bl === 0) {
      const wide = frame.bh >= 8 ? enableBits.palette8 : 0;
      const others = enable & ~enableBits.palette8;
      this.#registers.write(vbeRegister.enable, others | wide | enableBits.keepMemory);
    }
    const bits = (this.#registers.read(vbeRegister.enable) & enableBits.palette8) !== 0 ? 8 : 6;
    frame.set('ebx', (bits << 8) | frame.bl);
    return Result.ok;
  }

  /** Function 09h: entries of the palette, four bytes each: blue, green, red, and one of none. */
  #palette(frame: BiosFrame): number {
    const mode = this.#shown();
    if (mode !== undefined && mode.depth > 8) {
      return Result.wrongMode;
    }
    const [count, first] = [frame.get('ecx'), frame.get('edx')];
    const isWrite = frame.bl === 0 || frame.bl === 0x80;
    if ((!isWrite && frame.bl !== 1) || first + count > 256) {
      return Result.failed;
    }
    const at = frame.at('es', frame.get('edi'));
    this.#ports.writePort(isWrite ? 0x3c8 : 0x3c7, 1, first);
    for (let entry = 0; entry < count; entry += 1) {
      for (const component of [2, 1, 0]) {
        const address = at + 4 * entry + component;
        if (isWrite) {
          this.#ports.writePort(0x3c9, 1, this.#memory.read8(address));
        } else {
          this.#memory.write8(address, this.#ports.readPort(0x3c9, 1));
        }
      }
      if (!isWrite) {
        this.#memory.write8(at + 4 * entry + 3, 0);
      }
    }
    return Result.ok;
  }

  /** Function 15h: what the display tells of itself (VBE/DDC 1.1), which is one block. */
  #identity(frame: BiosFrame): number {
    if (frame.bl === 0) {
      frame.set('ebx', displayChannel);
      return Result.ok;
    }
    if (frame.bl !== 1 || frame.get('ecx') !== 0 || frame.get('edx') !== 0) {
      return Result.failed;
    }
    this.#memory.write(frame.at('es', frame.get('edi')), edidBlock());
    return Result.ok;
  }

  /** Size and depth on the screen, if it is a mode of this extension. */
  #shown(): Omit<VbeModeRow, 'number'> | undefined {
    if ((this.#registers.read(vbeRegister.enable) & enableBits.on) === 0) {
      return undefined;
    }
    // The register takes no other depths.
    const depth = this.#registers.read(vbeRegister.depth) as VbeModeRow['depth'];
    return {
      width: this.#registers.read(vbeRegister.width),
      height: this.#registers.read(vbeRegister.height),
      depth,
    };
  }

  #find(number: number): VbeModeRow | undefined {
    return vbeModes.find((mode) => mode.number === (number & 0x1ff));
  }

  /** Bytes of video memory; of one plane with 4 bits per pixel. */
  #memoryBytes(depth: number): number {
    return (this.#registers.read(vbeRegister.memory64k) * bankBytes) / (depth === 4 ? 4 : 1);
  }

  #frameBuffer(): number {
    return readPci(this.#ports, displaySlot, 0, 0x10) & ~0xf;
  }
}
