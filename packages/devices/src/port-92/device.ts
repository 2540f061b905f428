/**
 * Port 0x92: the fast way to address line 20 and to a CPU reset (82371AB data sheet, section
 * 4.2.7).
 */
import type {
  AccessSize,
  DeviceState,
  FixedPortDevice,
  IrqLine,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { fastA20, fastInit, port92Address } from './registers.ts';
import { port92Shape, type Port92State } from './state.ts';

const stateVersion = 1;

/** What port 0x92 is connected to. */
export interface Port92Options {
  /**
   * One of the sources of address line 20, the other being the keyboard controller; join them by
   * `SharedLine`.
   */
  readonly a20: IrqLine;
  /** Resets the CPU; called within the access, so the host acts when the instruction is done. */
  readonly requestReset: () => void;
}

/** System control port A. */
export class Port92 implements FixedPortDevice, Saveable, Resettable {
  /** The one port. */
  readonly ports: readonly PortWindow[] = [{ first: port92Address, count: 1 }];
  readonly #a20: IrqLine;
  readonly #requestReset: () => void;
  #state: Port92State = { control: 0 };

  /** Connects the port; address line 20 is not driven at first. */
  constructor(options: Port92Options) {
    this.#a20 = options.a20;
    this.#requestReset = options.requestReset;
  }

  /** Reads the two bits. */
  readPort(_port: number, _size: AccessSize): number {
    return this.#state.control;
  }

  /** Drives address line 20, and resets the CPU when bit 0 becomes set. */
  writePort(_port: number, _size: AccessSize, value: number): void {
    const before = this.#state.control;
    this.#state.control = value & (fastA20 | fastInit);
    this.#a20.set((value & fastA20) !== 0);
    if ((before & fastInit) === 0 && (value & fastInit) !== 0) {
      this.#requestReset();
    }
  }

  /** Clears both bits. */
  reset(): void {
    this.#state = { control: 0 };
    this.#a20.set(false);
  }

  /** Returns a copy of the register. */
  save(): DeviceState {
    return saveState('port-92', stateVersion, port92Shape, this.#state);
  }

  /** Takes over a saved register and drives address line 20. */
  restore(state: unknown): void {
    this.#state = openState(state, 'port-92', stateVersion, port92Shape);
    this.#a20.set((this.#state.control & fastA20) !== 0);
  }
}
