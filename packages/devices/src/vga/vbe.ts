/**
 * The Bochs VBE extension: modes with a linear frame buffer (Bochs, "VBE display API"; QEMU,
 * docs/specs/standard-vga.rst).
 *
 *     0 identity    1 width    2 height    3 bits per pixel    4 enable    5 bank of 64 KiB
 *     6 virtual width    7 virtual height    8 x offset    9 y offset    10 memory in 64 KiB
 *
 *     enable  7 keep memory | 6 linear frame buffer | 5 8-bit palette | 1 read capabilities | 0 on
 */
import type { VgaState } from './state.ts';

/** Indices of the registers. */
export const vbeRegister = {
  identity: 0,
  width: 1,
  height: 2,
  depth: 3,
  enable: 4,
  bank: 5,
  virtualWidth: 6,
  virtualHeight: 7,
  xOffset: 8,
  yOffset: 9,
  memory64k: 10,
} as const;

/** The number of registers that are kept. */
export const vbeRegisterCount = 10;
/** The version of the extension, and the oldest that a guest may ask for. */
export const vbeIdentity = 0xb0c5;
const oldestIdentity = 0xb0c0;
/** Bits of the enable register. */
export const vbeEnable = {
  on: 0x01,
  capabilities: 0x02,
  palette8: 0x20,
  keepMemory: 0x80,
} as const;

const most = { width: 2560, height: 1600, depth: 32 } as const;
const depths: readonly number[] = [4, 8, 15, 16, 24, 32];
const bankBytes = 0x1_0000;

/** A mode of the extension, with sizes in pixels. */
export interface VbeMode {
  readonly width: number;
  readonly height: number;
  /** Bits per pixel: 4, 8, 15, 16, 24 or 32. */
  readonly depth: number;
  /** Bytes from one line to the next; of one plane with 4 bits per pixel. */
  readonly pitch: number;
  /** The byte of the upper left corner, in one plane with 4 bits per pixel. */
  readonly start: number;
}

/** Returns the mode that is on, if one is. */
export function vbeMode(state: VgaState): VbeMode | undefined {
  const at = (index: number): number => state.vbe[index] ?? 0;
  if ((at(vbeRegister.enable) & vbeEnable.on) === 0) {
    return undefined;
  }
  const depth = at(vbeRegister.depth);
  const pitch = lineBytes(at(vbeRegister.virtualWidth), depth);
  const start =
    at(vbeRegister.yOffset) * pitch + Math.floor(lineBytes(at(vbeRegister.xOffset), depth));
  return { width: at(vbeRegister.width), height: at(vbeRegister.height), depth, pitch, start };
}

/** Returns the offset in video memory of the 64 KiB that show at 0xa0000. */
export function vbeBank(state: VgaState): number {
  return (state.vbe[vbeRegister.bank] ?? 0) * bankBytes;
}

/** Reads a register. */
export function readVbe(state: VgaState, memoryBytes: number): number {
  const index = state.vbeIndex;
  if (index === vbeRegister.memory64k) {
    return memoryBytes / bankBytes;
  }
  const asksCapabilities = ((state.vbe[vbeRegister.enable] ?? 0) & vbeEnable.capabilities) !== 0;
  if (asksCapabilities && index === vbeRegister.width) {
    return most.width;
  }
  if (asksCapabilities && index === vbeRegister.height) {
    return most.height;
  }
  if (asksCapabilities && index === vbeRegister.depth) {
    return most.depth;
  }
  return state.vbe[index] ?? 0;
}

/** Writes a register; returns how many bytes of video memory are to be cleared. */
export function writeVbe(state: VgaState, memoryBytes: number, value: number): number {
  const { vbe, vbeIndex: index } = state;
  const at = (register: number): number => vbe[register] ?? 0;
  const isOn = (at(vbeRegister.enable) & vbeEnable.on) !== 0;
  switch (index) {
    case vbeRegister.identity:
      if (value >= oldestIdentity && value <= vbeIdentity) {
        vbe[index] = value;
      }
      return 0;
    case vbeRegister.width:
    case vbeRegister.height:
    case vbeRegister.depth:
      // A mode that is on stays as it is.
      if (!isOn && isPossible(index, value)) {
        vbe[index] = value;
      }
      return 0;
    case vbeRegister.bank:
      vbe[index] = value % (memoryBytes / bankBytes);
      return 0;
    case vbeRegister.enable:
      return writeEnable(state, memoryBytes, value, isOn);
    case vbeRegister.virtualWidth:
    case vbeRegister.xOffset:
    case vbeRegister.yOffset:
      moveScreen(state, memoryBytes, index, value);
      return 0;
    default:
      return 0;
  }
}

function writeEnable(state: VgaState, memoryBytes: number, value: number, wasOn: boolean): number {
  const { vbe } = state;
  const at = (register: number): number => vbe[register] ?? 0;
  const size = lineBytes(at(vbeRegister.width), at(vbeRegister.depth)) * at(vbeRegister.height);
  const planes = at(vbeRegister.depth) === 4 ? 4 : 1;
  const canBe = size > 0 && size * planes <= memoryBytes;
  const isOn = (value & vbeEnable.on) !== 0 && canBe;
  vbe[vbeRegister.enable] = isOn ? value & 0xff : value & 0xfe;
  vbe[vbeRegister.bank] = 0;
  if (!isOn || wasOn) {
    return 0;
  }
  vbe[vbeRegister.xOffset] = 0;
  vbe[vbeRegister.yOffset] = 0;
  moveScreen(state, memoryBytes, vbeRegister.virtualWidth, at(vbeRegister.width));
  return (value & vbeEnable.keepMemory) === 0 ? size * planes : 0;
}

/** Sets virtual width or an offset if the screen then lies in memory. */
function moveScreen(state: VgaState, memoryBytes: number, index: number, value: number): void {
  const { vbe } = state;
  const next = [...vbe];
  next[index] = value;
  const at = (register: number): number => next[register] ?? 0;
  const depth = at(vbeRegister.depth);
  if (index === vbeRegister.virtualWidth && depth === 4) {
    next[index] = value & ~7;
  }
  const pitch = lineBytes(at(vbeRegister.virtualWidth), depth);
  const lines = pitch === 0 ? 0 : Math.floor(memoryBytes / (depth === 4 ? 4 : 1) / pitch);
  next[vbeRegister.virtualHeight] = Math.min(lines, 0xffff);
  const fits =
    at(vbeRegister.virtualWidth) >= at(vbeRegister.width) &&
    at(vbeRegister.xOffset) + at(vbeRegister.width) <= at(vbeRegister.virtualWidth) &&
    at(vbeRegister.yOffset) + at(vbeRegister.height) <= lines;
  if (fits) {
    state.vbe = next;
  }
}

function isPossible(index: number, value: number): boolean {
  if (index === vbeRegister.depth) {
    return depths.includes(value);
  }
  return value > 0 && value <= (index === vbeRegister.width ? most.width : most.height);
}

/** Returns the bytes of a number of pixels; of one plane with 4 bits per pixel. */
function lineBytes(pixels: number, depth: number): number {
  return depth === 4 ? pixels >> 3 : pixels * ((depth + 7) >> 3);
}
