/**
 * How a floating-point error reaches the guest while CR0.NE is clear: the FERR# pin, interrupt
 * request 13, and port 0xf0, which clears the request and makes the processor ignore the error
 * until it is gone (82371AB data sheet, section 4.2.8, "coprocessor error register"; SDM 1 8.7.2).
 */
import type { CoprocessorError } from '@ringfence/cpu';
import { flag, openState, record, saveState } from '@ringfence/devices';
import type { DeviceState, FixedPortDevice, IrqLine, Saveable } from '@ringfence/devices';
import type { Resettable, Shape } from '@ringfence/devices';

import type { Board } from './board.ts';

const request = 13;
const errorPort = 0xf0;
const stateVersion = 1;

interface ErrorLatchState {
  requested: boolean;
  ignored: boolean;
}

const shape: Shape<ErrorLatchState> = record<ErrorLatchState>({
  requested: flag(),
  ignored: flag(),
});

/** The error latch between the processor's FERR# and IGNNE# pins. */
export class CoprocessorErrorLatch
  implements CoprocessorError, FixedPortDevice, Saveable, Resettable
{
  readonly ports: FixedPortDevice['ports'] = [{ first: errorPort, count: 1 }];
  readonly #irq: IrqLine;
  #state: ErrorLatchState = { requested: false, ignored: false };

  constructor(irq: IrqLine) {
    this.#irq = irq;
  }

  get ignored(): boolean {
    return this.#state.ignored;
  }

  raise(): void {
    this.#set({ ...this.#state, requested: true });
  }

  ended(): void {
    this.#set({ requested: false, ignored: false });
  }

  readPort(): number {
    return 0xff;
  }

  /** Any value clears the request; the error is ignored if there is one. */
  writePort(): void {
    this.#set({ requested: false, ignored: this.#state.requested || this.#state.ignored });
  }

  reset(): void {
    this.ended();
  }

  save(): DeviceState {
    return saveState('coprocessor-error', stateVersion, shape, this.#state);
  }

  restore(state: unknown): void {
    this.#set(openState(state, 'coprocessor-error', stateVersion, shape));
  }

  #set(state: ErrorLatchState): void {
    this.#state = state;
    this.#irq.set(state.requested);
  }
}

/** Puts the latch on a board. */
export function addCoprocessorError(board: Board): CoprocessorErrorLatch {
  return board.own('coprocessor-error', new CoprocessorErrorLatch(board.isaIrq(request)));
}
