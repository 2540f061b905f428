import type { Mouse, MouseButton } from './api.ts';

/** A mouse device: takes movements in counts, down and right, with the buttons held. */
export interface MouseReceiver {
  /** Moves, turns the wheel by `dz`, and says which buttons are held: 1 left, 2 right, 4 middle. */
  mouseMove(dx: number, dy: number, dz: number, buttons: number): void;
}

const buttonBits: Readonly<Record<MouseButton, number>> = { left: 1, right: 2, middle: 4 };

/** The mouse, seen from outside the machine. */
export class MouseHandle implements Mouse {
  readonly #device: MouseReceiver;
  readonly #wake: () => void;
  #buttons = 0;

  /** Makes a handle; `wake` is called when the mouse does something. */
  constructor(device: MouseReceiver, wake: () => void) {
    this.#device = device;
    this.#wake = wake;
  }

  move(dx: number, dy: number, wheel: number = 0): void {
    this.#device.mouseMove(whole(dx), whole(dy), whole(wheel), this.#buttons);
    this.#wake();
  }

  press(button: MouseButton): void {
    this.#buttons |= buttonBits[button];
    this.move(0, 0);
  }

  release(button: MouseButton): void {
    this.#buttons &= ~buttonBits[button];
    this.move(0, 0);
  }
}

/** Counts are whole; what is no number moves nothing. */
function whole(value: number): number {
  return Math.trunc(value) || 0;
}
