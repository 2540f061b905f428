/**
 * The page that Xen and a guest share: events, time, and what the virtual CPU waits for (xen.h,
 * `struct shared_info`, `struct vcpu_info`).
 *
 *     32-bit guest   64-bit guest
 *     0x000          0x000         vcpu_info[32], 64 bytes each
 *     0x800          0x800         pending events, a bit each
 *     0x880          0xa00         masked events
 *     0x900          0xc00         wall clock: version, seconds, nanoseconds
 *     0x90c          0xc10         number of the guest's frames, as it says itself
 *     0x924          0xc0c         high half of the seconds
 *
 *     vcpu_info
 *     0              0             upcall pending
 *     1              1             upcall mask
 *     4              8             selector: a bit for each word of pending events
 *     8              16            CR2
 *     32             32            time, as in the KVM interface
 */
import { pageBytes } from '@ringfence/memory';
import type { GuestClock, WallClock } from '../interfaces.ts';
import {
  timeIsStable,
  tscScale,
  unixNs,
  writeTimeInfo,
  writeWallClock,
} from '../kvm/time-structures.ts';
import type { TscScale } from '../kvm/time-structures.ts';
import type { XenMemory } from './interfaces.ts';

/** Offsets and sizes that depend on the width of the guest's words. */
export interface SharedLayout {
  readonly wordBytes: 4 | 8;
  readonly pending: number;
  readonly mask: number;
  readonly wallClock: number;
  readonly wallClockHigh: number;
  readonly maximumFrames: number;
  readonly selector: number;
  readonly cr2: number;
  /** Number of event channels. */
  readonly ports: number;
}

/** The layouts by word width. */
export const sharedLayouts: Readonly<Record<4 | 8, SharedLayout>> = {
  4: {
    wordBytes: 4,
    pending: 0x800,
    mask: 0x880,
    wallClock: 0x900,
    wallClockHigh: 0x924,
    maximumFrames: 0x90c,
    selector: 4,
    cr2: 8,
    ports: 1024,
  },
  8: {
    wordBytes: 8,
    pending: 0x800,
    mask: 0xa00,
    wallClock: 0xc00,
    wallClockHigh: 0xc0c,
    maximumFrames: 0xc10,
    selector: 8,
    cr2: 16,
    ports: 4096,
  },
};

/** Bytes of `vcpu_info`. */
export const vcpuInfoBytes = 64;

const timeOffset = 32;

/** The shared page of a guest with one virtual CPU. */
export class SharedInfo {
  readonly #memory: XenMemory;
  readonly #page: number;
  readonly #scale: TscScale;
  #layout: SharedLayout = sharedLayouts[4];
  #vcpu: number;

  /** Keeps the page at the physical address `page`. */
  constructor(memory: XenMemory, page: number, tscHertz: number) {
    this.#memory = memory;
    this.#page = page;
    this.#vcpu = page;
    this.#scale = tscScale(tscHertz);
  }

  /** Offsets of the guest's width. */
  get layout(): SharedLayout {
    return this.#layout;
  }

  set layout(layout: SharedLayout) {
    this.#layout = layout;
  }

  /** Physical address of the page. */
  get page(): number {
    return this.#page;
  }

  /** Physical address of `vcpu_info`: in the page, or where the guest moved it. */
  get vcpu(): number {
    return this.#vcpu;
  }

  /** Physical address of the time in `vcpu_info`. */
  get time(): number {
    return this.#vcpu + timeOffset;
  }

  /** Whether the guest moved `vcpu_info` out of the page. */
  get isMoved(): boolean {
    return this.#vcpu !== this.#page;
  }

  /** Fills the page with zeros: no event pending, none masked. */
  reset(): void {
    this.#memory.write(this.#page, new Uint8Array(pageBytes));
    this.#layout = sharedLayouts[4];
    this.#vcpu = this.#page;
  }

