/**
 * What a subsystem is wired to: the buses, wires and times of a PC's main board.
 *
 * A subsystem (interrupts, storage, display, firmware) is a function over a `Board` in a file of
 * its own, `board-*.ts`, which makes its chips, connects them and hands each to `own`.
 */
import type {
  Clock,
  IrqLine,
  PciAddressSpace,
  PciBus,
  PortBus,
  Resettable,
  Timers,
  WallClock,
} from '@ringfence/devices';
import type { PhysicalMemory } from '@ringfence/memory';

import type { RequestBox } from './requests.ts';

/** The buses, wires and times of a main board. */
export interface Board {
  /** Guest-physical memory, and the DMA of bus masters. */
  readonly memory: PhysicalMemory;
  /** The I/O ports. */
  readonly ports: PortBus;
  /** PCI bus 0. */
  readonly pci: PciBus;
  /** Where base address registers map. */
  readonly pciAddressSpace: PciAddressSpace;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly wallClock: WallClock;
  /** What is asked of the machine as a whole: reset, power-off. */
  readonly requests: RequestBox;
  /** Returns one more source of the ISA interrupt request `irq`, 0 to 15. */
  isaIrq(irq: number): IrqLine;
  /** Returns the wire of a PCI device's interrupt pin, 1 for INTA to 4 for INTD. */
  pciIrq(device: number, pin: number): IrqLine;
  /**
   * Takes a chip in: attaches the fixed ports that it lists, resets it with the machine, and saves
   * and restores it under `name`, which is unique on the board and stays the same in all versions.
   */
  own<Device extends Resettable>(name: string, device: Device): Device;
}

/** A chip under its name. */
export interface OwnedChip {
  readonly name: string;
  readonly chip: Resettable;
}
