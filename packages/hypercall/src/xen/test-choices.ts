/** What a hostile guest of a test does is chosen by random numbers here. */
import { pageBytes } from '@ringfence/memory';
import { numbersFrom } from '../test-host.ts';
import type { TestGuest } from './test-guest.ts';

/** A guest with a page of its own for arguments. */
export interface ChoosingGuest extends TestGuest {
  readonly argumentsAt: number;
  /** Whether the guest can write to a frame; absent where it can to all. */
  canWrite?(frame: number): boolean;
}

/** How frames and linear addresses are chosen for a kind of guest. */
export interface Places<Guest extends ChoosingGuest> {
  frame(one: Choices<Guest>): number;
  /** A linear address at which the guest may have something. */
  linear(one: Choices<Guest>): number;
}

/** Makes a call, or does something else that a guest can do; its result is negative for errors. */
export type Maker<Guest extends ChoosingGuest = ChoosingGuest> = (one: Choices<Guest>) => number;

/** What the random numbers of one guest choose. */
export class Choices<Guest extends ChoosingGuest = ChoosingGuest> {
  readonly guest: Guest;
  readonly next: () => number;
  readonly #places: Places<Guest>;

  /** Begins at a seed. */
  constructor(guest: Guest, seed: number, places: Places<Guest>) {
    this.guest = guest;
    this.next = numbersFrom(seed);
    this.#places = places;
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  of<T>(list: readonly T[], otherwise: T): T {
    return list[this.below(list.length)] ?? otherwise;
  }

  /** A frame that matters. */
  frame(): number {
    return this.#places.frame(this);
  }

  /** The low word of an entry of a page table. */
  entry(): number {
    const frames = this.guest.memory.ramBytes / pageBytes;
    const frame = this.below(16) === 0 ? this.below(frames) : this.frame();
    return frame * pageBytes + this.of([0, 1, 3, 7, 0x63, 0x67, 0x83, 0x101], 0);
  }

  /** A linear address at which the guest may have something. */
  linear(): number {
    return this.#places.linear(this);
  }

  /** A pointer for arguments: good as a rule. */
  pointer(): number {
    const { argumentsAt } = this.guest;
    const odd = [0, 0xfc00_0000, 0xf580_0000, this.frame() * pageBytes, this.next()];
    return this.below(12) === 0 ? this.of(odd, 0) : argumentsAt + this.below(64) * 4;
  }

  call(number: number, ...args: readonly number[]): number {
    return this.guest.call(number, ...args);
  }

  /** Puts words where arguments stand and returns their address. */
  put(...words: readonly number[]): number {
    return this.guest.put(this.guest.argumentsAt, ...words);
  }
}
