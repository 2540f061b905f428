/** A port through which a test guest ends its machine with a status (QEMU's `isa-debug-exit`). */
import type {
  AccessSize,
  DeviceState,
  FixedPortDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { debugExitAddress, debugExitCount, debugExitStatus } from './registers.ts';
import { debugExitShape } from './state.ts';

const stateVersion = 1;

/** What the exit port is connected to. */
export interface IsaDebugExitOptions {
  /** The first of four ports; 0xf4 by default. */
  readonly base?: number;
  /**
   * Ends the machine with `status`, which is odd; called within the access, so the host acts after
   * it.
   */
  readonly requestExit: (status: number) => void;
}

/** A device that ends the machine. */
export class IsaDebugExit implements FixedPortDevice, Saveable, Resettable {
  /** The four ports from `base` on. */
  readonly ports: readonly PortWindow[];
  readonly #requestExit: (status: number) => void;

  /** Connects the device. */
  constructor(options: IsaDebugExitOptions) {
    const first = options.base ?? debugExitAddress;
    this.ports = [{ first, count: debugExitCount, widest: 4 }];
    this.#requestExit = options.requestExit;
  }

  /** Reads as zero. */
  readPort(_port: number, _size: AccessSize): number {
    return 0;
  }

  /** Asks the host to end the machine. */
  writePort(_port: number, _size: AccessSize, value: number): void {
    this.#requestExit(debugExitStatus(value));
  }

  /** Does nothing: there are no registers. */
  reset(): void {}

  /** Returns a state without registers. */
  save(): DeviceState {
    return saveState('isa-debug-exit', stateVersion, debugExitShape, {});
  }

  /** Checks that the state is this device's. */
  restore(state: unknown): void {
    openState(state, 'isa-debug-exit', stateVersion, debugExitShape);
  }
}
