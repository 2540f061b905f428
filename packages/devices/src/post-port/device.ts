/** Port 0x80: checkpoint codes of firmware, and a place to write to for a short delay. */
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
import { postPortAddress } from './registers.ts';
import { postPortShape, type PostPortState } from './state.ts';

const stateVersion = 1;

/** What port 0x80 is connected to. */
export interface PostPortOptions {
  /** Where codes go, if anybody wants to see them. */
  readonly codes?: ByteSink;
}

/** A port that remembers its last byte. */
export class PostPort implements FixedPortDevice, Saveable, Resettable {
  /** The one port. */
  readonly ports: readonly PortWindow[] = [{ first: postPortAddress, count: 1 }];
  readonly #codes: ByteSink | undefined;
  #state: PostPortState = { code: 0 };

  /** Connects the port. */
  constructor(options: PostPortOptions = {}) {
    this.#codes = options.codes;
  }

  /** Returns the code last written. */
  readPort(_port: number, _size: AccessSize): number {
    return this.#state.code;
  }

  /** Remembers a code and shows it. */
  writePort(_port: number, _size: AccessSize, value: number): void {
    this.#state.code = value & 0xff;
    this.#codes?.write(this.#state.code);
  }

  /** Forgets the code. */
  reset(): void {
    this.#state = { code: 0 };
  }

  /** Returns a copy of the register. */
  save(): DeviceState {
    return saveState('post-port', stateVersion, postPortShape, this.#state);
  }

  /** Takes over a saved register. */
  restore(state: unknown): void {
    this.#state = openState(state, 'post-port', stateVersion, postPortShape);
  }
}
