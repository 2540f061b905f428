import type { ExpectOptions, MachineEnd, SerialPort } from './api.ts';
import { MachineError } from './error.ts';
import type { HostServices } from './options/machine-options.ts';

/** The most output that is kept for an `expect` to come: the end of longer output counts. */
export const keptOutputBytes = 0x4_0000;

/**
 * The most input that waits for the device. A sender that does not wait for room loses the rest,
 * and the host does not grow.
 */
export const maximumInputBytes = 0x4_0000;

/** Output is handed on when a slice ends, or when this much has gathered. */
const flushBytes = 0x1000;

/** Where a serial port's input goes: the device, which takes as much as it has room for. */
export interface SerialReceiver {
  /** Takes bytes and returns how many. */
  receive(bytes: Uint8Array): number;
}

interface Expectation {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (error: MachineError) => void;
  readonly cancelTimer: () => void;
}

/** The outside of one serial port: listeners, waiting input, expectations. */
export class SerialHandle implements SerialPort {
  readonly #name: string;
  readonly #host: HostServices;
  readonly #wake: () => void;
  readonly #listeners = new Set<(bytes: Uint8Array) => void>();
  readonly #output = new Uint8Array(flushBytes);
  #outputCount = 0;
  #receiver: SerialReceiver | undefined;
  #input: Uint8Array[] = [];
  #inputBytes = 0;
  readonly #drained: (() => void)[] = [];
  #kept = '';
  #expectations: Expectation[] = [];
  #ended: string | undefined;

  /** Makes a handle; `wake` is called when input arrives. */
  constructor(name: string, host: HostServices, wake: () => void) {
    this.#name = name;
    this.#host = host;
    this.#wake = wake;
  }

  /** Says where input goes. */
  connect(receiver: SerialReceiver): void {
    this.#receiver = receiver;
  }

  write(bytes: Uint8Array | string): number {
    const room = this.#ended === undefined ? maximumInputBytes - this.#inputBytes : 0;
    const taken = bytes.slice(0, room);
    const block = typeof taken === 'string' ? latin1(taken) : taken;
    if (block.length > 0) {
      this.#input.push(block);
      this.#inputBytes += block.length;
      this.pump();
      this.#wake();
    }
    return block.length;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.waits) {
        this.#drained.push(resolve);
      } else {
        resolve();
      }
    });
  }

  /** Input that waits for room in the device, as Latin-1, for snapshots. */
  get waitingInput(): string {
    return this.#input.map(text).join('');
  }

  onData(listener: (bytes: Uint8Array) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  expect(pattern: RegExp, options: ExpectOptions = {}): Promise<RegExpExecArray> {
    const timeoutMs = typeof options === 'number' ? options : options.timeoutMs;
    return new Promise((resolve, reject) => {
      const cancelTimer =
        timeoutMs === undefined
          ? (): void => undefined
          : this.#host.setTimer(() => {
              this.#giveUp(expectation, `none within ${String(timeoutMs)} ms`);
            }, timeoutMs);
      // A copy without state: `g` and `y` would make a pattern remember where it was.
      const plain = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
      const expectation: Expectation = { pattern: plain, resolve, reject, cancelTimer };
      this.#expectations.push(expectation);
      this.flush();
      this.#match();
      if (this.#ended !== undefined) {
        this.#giveUp(expectation, this.#ended);
      }
    });
  }

  /** Takes a byte from the guest. */
  outputByte(byte: number): void {
    this.#output[this.#outputCount] = byte;
    this.#outputCount += 1;
    if (this.#outputCount === flushBytes) {
      this.flush();
    }
  }

  /** Hands gathered output on. */
  flush(): void {
    if (this.#outputCount === 0) {
      return;
    }
    const bytes = this.#output.slice(0, this.#outputCount);
    this.#outputCount = 0;
    this.#kept = (this.#kept + text(bytes)).slice(-keptOutputBytes);
    this.#match();
    for (const listener of [...this.#listeners]) {
      listener(bytes);
    }
  }

  /** Gives waiting input to the device, as far as it has room. */
  pump(): void {
    let block = this.#input[0];
    while (block !== undefined && this.#receiver !== undefined) {
      const taken = this.#receiver.receive(block);
      this.#inputBytes -= taken;
      if (taken < block.length) {
        this.#input[0] = block.subarray(taken);
        return;
      }
      this.#input.shift();
      block = this.#input[0];
    }
    for (const resolve of this.waits ? [] : this.#drained.splice(0)) {
      resolve();
    }
  }

  /** Whether input waits for room in the device. */
  get waits(): boolean {
    return this.#input.length > 0;
  }

  /** Tells all who wait that nothing more will come. */
  end(end: MachineEnd): void {
    this.flush();
    this.#ended = `the end of the machine (${end.reason})`;
    this.#input = [];
    this.#inputBytes = 0;
    for (const resolve of this.#drained.splice(0)) {
      resolve();
    }
    for (const expectation of [...this.#expectations]) {
      this.#giveUp(expectation, this.#ended);
    }
  }

  #match(): void {
    let first = this.#expectations[0];
    while (first !== undefined) {
      const match = first.pattern.exec(this.#kept);
      if (match === null) {
        return;
      }
      this.#kept = this.#kept.slice(match.index + match[0].length);
      this.#expectations.shift();
      first.cancelTimer();
      first.resolve(match);
      first = this.#expectations[0];
    }
  }

  #giveUp(expectation: Expectation, found: string): void {
    const index = this.#expectations.indexOf(expectation);
    if (index >= 0) {
      this.#expectations.splice(index, 1);
      expectation.cancelTimer();
      const tail = JSON.stringify(this.#kept.slice(-200));
      expectation.reject(
        new MachineError('not-seen', {
          where: this.#name,
          expected: `output that matches ${String(expectation.pattern)}`,
          found: `${found}; the last output is ${tail}`,
        }),
      );
      this.#match();
    }
  }
}

function latin1(characters: string): Uint8Array {
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}

function text(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += flushBytes) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + flushBytes)));
  }
  return parts.join('');
}
