/**
 * How the processor reaches the four planes (IBM PS/2 Hardware Interface Technical Reference,
 * "Graphics Controller").
 *
 * The planes' bytes at one offset stand together: byte `4 * offset + plane` of video memory, so
 * that one 32-bit word is what the latches hold, and a chained mode is memory as it is. Odd/even
 * addresses lose their lowest bit rather than keep a hole there; the CRTC's word mode fits that.
 *
 *     write mode 0   rotate, set/reset by plane, ALU with latches, bit mask
 *     write mode 1   latches
 *     write mode 2   bits 3..0 are a colour; ALU with latches, bit mask
 *     write mode 3   set/reset is a colour; rotated data and bit mask are the mask
 *
 * Hot: `writePlanes` and `readPlanes`, for each byte that a guest moves in a planar mode.
 */
import * as reg from './registers.ts';
import type { VgaState } from './state.ts';

const { graphics } = reg;

/** Reads a byte at an offset of the window; loads the latches. */
export function readPlanes(
  state: VgaState,
  words: Uint32Array,
  bank: number,
  offset: number,
): number {
  const gc = state.graphics;
  const memoryMode = state.sequencer[reg.sequencer.memoryMode] ?? 0;
  const address = offset + bank;
  if ((memoryMode & reg.memoryChain4) !== 0) {
    const word = words[address >>> 2] ?? 0;
    state.latches = word;
    return (word >>> (8 * (address & 3))) & 0xff;
  }
  const isSequential = (memoryMode & reg.memorySequential) !== 0;
  const word = words[isSequential ? address : address >>> 1] ?? 0;
  state.latches = word;
  if (((gc[graphics.mode] ?? 0) & reg.readCompare) !== 0) {
    const care = planeMasks[(gc[graphics.colourCare] ?? 0) & 15] ?? 0;
    const differs = (word ^ (planeMasks[(gc[graphics.colourCompare] ?? 0) & 15] ?? 0)) & care;
    return ~(differs | (differs >>> 8) | (differs >>> 16) | (differs >>> 24)) & 0xff;
  }
  const map = gc[graphics.readMap] ?? 0;
  const plane = isSequential ? map & 3 : (map & 2) | (address & 1);
  return (word >>> (8 * plane)) & 0xff;
}

/** Writes a byte at an offset of the window, through latches, logic and masks. */
export function writePlanes(
  state: VgaState,
  words: Uint32Array,
  bank: number,
  offset: number,
  value: number,
): void {
  const memoryMode = state.sequencer[reg.sequencer.memoryMode] ?? 0;
  let planes = (state.sequencer[reg.sequencer.mapMask] ?? 0) & 15;
  let address = offset + bank;
  if ((memoryMode & reg.memoryChain4) !== 0) {
    planes &= 1 << (address & 3);
    address >>>= 2;
  } else if ((memoryMode & reg.memorySequential) === 0) {
    planes &= (address & 1) === 0 ? 0b0101 : 0b1010;
    address >>>= 1;
  }
  const mask = planeMasks[planes] ?? 0;
  if (mask === 0 || address >= words.length) {
    return;
  }
  const result = writtenWord(state, value);
  words[address] = ((words[address] ?? 0) & ~mask) | (result & mask);
}

/** Returns what a byte makes of all four planes, before the map mask. */
function writtenWord(state: VgaState, value: number): number {
  const gc = state.graphics;
  const { latches } = state;
  const mode = (gc[graphics.mode] ?? 0) & 3;
  if (mode === 1) {
    return latches;
  }
  const setReset = planeMasks[(gc[graphics.setReset] ?? 0) & 15] ?? 0;
  const rotate = gc[graphics.rotate] ?? 0;
  const count = rotate & 7;
  let bits = gc[graphics.bitMask] ?? 0;
  let data: number;
  if (mode === 2) {
    data = planeMasks[value & 15] ?? 0;
  } else {
    const rotated = ((value >>> count) | (value << (8 - count))) & 0xff;
    if (mode === 3) {
      bits &= rotated;
      data = setReset;
    } else {
      const enable = planeMasks[(gc[graphics.enableSetReset] ?? 0) & 15] ?? 0;
      data = (Math.imul(rotated, 0x0101_0101) & ~enable) | (setReset & enable);
    }
  }
  const operation = (rotate >>> 3) & 3;
  if (operation === 1) {
    data &= latches;
  } else if (operation === 2) {
    data |= latches;
  } else if (operation === 3) {
    data ^= latches;
  }
  const mask = Math.imul(bits, 0x0101_0101);
  return (data & mask) | (latches & ~mask);
}

/** Words that have the bytes of some planes set, by the bits of those planes. */
const planeMasks: Uint32Array = Uint32Array.from({ length: 16 }, (_, planes) => {
  const byte = (plane: number): number => ((planes >> plane) & 1) * 0xff * 2 ** (8 * plane);
  return byte(0) + byte(1) + byte(2) + byte(3);
});
