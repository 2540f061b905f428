/** A VGA (IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"). */
import type {
  AccessSize,
  Clock,
  DeviceState,
  FixedPortDevice,
  MmioDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { readPalette, writePalette } from './palette.ts';
import { readPlanes, writePlanes } from './planes.ts';
import * as reg from './registers.ts';
import { renderVga, type VgaImage } from './renderer.ts';
import * as screen from './screen.ts';
import { powerOnVga, vgaShape, type VgaState } from './state.ts';
import { readVbe, vbeBank, vbeMode, writeVbe } from './vbe.ts';
import { VideoStore } from './video-store.ts';
import { sameWindow, vgaWindow, type VgaWindow } from './window.ts';

const stateVersion = 3;
/** Four planes of 64 KiB: what modes without the VBE extension can show. */
const maximumVgaBytes = 0x4_0000;
const { vgaPort } = reg;

/** What the VGA is connected to. */
export interface VgaOptions {
  /** The machine's clock, by which retrace comes and goes. */
  readonly clock: Clock;
  /**
   * The adapter's memory: video memory, a power of two of at least 256 KiB, and then
   * `textStoreBytes` for text. It begins at a multiple of 4.
   */
  readonly memory: Uint8Array;
  /** A font of 256 characters of 16 bytes that is there without firmware; none by default. */
  readonly font?: Uint8Array;
  /**
   * Told whenever the guest maps video memory elsewhere or otherwise; ask `window` for the first
   * mapping.
   */
  readonly windowChanged?: (window: VgaWindow) => void;
}

/**
 * A VGA with the Bochs VBE extension.
 *
 * Whoever owns guest memory lets the adapter's memory show there as `window` says, so that text,
 * 256-colour modes and linear frame buffers cost no call; planar modes come to `readMmio` and
 * `writeMmio`.
 */
export class Vga implements FixedPortDevice, MmioDevice, Saveable, Resettable {
  /** The ports in colour and in monochrome, and those of the VBE extension. */
  readonly ports: readonly PortWindow[] = [
    { first: vgaPort.crtcIndex - reg.monochromeOffset, count: 2 },
    { first: vgaPort.status1 - reg.monochromeOffset, count: 1 },
    { first: vgaPort.attribute, count: 16 },
    { first: vgaPort.crtcIndex, count: 2 },
    { first: vgaPort.status1, count: 1 },
    { first: vgaPort.vbeIndex, count: 4, widest: 2 },
  ];
  readonly #clock: Clock;
  readonly #windowChanged: ((window: VgaWindow) => void) | undefined;
  readonly #memory: VideoStore;
  readonly #font: Uint8Array | undefined;
  #state: VgaState = powerOnVga();
  #window: VgaWindow;
  #changes = 0;

  /**
   * Makes a VGA in mode 3: 80 by 25 text in colour.
   *
   * @throws DeviceError `bad-configuration` for memory of a wrong size.
   */
  constructor(options: VgaOptions) {
    this.#clock = options.clock;
    this.#windowChanged = options.windowChanged;
    this.#memory = new VideoStore(options.memory);
    this.#font = options.font;
    this.#window = vgaWindow(this.#state, this.#memory.bytes);
    this.#blank();
  }

  /** Bytes of video memory. */
  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  /** Counts writes to registers and to planes, after which the picture may be another. */
  get changes(): number {
    return this.#changes;
  }

  /** Returns how many bytes from the start of video memory hold what shows, at most. */
  get visibleBytes(): number {
    const mode = vbeMode(this.#state);
    const planes = mode?.depth === 4 ? 4 : 1;
    const bytes = mode === undefined ? maximumVgaBytes : mode.start + mode.pitch * mode.height;
    return Math.min(planes * bytes, this.#memory.bytes);
  }

  /** Where video memory shows in the guest's memory. */
  get window(): VgaWindow {
    return this.#window;
  }

  /** How text stands in video memory; `undefined` in a graphics mode. */
  get geometry(): screen.TextGeometry | undefined {
    return screen.textGeometry(this.#state);
  }

  /** Where the cursor is. */
  get cursor(): screen.TextCursor {
    return screen.textCursor(this.#state);
  }

  /** The sixteen colours of text, each as 0xRRGGBB. */
  get colours(): number[] {
    return screen.textColours(this.#state);
  }

  /** Returns the rows of the screen, without blanks at their ends; none in a graphics mode. */
  text(): string[] {
    this.#memory.sync(this.#window);
    return screen.screenText(this.#state, this.#memory.words);
  }

  /** Returns the text with its attributes, cursor and colours; nothing in a graphics mode. */
  textScreen(): screen.TextScreen | undefined {
    this.#memory.sync(this.#window);
    return screen.textScreen(this.#state, this.#memory.words);
  }

  /** Returns the picture on the screen at the clock's present reading. */
  image(): VgaImage {
    this.#memory.sync(this.#window);
    return renderVga(this.#state, this.#memory.words, this.#clock.now());
  }

  /** Counts the phases of what blinks on the screen; 0 where nothing does. */
  blinkPhase(): number {
    return screen.blinkPhase(this.#state, this.#clock.now());
  }

  /** Reads a byte or more at an offset of the window, as in planar modes. */
  readMmio(address: number, size: AccessSize): number {
    const { words } = this.#memory;
    const bank = vbeBank(this.#state);
    let value = 0;
    for (let byte = 0; byte < size; byte += 1) {
      value |= readPlanes(this.#state, words, bank, address + byte) << (8 * byte);
    }
    return value >>> 0;
  }

  /** Writes a byte or more at an offset of the window, as in planar modes. */
  writeMmio(address: number, size: AccessSize, value: number): void {
    this.#changes += 1;
    const { words } = this.#memory;
    const bank = vbeBank(this.#state);
    for (let byte = 0; byte < size; byte += 1) {
      writePlanes(this.#state, words, bank, address + byte, (value >>> (8 * byte)) & 0xff);
    }
  }

  /** Reads a register; those of the display type that is not selected read as ones. */
  readPort(port: number, size: AccessSize): number {
    const state = this.#state;
    if (port < vgaPort.crtcIndex - reg.monochromeOffset) {
      return this.#readVbePort(port, size);
    }
    switch (this.#canonical(port)) {
      case vgaPort.attribute:
        return state.attributeIndex;
      case vgaPort.attributeData:
        return state.attribute[state.attributeIndex & 0x1f] ?? 0;
      case vgaPort.miscWrite:
        return 0x10; // A monitor is connected.
      case vgaPort.enable:
        return state.enable;
      case vgaPort.sequencerIndex:
        return state.sequencerIndex;
      case vgaPort.sequencerData:
        return state.sequencer[state.sequencerIndex] ?? 0;
      case vgaPort.paletteMask:
        return state.paletteMask;
      case vgaPort.paletteRead:
        return state.paletteReads ? 0x03 : 0x00;
      case vgaPort.paletteWrite:
        return state.paletteIndex;
      case vgaPort.paletteData:
        return readPalette(state);
      case vgaPort.featureRead:
        return state.feature;
      case vgaPort.miscRead:
        return state.misc;
      case vgaPort.graphicsIndex:
        return state.graphicsIndex;
      case vgaPort.graphicsData:
        return state.graphics[state.graphicsIndex] ?? 0;
      case vgaPort.crtcIndex:
        return state.crtcIndex;
      case vgaPort.crtcData:
        return state.crtc[state.crtcIndex] ?? 0;
      case vgaPort.status1:
        state.attributeTakesData = false;
        return screen.inputStatus1(state, this.#clock.now());
      default:
        return 0xff;
    }
  }

  /** Writes a register, and tells if that moves the window. */
  writePort(port: number, size: AccessSize, value: number): void {
    this.#changes += 1;
    const state = this.#state;
    if (port < vgaPort.crtcIndex - reg.monochromeOffset) {
      this.#writeVbePort(port, size, value);
      this.#announce();
      return;
    }
    const byte = value & 0xff;
    switch (this.#canonical(port)) {
      case vgaPort.attribute:
        this.#writeAttribute(byte);
        break;
      case vgaPort.miscWrite:
        state.misc = byte;
        break;
      case vgaPort.enable:
        state.enable = byte & 1;
        break;
      case vgaPort.sequencerIndex:
        state.sequencerIndex = byte & 0x07;
        break;
      case vgaPort.sequencerData:
        put(state.sequencer, state.sequencerIndex, byte);
        break;
      case vgaPort.paletteMask:
        state.paletteMask = byte;
        break;
      case vgaPort.paletteRead:
      case vgaPort.paletteWrite:
        state.paletteIndex = byte;
        state.paletteComponent = 0;
        state.paletteReads = this.#canonical(port) === vgaPort.paletteRead;
        break;
      case vgaPort.paletteData:
        writePalette(state, byte);
        break;
      case vgaPort.graphicsIndex:
        state.graphicsIndex = byte & 0x0f;
        break;
      case vgaPort.graphicsData:
        put(state.graphics, state.graphicsIndex, byte);
        break;
      case vgaPort.crtcIndex:
        state.crtcIndex = byte & 0x1f;
        break;
      case vgaPort.crtcData:
        this.#writeCrtc(byte);
        break;
      case vgaPort.status1:
        state.feature = byte;
        break;
      default:
        break;
    }
    this.#announce();
  }

  /** Returns to mode 3, with blank memory. */
  reset(): void {
    this.#state = powerOnVga();
    this.#announce();
    this.#blank();
  }

  /** Returns a copy of all registers; the adapter's memory is saved by its owner. */
  save(): DeviceState {
    return saveState('vga', stateVersion, vgaShape, this.#state);
  }

  /** Takes over saved registers, and tells if that moves the window; memory stays as it is. */
  restore(state: unknown): void {
    this.#state = openState(state, 'vga', stateVersion, vgaShape);
    this.#show(vgaWindow(this.#state, this.#memory.bytes));
  }

  #blank(): void {
    this.#memory.clear();
    if (this.#font !== undefined) {
      this.#memory.loadFont(this.#font);
    }
    this.#memory.enter(this.#window);
  }

  /** The registers have 16 bits; bytes of them reach nothing. */
  #readVbePort(port: number, size: AccessSize): number {
    if (size !== 2) {
      return 0xff;
    }
    return port === vgaPort.vbeIndex
      ? this.#state.vbeIndex
      : readVbe(this.#state, this.#memory.bytes);
  }

  #writeVbePort(port: number, size: AccessSize, value: number): void {
    if (size !== 2) {
      return;
    }
    if (port === vgaPort.vbeIndex) {
      this.#state.vbeIndex = value;
      return;
    }
    this.#memory.leave(this.#window);
    this.#memory.zero(writeVbe(this.#state, this.#memory.bytes, value));
    this.#memory.enter(this.#window);
  }

  /** Returns the port in colour, or 0 for a port of the display type that is not selected. */
  #canonical(port: number): number {
    const isShared = port >= vgaPort.attribute && port < vgaPort.attribute + 16;
    if (isShared) {
      return port;
    }
    const isColourPort = port >= vgaPort.crtcIndex;
    const isColour = (this.#state.misc & reg.misc.colour) !== 0;
    if (isColourPort !== isColour) {
      return 0;
    }
    return isColourPort ? port : port + reg.monochromeOffset;
  }

  #writeAttribute(byte: number): void {
    const state = this.#state;
    if (state.attributeTakesData) {
      put(state.attribute, state.attributeIndex & 0x1f, byte);
    } else {
      state.attributeIndex = byte & 0x3f;
    }
    state.attributeTakesData = !state.attributeTakesData;
  }

  #writeCrtc(byte: number): void {
    const { crtc, crtcIndex } = this.#state;
    const isProtected = ((crtc[reg.crtc.retraceEnd] ?? 0) & reg.crtcProtect) !== 0;
    if (!isProtected || crtcIndex > reg.crtc.overflow) {
      put(crtc, crtcIndex, byte);
    } else if (crtcIndex === reg.crtc.overflow) {
      const kept = (crtc[crtcIndex] ?? 0) & ~reg.overflowUnprotected;
      put(crtc, crtcIndex, kept | (byte & reg.overflowUnprotected));
    }
  }

  #announce(): void {
    const window = vgaWindow(this.#state, this.#memory.bytes);
    if (!sameWindow(window, this.#window)) {
      this.#memory.leave(this.#window);
      this.#memory.enter(window);
      this.#show(window);
    }
  }

  #show(window: VgaWindow): void {
    if (!sameWindow(window, this.#window)) {
      this.#window = window;
      this.#windowChanged?.(window);
    }
  }
}

/** Writes a register if there is one of that index. */
function put(registers: number[], index: number, value: number): void {
  if (index < registers.length) {
    registers[index] = value;
  }
}
