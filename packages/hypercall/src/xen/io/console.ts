/**
 * The back end of a guest's console: a page with a ring in each direction (Xen,
 * public/io/console.h).
 *
 *     0     input, 1024 bytes, the guest reads
 *     1024  output, 2048 bytes, the guest writes
 *     3072  input: read up to, written up to; output: read up to, written up to
 */
import type { XenDomain } from '../domain.ts';

const inputBytes = 1024;
const outputAt = 1024;
const outputBytes = 2048;
const Index = {
  inputRead: 3072,
  inputWritten: 3076,
  outputRead: 3080,
  outputWritten: 3084,
} as const;

/** The console of one guest. */
export class XenConsole {
  readonly #domain: XenDomain;
  /** Called when the guest has read input, so that there is room for more. */
  onRoom: (() => void) | undefined;
  readonly #told = (): void => {
    this.#serve();
  };

  /** Connects itself each time that the guest starts. */
  constructor(domain: XenDomain) {
    this.#domain = domain;
    domain.onStart(() => {
      this.connect();
    });
    // What the guest wrote last is not lost with the port, which it may have closed.
    domain.beforeStop = () => {
      this.#drain();
    };
    domain.addSaved('console', {
      save: () => {
        const { events, consolePort } = domain;
        return events.isConnected(consolePort, this.#told) ? '' : 'closed';
      },
      restore: (text) => {
        if (text !== 'closed') this.connect();
      },
    });
  }

  /** Takes the other end of the guest's console port. */
  connect(): void {
    this.#domain.events.connect(this.#domain.consolePort, this.#told);
  }

  /** Gives the guest input; returns how many bytes there was room for. */
  receive(bytes: Uint8Array): number {
    const { memory } = this.#domain.services;
    const page = this.#page;
    const read = memory.read32(page + Index.inputRead) >>> 0;
    let written = memory.read32(page + Index.inputWritten) >>> 0;
    let taken = 0;
    // The difference of the guest's counters may be anything; there is never more room than the
    // ring has.
    while (taken < bytes.length && (written - read) >>> 0 < inputBytes) {
      memory.write8(page + (written % inputBytes), bytes[taken] ?? 0);
      written = (written + 1) >>> 0;
      taken += 1;
    }
    if (taken > 0) {
      memory.write32(page + Index.inputWritten, written);
      this.#domain.events.raiseFor(this.#domain.consolePort, this.#told);
    }
    return taken;
  }

  get #page(): number {
    return this.#domain.consolePage;
  }

  #serve(): void {
    if (this.#drain()) {
      this.#domain.events.raiseFor(this.#domain.consolePort, this.#told);
    }
    this.onRoom?.();
  }

  /** Takes what the guest has written; false if there was nothing. */
  #drain(): boolean {
    const { memory, console } = this.#domain.services;
    const page = this.#page;
    const written = memory.read32(page + Index.outputWritten) >>> 0;
    let read = memory.read32(page + Index.outputRead) >>> 0;
    const waiting = Math.min((written - read) >>> 0, outputBytes);
    for (let count = 0; count < waiting; count += 1) {
      console.write(memory.read8(page + outputAt + (read % outputBytes)));
      read = (read + 1) >>> 0;
    }
    if (waiting > 0) {
      memory.write32(page + Index.outputRead, read);
    }
    return waiting > 0;
  }
}
