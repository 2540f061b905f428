/**
 * What the Xen interface needs from whoever hosts it, beside what all interfaces need.
 */
import type { GuestClock, GuestMemory, WallClock } from '../interfaces.ts';

/** Guest-physical memory with all sizes of access. Nothing here may throw for addresses of RAM. */
export interface XenMemory extends GuestMemory {
  /** Bytes of RAM; frames below `ramBytes / 4096` are memory, save for holes. */
  readonly ramBytes: number;
  read8(physical: number): number;
  read16(physical: number): number;
  write8(physical: number, value: number): void;
  write16(physical: number, value: number): void;
  /** Fills `target` from RAM. */
  read(physical: number, target: Uint8Array): void;
  /** Copies `source` to RAM. */
  write(physical: number, source: Uint8Array): void;
  /**
   * Lets the page at `physical` show what is at `frame`, another page of RAM, or nothing at all,
   * or, without one, what the machine has there by itself. Both are page-aligned. False where no
   * page can stand.
   */
  alias(physical: number, frame: number | 'nothing' | undefined): boolean;
}

/** The address space that a hypercall's pointers are in: that of the caller. */
export interface XenAddressSpace {
  /**
   * Returns the guest-physical address of a linear address, -1 where the guest's kernel may not
   * read, or write, it.
   */
  translate(linear: number, write: boolean): number;
}

/** One-shot timers on the machine's clock; those of `devices` fit. */
export interface XenTimers {
  create(callback: () => void): { arm(deadlineNs: number): void; cancel(): void };
}

/** Why a guest wants to stop (public/sched.h, SHUTDOWN_*). */
export type ShutdownReason =
  'poweroff' | 'reboot' | 'suspend' | 'crash' | 'watchdog' | 'soft-reset';

/** What the guest asks of the machine as a whole. */
export interface XenMachine {
  /** The guest stopped itself. */
  shutdown(reason: ShutdownReason): void;
  /** An event became pending: the virtual CPU is to look at interrupts before it goes on. */
  attention(): void;
  /** The guest gives itself a non-maskable interrupt. */
  raiseNmi?(): void;
  /** The guest has nothing to do just now: let the host look after its own events. */
  yield(): void;
  /**
   * The virtual CPU does nothing until `isOver` or an interrupt is requested; then `end` is called.
   * Absent where a guest waits by what is put into its own way, or not at all.
   */
  waitFor?(isOver: () => boolean, end: () => void): void;
  /**
   * Has a function called whenever the virtual CPU has nothing to do; it returns whether the CPU
   * may have something now. Without it back ends wait to be told of every request.
   */
  onIdle?(poll: () => boolean): void;
  /** Wires by which upcalls come to a guest without a vector: GSI 0 to 23, pins of devices. */
  setGsi?(gsi: number, level: boolean): void;
  /** The pin is 1 for INTA to 4 for INTD. */
  setPciPin?(device: number, pin: number, level: boolean): void;
  /**
   * Sends an interrupt to the local APIC; false while software has it disabled. Absent where there
   * is none.
   */
  sendVector?(vector: number): boolean;
}

/** Where console output goes, from the ring and from `console_io`. */
export interface ByteOutput {
  write(byte: number): void;
}

/** A disk behind a block back end; a `Disk` of the package `disk` fits. */
export interface XenBlockStorage {
  readonly bytes: number;
  readonly readOnly: boolean;
  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void;
  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void;
  flush(done: (ok: boolean) => void): void;
}

/** A disk as the guest sees it. */
export interface XenDisk {
  /** The device's name, such as `xvda`. */
  readonly name: string;
  readonly storage: XenBlockStorage;
}

/** Services that every kind of Xen guest needs. */
export interface XenServices {
  readonly memory: XenMemory;
  readonly clock: GuestClock;
  readonly wallClock: WallClock;
  readonly timers: XenTimers;
  readonly machine: XenMachine;
  /** What the guest says on its console. */
  readonly console: ByteOutput;
  readonly disks: readonly XenDisk[];
}
