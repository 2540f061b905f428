/** A machine without chips for tests of Ringfence's own interface. */
import { TestClock, TestMemory } from '../test-host.ts';
import type { RingfenceDisk, RingfenceMemory } from './interfaces.ts';
import { RingfenceAbi } from './ringfence-abi.ts';

class BytesMemory extends TestMemory implements RingfenceMemory {
  read8(physical: number): number {
    return this.bytes[physical] ?? 0;
  }

  write8(physical: number, value: number): void {
    this.write(physical, Uint8Array.of(value));
  }

  read(physical: number, target: Uint8Array): void {
    target.set(this.bytes.subarray(physical, physical + target.length));
  }

  write(physical: number, source: Uint8Array): void {
    if (!this.isRam(physical, source.length)) throw new Error('a write outside RAM');
    this.bytes.set(source, physical);
  }
}

/** A disk of 64 sectors, each full of its number; completions come at once or when told. */
export class TestDisk implements RingfenceDisk {
  readonly bytes: number = 64 * 512;
  readonly readOnly: boolean;
  readonly contents: Uint8Array = Uint8Array.from({ length: 64 * 512 }, (_nothing, at) => at >> 9);
  isLate: boolean = false;
  readonly late: (() => void)[] = [];

  constructor(readOnly: boolean = false) {
    this.readOnly = readOnly;
  }

  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void {
    this.#finish(() => {
      target.set(this.contents.subarray(offset, offset + target.length));
      done(true);
    });
  }

  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void {
    this.#finish(() => {
      this.contents.set(source, offset);
      done(true);
    });
  }

  flush(done: (ok: boolean) => void): void {
    this.#finish(() => {
      done(true);
    });
  }

  #finish(action: () => void): void {
    if (this.isLate) this.late.push(action);
    else action();
  }
}

/** What a guest asked of the machine, and what it said. */
export interface SeenByHost {
  said: string;
  readonly restarts: boolean[];
  readonly directories: number[];
  halts: number;
  attentions: number;
  interruptsEnabled: boolean;
}

/** A guest without a machine around it. */
export interface TestRingfence {
  readonly abi: RingfenceAbi;
  readonly memory: BytesMemory;
  readonly seen: SeenByHost;
  /** Writes words to memory; returns where. */
  put(at: number, ...words: readonly number[]): number;
  advance(ns: number): void;
  /** What a space maps at a linear address: its entry, 0 without one. */
  entry(directory: number, linear: number): number;
  /** Puts a request of one sector into memory. */
  request(at: number, operation: number, sector: number, address: number): void;
  call(number: number, ...args: readonly number[]): number;
}

/** A guest with a MiB of memory and a hole at 0x80000. */
export function makeRingfence(disks: readonly (RingfenceDisk | undefined)[] = []): TestRingfence {
  const memory = new BytesMemory(0x10_0000, 0x8_0000, 0x1_0000);
  const clock = new TestClock();
  const timers: { at: number; readonly callback: () => void }[] = [];
  const seen: SeenByHost = {
    said: '',
    restarts: [],
    directories: [],
    halts: 0,
    attentions: 0,
    interruptsEnabled: true,
  };
  const abi = new RingfenceAbi({
    memory,
    clock,
    wallClock: { unixTimeMs: () => 1_700_000_000_000 },
    timers: {
      create: (callback) => {
        const timer = { at: Infinity, callback };
        timers.push(timer);
        return {
          arm: (deadlineNs) => {
            timer.at = deadlineNs;
          },
          cancel: () => {
            timer.at = Infinity;
          },
        };
      },
    },
    cpu: {
      loadSpace: (directory) => seen.directories.push(directory),
      halt: () => {
        seen.halts += 1;
        return seen.interruptsEnabled;
      },
      attention: () => {
        seen.attentions += 1;
      },
    },
    console: {
      write: (byte) => {
        seen.said += String.fromCharCode(byte);
      },
    },
    disks,
    shutdown: (restart) => seen.restarts.push(restart),
  });
  const put = (at: number, ...words: readonly number[]): number => {
    for (const [index, word] of words.entries()) memory.write32(at + index * 4, word);
    return at;
  };
  const advance = (ns: number): void => {
    clock.nowNs += ns;
    for (const timer of timers) {
      if (timer.at <= clock.nowNs) {
        timer.at = Infinity;
        timer.callback();
      }
    }
  };
  const entry = (directory: number, linear: number): number => {
    const table = memory.read32(directory + (linear >>> 22) * 4);
    return (table & 1) === 0
      ? 0
      : memory.read32((table & -4096) + ((linear >>> 12) & 1023) * 4) >>> 0;
  };
  const request = (at: number, operation: number, sector: number, address: number): void => {
    put(at, operation, 0, sector, 0, address, 512, 99);
  };
  const call = (number: number, ...args: readonly number[]): number => abi.call(number, args);
  return { abi, memory, seen, put, advance, entry, request, call };
}
