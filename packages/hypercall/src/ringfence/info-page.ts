/** The page that a guest of Ringfence's own interface shares with it: events, upcalls, time. */
import { pageBytes } from '@ringfence/memory';
import type { GuestClock, WallClock } from '../interfaces.ts';
import {
  timeIsStable,
  tscScale,
  unixNs,
  writeTimeInfo,
  writeWallClock,
} from '../kvm/time-structures.ts';
import { InfoOffset, ringfenceVersion } from './constants.ts';
import type { RingfenceMemory } from './interfaces.ts';

/** The info page of one guest, and the vector of its upcalls. */
export class InfoPage {
  readonly #memory: RingfenceMemory;
  /** Physical address, -1 while the guest has named none. */
  at: number = -1;
  /** Vector of the interrupt by which an upcall comes. */
  vector: number = 0;

  /** There is none yet. */
  constructor(memory: RingfenceMemory) {
    this.#memory = memory;
  }

  /** Puts the page at an address, all zero but for version and time. */
  place(at: number, vector: number): void {
    this.at = at;
    this.vector = vector;
    if (at >= 0) {
      this.#memory.write(at, new Uint8Array(pageBytes));
      this.#memory.write32(at + InfoOffset.version, ringfenceVersion);
    }
  }

  /** Whether an upcall is due. */
  get upcallDue(): boolean {
    return this.pending && this.#memory.read8(this.at + InfoOffset.masked) === 0;
  }

  /** Whether something is to be told. */
  get pending(): boolean {
    return this.at >= 0 && this.#memory.read8(this.at + InfoOffset.pending) !== 0;
  }

  /** An upcall is delivered: others are masked until the guest has done with it. */
  deliver(): number {
    this.#memory.write8(this.at + InfoOffset.masked, 1);
    this.#memory.write8(this.at + InfoOffset.pending, 0);
    return this.vector;
  }

  /** Lets upcalls come. */
  unmask(): void {
    this.#memory.write8(this.at + InfoOffset.masked, 0);
  }

  /** Notes events; false without a page. */
  raise(events: number): boolean {
    if (this.at < 0) {
      return false;
    }
    const at = this.at + InfoOffset.events;
    this.#memory.write32(at, this.#memory.read32(at) | events);
    this.#memory.write8(this.at + InfoOffset.pending, 1);
    return true;
  }

  /** Writes the clock, the counter and the time of day as they are now. */
  writeTime(clock: GuestClock, wallClock: WallClock): void {
    if (this.at < 0) {
      return;
    }
    const systemNs = Math.floor(clock.now());
    writeTimeInfo(this.#memory, this.at + InfoOffset.time, {
      tsc: clock.tscAt(systemNs),
      systemNs: BigInt(systemNs),
      scale: tscScale(clock.tscHertz),
      flags: timeIsStable,
    });
    const bootNs = unixNs(wallClock) - BigInt(systemNs);
    writeWallClock(this.#memory, this.at + InfoOffset.wallClock, bootNs);
  }
}