  /** Moves `vcpu_info` to another place, contents and all. */
  moveVcpu(physical: number): void {
    const contents = new Uint8Array(vcpuInfoBytes);
    this.#memory.read(this.#vcpu, contents);
    this.#memory.write(physical, contents);
    this.#vcpu = physical;
  }

  /** Puts `vcpu_info` where a saved state had it. */
  restoreVcpu(physical: number): void {
    this.#vcpu = physical;
  }

  get upcallPending(): boolean {
    return this.#memory.read8(this.#vcpu) !== 0;
  }

  set upcallPending(pending: boolean) {
    this.#memory.write8(this.#vcpu, pending ? 1 : 0);
  }

  get upcallMasked(): boolean {
    return this.upcallMask !== 0;
  }

  set upcallMasked(masked: boolean) {
    this.upcallMask = masked ? 1 : 0;
  }

  /** The byte that masks upcalls, whatever the guest wrote there. */
  get upcallMask(): number {
    return this.#memory.read8(this.#vcpu + 1);
  }

  set upcallMask(mask: number) {
    this.#memory.write8(this.#vcpu + 1, mask);
  }

  /** The number of its frames that a paravirtual guest says it has. */
  get maximumFrames(): number {
    return this.#memory.read32(this.#page + this.#layout.maximumFrames) >>> 0;
  }

  /** CR2 as a paravirtual guest reads it. */
  get cr2(): number {
    return this.#memory.read32(this.#vcpu + this.#layout.cr2);
  }

  set cr2(linear: number) {
    this.#memory.write32(this.#vcpu + this.#layout.cr2, linear);
  }

  /** Whether an event is pending. */
  isPending(port: number): boolean {
    return this.#bit(this.#layout.pending, port);
  }

  /** Whether an event is masked. */
  isMasked(port: number): boolean {
    return this.#bit(this.#layout.mask, port);
  }

  /** Sets or clears a pending bit; returns what it was. */
  setPending(port: number, value: boolean): boolean {
    return this.#setBit(this.#page + this.#layout.pending, port, value);
  }

  /** Sets or clears a mask bit; returns what it was. */
  setMasked(port: number, value: boolean): boolean {
    return this.#setBit(this.#page + this.#layout.mask, port, value);
  }

  /** Sets the selector bit of an event's word; returns what it was. */
  select(port: number): boolean {
    const word = Math.floor(port / (this.#layout.wordBytes * 8));
    return this.#setBit(this.#vcpu + this.#layout.selector, word, true);
  }

  /** Writes the counter and the clock as they are now. */
  writeTime(clock: GuestClock): void {
    const systemNs = Math.floor(clock.now());
    writeTimeInfo(this.#memory, this.#vcpu + timeOffset, {
      tsc: clock.tscAt(systemNs),
      systemNs: BigInt(systemNs),
      scale: this.#scale,
      flags: timeIsStable,
    });
  }

  /** Writes the time of day at which the machine's clock stood at zero. */
  writeWallClock(clock: GuestClock, wallClock: WallClock): void {
    const bootNs = unixNs(wallClock) - BigInt(Math.floor(clock.now()));
    writeWallClock(this.#memory, this.#page + this.#layout.wallClock, bootNs);
    const high = Number((bootNs / 1_000_000_000n) >> 32n);
    this.#memory.write32(this.#page + this.#layout.wallClockHigh, high);
  }

  #bit(offset: number, bit: number): boolean {
    return (this.#memory.read8(this.#page + offset + (bit >> 3)) & (1 << (bit & 7))) !== 0;
  }

  #setBit(base: number, bit: number, value: boolean): boolean {
    const at = base + (bit >> 3);
    const before = this.#memory.read8(at);
    const mask = 1 << (bit & 7);
    const after = value ? before | mask : before & ~mask;
    if (after !== before) {
      this.#memory.write8(at, after);
    }
    return (before & mask) !== 0;
  }
}
