/**
 * Address line 20 of a PC: the keyboard controller's output port and port 0x92 both drive it, and
 * the one that wrote last wins, as programs know it from machines on which a BIOS switches the line
 * by port 0x92 alone.
 */
import { flag, openState, record, saveState } from '@ringfence/devices';
import type { DeviceState, IrqLine, Resettable, Saveable, Shape } from '@ringfence/devices';

const stateVersion = 1;

interface A20State {
  open: boolean;
}

const shape: Shape<A20State> = record<A20State>({ open: flag() });

/** What opens and closes the line; it comes after its two sources on the board. */
export class A20Gate implements Saveable, Resettable {
  readonly #set: (open: boolean) => void;
  #open = true;

  /** Makes an open gate; `set` is told of changes. */
  constructor(set: (open: boolean) => void) {
    this.#set = set;
    set(true);
  }

  /** A source of the line: each write of it counts. */
  source(): IrqLine {
    return {
      set: (open) => {
        if (open !== this.#open) {
          this.#open = open;
          this.#set(open);
        }
      },
    };
  }

  /** Opens the gate: whatever its sources did on their reset. */
  reset(): void {
    this.source().set(true);
  }

  /** Returns whether it is open. */
  save(): DeviceState {
    return saveState('a20-gate', stateVersion, shape, { open: this.#open });
  }

  /** Takes over whether it is open. */
  restore(state: unknown): void {
    this.source().set(openState(state, 'a20-gate', stateVersion, shape).open);
  }
}
