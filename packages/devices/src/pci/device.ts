/**
 * PCI bus 0 behind configuration mechanism 1 (PCI 2.1, section 3.7.4.1), and the reset control
 * register.
 */
import { DeviceError } from '../error.ts';
import type {
  AccessSize,
  DeviceState,
  FixedPortDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import type { PciFunction } from './function.ts';
import * as reg from './registers.ts';
import { pciBusShape, type PciBusState } from './state.ts';

const stateVersion = 1;

/** What the bus is connected to. */
export interface PciBusOptions {
  /**
   * Resets the machine; called within the access, so the host acts when the instruction is done.
   */
  readonly requestReset: () => void;
}

/** Bus 0: up to 32 devices of 8 functions. */
export class PciBus implements FixedPortDevice, Saveable, Resettable {
  /** The ports of address and data. */
  readonly ports: readonly PortWindow[] = [{ first: reg.pciPort.address, count: 8, widest: 4 }];
  readonly #requestReset: () => void;
  readonly #functions = new Map<number, PciFunction>();
  #state: PciBusState = { address: 0, resetControl: 0 };

  /** Makes a bus without functions. */
  constructor(options: PciBusOptions) {
    this.#requestReset = options.requestReset;
  }

  /**
   * Puts a function on the bus.
   *
   * @throws DeviceError for a place that is taken or is none.
   */
  add(device: number, functionNumber: number, pciFunction: PciFunction): void {
    const slot = device * 8 + functionNumber;
    const isPlace = device >= 0 && device < 32 && functionNumber >= 0 && functionNumber < 8;
    if (!isPlace || this.#functions.has(slot)) {
      const place = `00:${device.toString(16)}.${String(functionNumber)}`;
      throw new DeviceError(
        'address-conflict',
        `PCI ${place} is ${isPlace ? 'taken' : 'no place'}`,
      );
    }
    this.#functions.set(slot, pciFunction);
  }

  /** Reads the address, the data that it names, or reset control. */
  readPort(port: number, size: AccessSize): number {
    if (port >= reg.pciPort.data) {
      return this.#split(port, size, (offset) => {
        const target = this.#target();
        return target === undefined ? ones(size) : target.readConfig(offset, size);
      });
    }
    if (port === reg.pciPort.address && size === 4) {
      return this.#state.address;
    }
    if (port !== reg.pciPort.resetControl) return ones(size);
    return ones(size) - 0xff + this.#state.resetControl;
  }

  /** Writes the address, the data that it names, or reset control. */
  writePort(port: number, size: AccessSize, value: number): void {
    if (port >= reg.pciPort.data) {
      this.#split(port, size, (offset) => {
        this.#target()?.writeConfig(offset, size, value);
        return 0;
      });
    } else if (port === reg.pciPort.address && size === 4) {
      this.#state.address = (value & reg.configAddressMask) >>> 0;
    } else if (port === reg.pciPort.resetControl) {
      const before = this.#state.resetControl;
      this.#state.resetControl = value & (reg.resetCpu | reg.resetHard);
      if ((before & reg.resetCpu) === 0 && (value & reg.resetCpu) !== 0) {
        this.#requestReset();
      }
    }
  }

  /** Clears both registers; the functions are reset by whoever owns them. */
  reset(): void {
    this.#state = { address: 0, resetControl: 0 };
  }

  /** Returns a copy of both registers; the functions save themselves. */
  save(): DeviceState {
    return saveState('pci', stateVersion, pciBusShape, this.#state);
  }

  /** Takes over saved registers. */
  restore(state: unknown): void {
    this.#state = openState(state, 'pci', stateVersion, pciBusShape);
  }

  #target(): PciFunction | undefined {
    const { address } = this.#state;
    const isBus0 = (address & 0x00ff_0000) === 0;
    return address >= reg.configEnable && isBus0
      ? this.#functions.get((address >>> 8) & 0xff)
      : undefined;
  }

  /**
   * Runs a data access at its offset; one that would cross four bytes is no configuration cycle.
   */
  #split(port: number, size: AccessSize, access: (offset: number) => number): number {
    const lane = port - reg.pciPort.data;
    return lane + size > 4 ? ones(size) : access((this.#state.address & 0xfc) + lane);
  }
}

function ones(size: AccessSize): number {
  return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
}
