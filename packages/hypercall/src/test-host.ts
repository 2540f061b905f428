import type { GuestClock, GuestMemory, HypercallRegisters } from './interfaces.ts';

/**
 * RAM in two pieces with a hole between, as tests want it; throws where an interface must not
 * touch.
 */
export class TestMemory implements GuestMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly holeFirst: number;
  readonly holeBytes: number;
  writes: number = 0;

  constructor(size: number, holeFirst: number = size, holeBytes: number = 0) {
    this.bytes = new Uint8Array(size);
    this.holeFirst = holeFirst;
    this.holeBytes = holeBytes;
  }

  isRam(physical: number, bytes: number): boolean {
    const end = physical + bytes;
    const clear = end <= this.holeFirst || physical >= this.holeFirst + this.holeBytes;
    return physical >= 0 && end <= this.bytes.length && clear;
  }

  read32(physical: number): number {
    return this.#view(physical).getInt32(0, true);
  }

  write32(physical: number, value: number): void {
    this.writes += 1;
    this.#view(physical).setInt32(0, value, true);
  }

  read64(physical: number): bigint {
    return new DataView(this.bytes.buffer).getBigUint64(physical, true);
  }

  #view(physical: number): DataView {
    if (!this.isRam(physical, 4)) {
      throw new Error(`access outside RAM at ${String(physical)}`);
    }
    return new DataView(this.bytes.buffer, physical, 4);
  }
}

/** A clock that stands where a test puts it; the counter starts at `tscStart`. */
export class TestClock implements GuestClock {
  nowNs: number = 0;
  readonly tscHertz: number;
  tscStart: bigint = 0n;

  constructor(tscHertz: number = 1_000_000_000) {
    this.tscHertz = tscHertz;
  }

  now(): number {
    return this.nowNs;
  }

  tscAt(ns: number): bigint {
    return this.tscStart + (BigInt(ns) * BigInt(this.tscHertz)) / 1_000_000_000n;
  }
}

/** Registers of a caller, eight of them, as halves. */
export class TestRegisters implements HypercallRegisters {
  readonly cpl: number;
  readonly long: boolean;
  readonly words: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** How often a call was to be made again. */
  repeats: number = 0;

  constructor(values: readonly (number | bigint)[], cpl: number = 0, long: boolean = false) {
    this.cpl = cpl;
    this.long = long;
    for (const [register, value] of values.entries()) {
      const wide = BigInt.asUintN(64, BigInt(value));
      this.set(register, Number(wide & 0xffff_ffffn), Number(wide >> 32n));
    }
  }

  low(register: number): number {
    return this.words[register * 2] ?? 0;
  }

  high(register: number): number {
    return this.words[register * 2 + 1] ?? 0;
  }

  set(register: number, low: number, high: number): void {
    this.words[register * 2] = low;
    this.words[register * 2 + 1] = high;
  }

  again(): void {
    this.repeats += 1;
  }

  get rax(): number {
    return this.low(0) | 0;
  }
}

/** Returns a reproducible source of numbers in 0..2^32 - 1 (xorshift32). */
export function numbersFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
