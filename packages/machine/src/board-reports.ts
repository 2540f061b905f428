/**
 * Ports by which programs report to whoever runs them: the parallel port at 0x378, and checkpoint
 * codes at ports 0x80 and 0x190, which processor testers started as a BIOS use.
 *
 * A printer takes the byte in the data register at the end of a strobe (IEEE 1284, compatibility
 * mode). Testers may write the data register alone: until the first strobe every write counts.
 */
import type {
  AccessSize,
  ByteSink,
  DeviceState,
  FixedPortDevice,
  Resettable,
  Saveable,
  Shape,
} from '@ringfence/devices';
import { flag, integer, openState, PostPort, record, saveState } from '@ringfence/devices';

import type { Board } from './board.ts';

/** Where reports go. */
export interface ReportOutputs {
  /** Bytes for the printer. */
  readonly parallel: ByteSink;
  /** Checkpoint codes. */
  readonly post: ByteSink;
}

const base = 0x378;
const testerPostPort = 0x190;
const stateVersion = 1;
/** Status: not busy, acknowledge idle, selected, no error (bits 7, 6, 4, 3); the rest are ones. */
const ready = 0xdf;
const strobe = 1;
/** Initialise is off (bit 2 is active low), selected (bit 3). */
const controlAtReset = 0x0c;

interface ParallelState {
  data: number;
  control: number;
  strobes: boolean;
}

const shape: Shape<ParallelState> = record<ParallelState>({
  data: integer(0, 255),
  control: integer(0, 255),
  strobes: flag(),
});

const resetState: ParallelState = { data: 0, control: controlAtReset, strobes: false };

/** A parallel port with a printer that is always ready. */
export class ParallelPort implements FixedPortDevice, Saveable, Resettable {
  readonly ports: FixedPortDevice['ports'] = [{ first: base, count: 3 }];
  readonly #output: ByteSink;
  #state: ParallelState = { ...resetState };

  constructor(output: ByteSink) {
    this.#output = output;
  }

  readPort(port: number, _size: AccessSize): number {
    if (port === base) return this.#state.data;
    return port === base + 1 ? ready : this.#state.control | 0xe0;
  }

  writePort(port: number, _size: AccessSize, value: number): void {
    if (port === base) this.#writeData(value & 0xff);
    else if (port === base + 2) this.#writeControl(value & 0xff);
  }

  reset(): void {
    this.#state = { ...resetState };
  }

  save(): DeviceState {
    return saveState('parallel', stateVersion, shape, this.#state);
  }

  restore(state: unknown): void {
    this.#state = openState(state, 'parallel', stateVersion, shape);
  }

  #writeData(value: number): void {
    this.#state.data = value;
    if (!this.#state.strobes) this.#output.write(value);
  }

  /** The first strobe is for a byte that has been taken already. */
  #writeControl(value: number): void {
    const ended = (this.#state.control & ~value & strobe) !== 0;
    this.#state.control = value;
    if (!ended) return;
    if (this.#state.strobes) this.#output.write(this.#state.data);
    this.#state.strobes = true;
  }
}

/** A second port for checkpoint codes. */
class TesterPostPort extends PostPort {
  override readonly ports: FixedPortDevice['ports'] = [{ first: testerPostPort, count: 1 }];
}

const nobody: ByteSink = { write: () => undefined };
const unheard: ReportOutputs = { parallel: nobody, post: nobody };

/** Puts the reporting ports on a board. */
export function addReports(board: Board, outputs: ReportOutputs = unheard): void {
  const { parallel, post } = outputs;
  board.own('post-port', new PostPort({ codes: post }));
  board.own('tester-post-port', new TesterPostPort({ codes: post }));
  board.own('parallel', new ParallelPort(parallel));
}
