/**
 * The registers of a VGA, for text modes (IBM PS/2 Hardware Interface Technical Reference, "Video
 * Subsystem").
 */
import type {
  AccessSize,
  Clock,
  DeviceState,
  FixedPortDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import * as reg from './registers.ts';
import * as screen from './screen.ts';
import { powerOnVga, vgaShape, type VgaState } from './state.ts';
import { sameWindow, vgaWindow, type VgaWindow } from './window.ts';

const stateVersion = 1;
const { vgaPort } = reg;

/** What the VGA is connected to. */
export interface VgaTextOptions {
  /** The machine's clock, by which retrace comes and goes. */
  readonly clock: Clock;
  /**
   * Told whenever the guest maps video memory elsewhere or otherwise; ask `window` for the first
   * mapping.
   */
  readonly windowChanged?: (window: VgaWindow) => void;
}

/**
 * A VGA without its memory: whoever owns guest memory keeps that, as `window` describes it, and
 * passes it in when the screen is read.
 */
export class VgaText implements FixedPortDevice, Saveable, Resettable {
  /** The ports in colour and in monochrome. */
  readonly ports: readonly PortWindow[] = [
    { first: vgaPort.crtcIndex - reg.monochromeOffset, count: 2 },
    { first: vgaPort.status1 - reg.monochromeOffset, count: 1 },
    { first: vgaPort.attribute, count: 16 },
    { first: vgaPort.crtcIndex, count: 2 },
    { first: vgaPort.status1, count: 1 },
  ];
  readonly #clock: Clock;
  readonly #windowChanged: ((window: VgaWindow) => void) | undefined;
  #state: VgaState = powerOnVga();
  #window: VgaWindow = vgaWindow(this.#state);

  /** Makes a VGA in mode 3: 80 by 25 text in colour. */
  constructor(options: VgaTextOptions) {
    this.#clock = options.clock;
    this.#windowChanged = options.windowChanged;
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

  /**
   * Returns the rows of the screen, without blanks at their ends; none in a graphics mode.
   *
   * @param memory the bytes of the window, from its base on
   */
  text(memory: Uint8Array): string[] {
    return screen.screenText(this.#state, memory);
  }

  /** Reads a register; those of the display type that is not selected read as ones. */
  readPort(port: number, _size: AccessSize): number {
    const state = this.#state;
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
        return this.#readPalette();
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
  writePort(port: number, _size: AccessSize, value: number): void {
    const state = this.#state;
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
        state.palette[3 * state.paletteIndex + state.paletteComponent] = byte & 0x3f;
        this.#nextPaletteComponent();
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

  /** Returns to mode 3. */
  reset(): void {
    this.#state = powerOnVga();
    this.#announce();
  }

  /** Returns a copy of all registers; video memory is saved by its owner. */
  save(): DeviceState {
    return saveState('vga-text', stateVersion, vgaShape, this.#state);
  }

  /** Takes over saved registers, and tells if that moves the window. */
  restore(state: unknown): void {
    this.#state = openState(state, 'vga-text', stateVersion, vgaShape);
    this.#announce();
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

  #readPalette(): number {
    const state = this.#state;
    const value = state.palette[3 * state.paletteIndex + state.paletteComponent] ?? 0;
    this.#nextPaletteComponent();
    return value;
  }

  #nextPaletteComponent(): void {
    const state = this.#state;
    state.paletteComponent += 1;
    if (state.paletteComponent === 3) {
      state.paletteComponent = 0;
      state.paletteIndex = (state.paletteIndex + 1) & 0xff;
    }
  }

  #announce(): void {
    const window = vgaWindow(this.#state);
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
