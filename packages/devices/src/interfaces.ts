/**
 * What a device needs from whoever hosts it, and what it offers in return.
 *
 * Each interface has the fewest methods with which the devices can be written. A device takes those
 * that it uses as constructor arguments and says nothing about who supplies them: a machine, a
 * test, or ten lines in somebody's program.
 *
 * Rules that hold for every implementation of `PortDevice` and `MmioDevice` in this package:
 * - no access throws, whatever the port, size or value, and no access makes memory grow without
 *   bound;
 * - values are read as unsigned; bits above the access size are ignored on writes, zero on reads.
 */

/** The number of bytes that one port or MMIO access moves. */
export type AccessSize = 1 | 2 | 4;

/**
 * A device that answers `IN` and `OUT`.
 *
 * `port` is the I/O port that the CPU named, not an offset: a device decodes the low address lines
 * that its chip decodes. Reads return an unsigned value of `size` bytes.
 */
export interface PortDevice {
  /** Reads `size` bytes at `port`; with side effects, as on hardware. */
  readPort(port: number, size: AccessSize): number;
  /** Writes the low `size` bytes of `value` at `port`. */
  writePort(port: number, size: AccessSize, value: number): void;
}

/** A range of ports that a device decodes. */
export interface PortWindow {
  /** The lowest port. */
  readonly first: number;
  /** The number of ports. */
  readonly count: number;
  /** The widest access that the device takes whole; wider ones are split. The default is 1. */
  readonly widest?: AccessSize;
  /**
   * What to do where an earlier claim stands: `refuse` throws, `yield` leaves the earlier claim in
   * place and shows through when that is released. The default is `refuse`; ranges that the guest
   * places (PCI base addresses) must yield.
   */
  readonly overlap?: 'refuse' | 'yield';
}

/** A port device at fixed ports, which it lists for `PortBus.attach`. */
export interface FixedPortDevice extends PortDevice {
  /** The ranges of ports that the device decodes. */
  readonly ports: readonly PortWindow[];
}

/**
 * A device whose registers stand in guest-physical memory; addresses count from the region's start.
 */
export interface MmioDevice {
  /** Reads `size` bytes at the offset `address` of the region. */
  readMmio(address: number, size: AccessSize): number;
  /** Writes the low `size` bytes of `value` at the offset `address` of the region. */
  writeMmio(address: number, size: AccessSize, value: number): void;
}

/**
 * One signal wire driven by a device: an interrupt request, a CPU's INTR pin, the A20 gate.
 *
 * Setting the level that the wire already has does nothing. A wire starts low.
 */
export interface IrqLine {
  /** Drives the wire high (`true`) or low (`false`). */
  set(level: boolean): void;
}

/** The machine's clock, from which every device takes its time. */
export interface Clock {
  /** Returns nanoseconds since the machine started, a double that never decreases. */
  now(): number;
}

/** A source of one-shot timers on the machine's `Clock`. */
export interface Timers {
  /** Creates a timer, not armed; a device creates its timers once, in its constructor. */
  create(callback: () => void): Timer;
}

/** A one-shot timer: armed, it calls back once, at its deadline or as soon after it as can be. */
export interface Timer {
  /**
   * Arms the timer for the clock reading `deadlineNs`, replacing an earlier deadline.
   *
   * A deadline in the past calls back soon, but never from inside `arm`.
   */
  arm(deadlineNs: number): void;
  /** Disarms the timer; nothing happens if it is not armed. */
  cancel(): void;
}

/** Where a device sends bytes, one by one: a terminal, a file, a test's array. */
export interface ByteSink {
  /** Takes one byte, 0 to 255. */
  write(byte: number): void;
}

/** Guest-physical memory as a bus-mastering device sees it. */
export interface DmaMemory {
  /** Fills `target` from guest memory at `physical`; addresses without memory read as all ones. */
  read(physical: number, target: Uint8Array): void;
  /** Copies `source` to guest memory at `physical`; addresses without memory ignore it. */
  write(physical: number, source: Uint8Array): void;
}

/** The time of day outside the machine, read once at start and reset. */
export interface WallClock {
  /** Returns milliseconds since 1970-01-01 00:00 UTC. */
  unixTimeMs(): number;
}

/** A value that a saved state may hold: what JSON can say and structured clone can carry. */
export type StateValue =
  | number
  | string
  | boolean
  | null
  | readonly StateValue[]
  | { readonly [field: string]: StateValue };

/**
 * What `save()` returns: plain data, independent of the device, readable by the same device later.
 */
export interface DeviceState {
  /** The name of the device's folder, such as `uart-16550`. */
  readonly device: string;
  /** The version of the layout; `restore` refuses those that it does not know. */
  readonly version: number;
  /** The device's registers, as the device's `state.ts` lists them. */
  readonly registers: { readonly [field: string]: StateValue };
}

/**
 * A device whose state can be saved and restored.
 *
 * Times within a state are readings of the machine's `Clock`: restore the clock before the devices.
 * `restore` drives the device's output lines and arms its timers as the state asks.
 */
export interface Saveable {
  /** Returns a copy of the state, at any moment between two accesses. */
  save(): DeviceState;
  /**
   * Replaces the state by a saved one.
   *
   * @throws DeviceError with code `bad-state` for anything else; the device is then unchanged.
   */
  restore(state: unknown): void;
}

/** A device that the guest's reset, not power-on, brings back to a defined state. */
export interface Resettable {
  /** Puts the device into the state that the machine's RESET signal gives it. */
  reset(): void;
}
