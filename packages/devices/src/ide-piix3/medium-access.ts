import type { BlockStorage } from '../block-storage.ts';

/**
 * One request at a time to a storage that may take time.
 *
 * A reset makes the drive forget its request, not the storage: the next one waits for that.
 */
export class MediumAccess {
  readonly #buffer: Uint8Array;
  #busy = false;
  #epoch = 0;
  #next: (() => void) | undefined;

  /** Makes an access whose pieces have at most `bytes` bytes. */
  constructor(bytes: number) {
    this.#buffer = new Uint8Array(bytes);
  }

  /** Reads at most the buffer's size; `over` gets the bytes, or nothing when that failed. */
  read(
    storage: BlockStorage,
    offset: number,
    bytes: number,
    over: (data: Uint8Array | undefined) => void,
  ): void {
    const piece = this.#buffer.subarray(0, bytes);
    this.#run(
      (done) => {
        storage.read(offset, piece, done);
      },
      (ok) => {
        over(ok ? piece : undefined);
      },
    );
  }

  /** Lets `fill` put bytes into the buffer and writes those that it returns. */
  write(
    storage: BlockStorage,
    offset: number,
    fill: (buffer: Uint8Array) => number,
    over: (ok: boolean, bytes: number) => void,
  ): void {
    let bytes = 0;
    this.#run(
      (done) => {
        bytes = fill(this.#buffer);
        storage.write(offset, this.#buffer.subarray(0, bytes), done);
      },
      (ok) => {
        over(ok, bytes);
      },
    );
  }

  /** Flushes the storage. */
  flush(storage: BlockStorage, over: (ok: boolean) => void): void {
    this.#run((done) => {
      storage.flush(done);
    }, over);
  }

  /** Forgets the request: nobody is told when it is over. */
  forget(): void {
    this.#epoch += 1;
    this.#next = undefined;
  }

  #run(start: (done: (ok: boolean) => void) => void, over: (ok: boolean) => void): void {
    if (this.#busy) {
      this.#next = () => {
        this.#run(start, over);
      };
      return;
    }
    const epoch = this.#epoch;
    this.#busy = true;
    start((ok) => {
      this.#busy = false;
      if (epoch === this.#epoch) {
        over(ok);
        return;
      }
      const next = this.#next;
      this.#next = undefined;
      next?.();
    });
  }
}
