/** Port 0xe9, or another: bytes written there go to the host, with nothing to initialize. */
import type {
  AccessSize,
  ByteSink,
  DeviceState,
  FixedPortDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { debugConsoleAddress } from './registers.ts';
import { debugConsoleShape } from './state.ts';

const stateVersion = 1;

/** What the debug console is connected to. */
export interface DebugConsoleOptions {
  /** Where the bytes go. */
  readonly output: ByteSink;
  /** The port; 0xe9 by default. */
  readonly base?: number;
}

/** A write-only console. */
export class DebugConsole implements FixedPortDevice, Saveable, Resettable {
  /** The one port. */
  readonly ports: readonly PortWindow[];
  readonly #output: ByteSink;

  /** Connects the console. */
  constructor(options: DebugConsoleOptions) {
    this.#output = options.output;
    this.ports = [{ first: options.base ?? debugConsoleAddress, count: 1 }];
  }

  /** Reads as 0xe9. */
  readPort(_port: number, _size: AccessSize): number {
    return debugConsoleAddress;
  }

  /** Passes a byte on. */
  writePort(_port: number, _size: AccessSize, value: number): void {
    this.#output.write(value & 0xff);
  }

  /** Does nothing: there are no registers. */
  reset(): void {}

  /** Returns a state without registers. */
  save(): DeviceState {
    return saveState('debug-console', stateVersion, debugConsoleShape, {});
  }

  /** Checks that the state is this device's. */
  restore(state: unknown): void {
    openState(state, 'debug-console', stateVersion, debugConsoleShape);
  }
}
