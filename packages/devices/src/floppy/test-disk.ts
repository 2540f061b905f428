import type { BlockStorage } from '../block-storage.ts';

/** An image in memory that answers at once, or when a test says so. */
export class TestImage implements BlockStorage {
  readonly data: Uint8Array;
  readonly readOnly: boolean;
  fails = false;
  /** Requests that wait, when `isSlow`. */
  readonly waiting: (() => void)[] = [];
  isSlow = false;

  constructor(kib: number, readOnly = false) {
    this.data = new Uint8Array(kib * 1024);
    this.readOnly = readOnly;
  }

  get bytes(): number {
    return this.data.length;
  }

  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void {
    this.#answer(() => {
      target.set(this.data.subarray(offset, offset + target.length));
      done(!this.fails);
    });
  }

  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void {
    this.#answer(() => {
      if (!this.fails) this.data.set(source, offset);
      done(!this.fails);
    });
  }

  flush(done: (ok: boolean) => void): void {
    done(true);
  }

  #answer(request: () => void): void {
    if (this.isSlow) this.waiting.push(request);
    else request();
  }
}
