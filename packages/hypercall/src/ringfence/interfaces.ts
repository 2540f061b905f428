/** What Ringfence's own interface needs from whoever hosts it. */
import type { CallLog } from '../call-log.ts';
import type { GuestClock, GuestMemory, WallClock } from '../interfaces.ts';

/** Guest-physical memory. Nothing here may throw for addresses of RAM. */
export interface RingfenceMemory extends GuestMemory {
  read8(physical: number): number;
  write8(physical: number, value: number): void;
  /** Fills `target` from RAM. */
  read(physical: number, target: Uint8Array): void;
  /** Copies `source` to RAM. */
  write(physical: number, source: Uint8Array): void;
}

/** What the interface does to the virtual CPU. */
export interface RingfenceCpu {
  /**
   * Goes on in an address space: its directory is a 32-bit one of two levels, without PAE (SDM 3A
   * 4.3). Paging is switched on, and read-only pages are so for all.
   */
  loadSpace(directory: number): void;
  /** Waits for an upcall as HLT does; false with interrupts disabled, which would be for ever. */
  halt(): boolean;
  /** An upcall may be due before the next instruction. */
  attention(): void;
}

/** A disk of the guest; a `Disk` of the package `disk` has such a storage. */
export interface RingfenceDisk {
  readonly bytes: number;
  readonly readOnly: boolean;
  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void;
  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void;
  flush(done: (ok: boolean) => void): void;
}

/** One-shot timers on the machine's clock; those of `devices` fit. */
export interface RingfenceTimers {
  create(callback: () => void): { arm(deadlineNs: number): void; cancel(): void };
}

/** What the interface is made from. */
export interface RingfenceOptions {
  readonly memory: RingfenceMemory;
  readonly clock: GuestClock;
  readonly wallClock: WallClock;
  readonly timers: RingfenceTimers;
  readonly cpu: RingfenceCpu;
  /** What the guest says on its console. */
  readonly console: { write(byte: number): void };
  /** Disks by number; places may be empty. */
  readonly disks: readonly (RingfenceDisk | undefined)[];
  /** The guest stops itself: false to power off, true to start again. */
  readonly shutdown: (restart: boolean) => void;
  /** Who counts and traces calls. */
  readonly log?: CallLog;
}
