import {
  CODE,
  CODE_SELECTOR,
  DATA_SELECTOR,
  STATE_BYTES,
  StateOffset,
  WINDOW_BYTES,
} from './layout.ts';
import { Random } from './random.ts';

/** The state of the processor and of the window of memory, as a view of its bytes. */
export class MachineState {
  /** All of it, {@link STATE_BYTES} bytes in the layout of {@link StateOffset}. */
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array = new Uint8Array(STATE_BYTES)) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The low 32 bits of a general register by its number: EAX ECX EDX EBX ESP EBP ESI EDI. */
  gpr(number: number): number {
    return this.view.getUint32(StateOffset.gpr + number * 8, true);
  }

  /** Sets a general register to 32 bits, zero-extended. */
  setGpr(number: number, value: number): void {
    this.view.setUint32(StateOffset.gpr + number * 8, value, true);
    this.view.setUint32(StateOffset.gpr + number * 8 + 4, 0, true);
  }

  get eip(): number {
    return this.view.getUint32(StateOffset.ip, true);
  }

  set eip(value: number) {
    this.view.setUint32(StateOffset.ip, value, true);
  }

  get eflags(): number {
    return this.view.getUint32(StateOffset.flags, true);
  }

  set eflags(value: number) {
    this.view.setUint32(StateOffset.flags, value, true);
  }

  /** A selector by its number: ES CS SS DS FS GS. */
  segment(number: number): number {
    return this.view.getUint16(StateOffset.segment + number * 2, true);
  }

  setSegment(number: number, value: number): void {
    this.view.setUint16(StateOffset.segment + number * 2, value, true);
  }

  /** The FXSAVE image: x87, MMX, SSE (SDM vol. 1, table 10-2). */
  get fx(): Uint8Array {
    return this.bytes.subarray(StateOffset.fx, StateOffset.fx + 512);
  }

  /** Memory from `WINDOW` on. */
  get memory(): Uint8Array {
    return this.bytes.subarray(StateOffset.memory, StateOffset.memory + WINDOW_BYTES);
  }

  get controlWord(): number {
    return this.view.getUint16(StateOffset.fx, true);
  }

  set controlWord(value: number) {
    this.view.setUint16(StateOffset.fx, value, true);
  }

  get statusWord(): number {
    return this.view.getUint16(StateOffset.fx + 2, true);
  }

  set statusWord(value: number) {
    this.view.setUint16(StateOffset.fx + 2, value, true);
  }

  /** Abridged tag word: bit i is set where physical register i is not empty. */
  get tags(): number {
    return this.view.getUint8(StateOffset.fx + 4);
  }

  set tags(value: number) {
    this.view.setUint8(StateOffset.fx + 4, value);
  }

  get mxcsr(): number {
    return this.view.getUint32(StateOffset.fx + 24, true);
  }

  set mxcsr(value: number) {
    this.view.setUint32(StateOffset.fx + 24, value, true);
  }

  /** The ten bytes of ST(i). */
  st(index: number): Uint8Array {
    const start = StateOffset.fx + 32 + index * 16;
    return this.bytes.subarray(start, start + 10);
  }

  /** The sixteen bytes of XMMi. */
  xmm(index: number): Uint8Array {
    const start = StateOffset.fx + 160 + index * 16;
    return this.bytes.subarray(start, start + 16);
  }

  /** The upper sixteen bytes of YMMi. */
  ymmHigh(index: number): Uint8Array {
    const start = StateOffset.ymmHigh + index * 16;
    return this.bytes.subarray(start, start + 16);
  }
}

/** CF, PF, AF, ZF, SF, OF. */
export const STATUS_FLAGS = 0x8d5;
/** IF, which is set in every user process, and bit 1, which always is. */
const FIXED_FLAGS = 0x202;

/** The state that a case starts from, from its seed alone, before what matters is set. */
export function baseState(seed: number): MachineState {
  const random = new Random(seed);
  const state = new MachineState();
  for (let number = 0; number < 8; number++) state.setGpr(number, random.next());
  state.eip = CODE;
  state.eflags = FIXED_FLAGS | (random.next() & STATUS_FLAGS);
  for (let number = 0; number < 6; number++) state.setSegment(number, DATA_SELECTOR);
  state.setSegment(1, CODE_SELECTOR);
  state.controlWord = 0x37f;
  state.mxcsr = 0x1f80;
  fill(random, state.bytes, StateOffset.fx + 160, 8 * 16);
  for (let index = 0; index < 8; index++) fillNormal(random, state.st(index));
  fill(random, state.bytes, StateOffset.memory, WINDOW_BYTES);
  // Last, so that states are what they were before there was AVX.
  fill(random, state.bytes, StateOffset.ymmHigh, 8 * 16);
  return state;
}

/** A normal x87 number of moderate size: integer bit set, exponent around the bias of 16383. */
function fillNormal(random: Random, register: Uint8Array): void {
  fill(random, register, 0, 8);
  register[7] = (register[7] ?? 0) | 0x80;
  const exponent = 0x3fe0 + random.below(64) + (random.below(2) << 15);
  register[8] = exponent;
  register[9] = exponent >> 8;
}

function fill(random: Random, target: Uint8Array, start: number, length: number): void {
  for (let at = start; at < start + length; at += 4) {
    const value = random.next();
    for (let i = 0; i < 4 && at + i < start + length; i++) target[at + i] = value >>> (8 * i);
  }
}
