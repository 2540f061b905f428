import type { SerialLine } from './serial-lines.ts';

const batchBytes = 4096;

/**
 * A line for what comes a byte at a time: those of one slice go out in one write, behind it.
 *
 * A write to a file takes longer than all that a guest does to send a byte. What a write comes to
 * is known late, so a failure is thrown by the next call.
 */
export class BatchedLine implements SerialLine {
  readonly #line: SerialLine;
  readonly #batch = new Uint8Array(batchBytes);
  #length = 0;
  #later: NodeJS.Immediate | undefined;
  #failure: { error: unknown } | undefined;

  /** Makes a line that writes to another. */
  constructor(line: SerialLine) {
    this.#line = line;
  }

  get isConsole(): boolean {
    return this.#line.isConsole;
  }

  write(bytes: Uint8Array): void {
    if (this.#length + bytes.length > batchBytes) this.#flush();
    this.#report();
    this.#batch.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#later ??= setImmediate(() => this.#flush());
  }

  close(): void {
    this.#flush();
    this.#line.close();
    this.#report();
  }

  #flush(): void {
    clearImmediate(this.#later);
    this.#later = undefined;
    const batch = this.#batch.slice(0, this.#length);
    this.#length = 0;
    try {
      if (batch.length > 0) this.#line.write(batch);
    } catch (error) {
      this.#failure = { error };
    }
  }

  #report(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }
}
