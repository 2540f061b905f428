import type { SerialPort } from '@ringfence/machine';

/**
 * Input of one serial port: what the machine has no room for waits here until it has.
 *
 * The page is the only sender, and what somebody pastes is in its memory already.
 */
export class SerialInput {
  readonly #port: SerialPort;
  readonly #waiting: Uint8Array[] = [];

  constructor(port: SerialPort) {
    this.#port = port;
  }

  /** Gives bytes to the guest, in order. */
  write(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    if (this.#waiting.length === 1) void this.#pump();
  }

  async #pump(): Promise<void> {
    let block = this.#waiting[0];
    while (block !== undefined) {
      const taken = this.#port.write(block);
      if (taken < block.length) {
        this.#waiting[0] = block.subarray(taken);
        await this.#port.drained();
      } else {
        this.#waiting.shift();
      }
      block = this.#waiting[0];
    }
  }
}
