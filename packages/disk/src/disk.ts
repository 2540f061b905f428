import { identify, tryNow } from './disk-identity.ts';
import { DiskError } from './error.ts';
import type { DiskFormat, DiskImage } from './image.ts';
import type { DiskChanges } from './overlay-image.ts';
import { advance, type Steps } from './steps.ts';

/** Called once when a request is over: `ok` is false when it failed. */
export type Completion = (ok: boolean) => void;

/** The most requests that wait at one time; a device has a few hundred at most. */
export const maximumWaiting = 4096;

/** How many places of a disk its contents are told by. */
const contentSamples = 256;

/** What a disk can be told. */
export interface DiskOptions {
  /** Told of each request that failed. */
  readonly onFault?: (error: unknown) => void;
  /** Called after a completion that came later than its request, so that a machine wakes. */
  readonly onLate?: () => void;
}

interface Waiting {
  readonly steps: Steps<void>;
  readonly done: Completion;
}

/**
 * A disk as a device uses it: requests with completions, run in the order in which they came.
 *
 * Where the image answers at once, `done` is called before the request returns; otherwise later,
 * never from inside another request.
 */
export class Disk {
  readonly #image: DiskImage;
  readonly #waiting: Waiting[] = [];
  readonly #onFault: (error: unknown) => void;
  #onLate: () => void;
  #busy = false;
  #closed = false;

  /** Makes a disk of an image. */
  constructor(image: DiskImage, options: DiskOptions = {}) {
    this.#image = image;
    this.#onFault = options.onFault ?? (() => undefined);
    this.#onLate = options.onLate ?? (() => undefined);
  }

  /** The size in bytes, a multiple of 512. */
  get bytes(): number {
    return this.#image.bytes;
  }

  get readOnly(): boolean {
    return this.#image.readOnly;
  }

  /** What was written, where that is kept apart from what the disk stands on. */
  get changes(): DiskChanges | undefined {
    return this.#image.changes;
  }

  /**
   * Tells what the disk holds from what it held before, as far as samples show; undefined where
   * they cannot be read at once.
   */
  contents(): string | undefined {
    return tryNow(identify(this.#image, contentSamples));
  }

  get format(): DiskFormat {
    return this.#image.format;
  }

  /** Whether a request has not been completed yet. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Says whom to wake after late completions, instead of who was told before. */
  onLate(wake: () => void): void {
    this.#onLate = wake;
  }

  /** Reads `target.length` bytes at `offset`. */
  read(offset: number, target: Uint8Array, done: Completion): void {
    this.#submit(this.#checked(offset, target.length, this.#image.read(offset, target)), done);
  }

  /** Writes `source` at `offset`; the buffer is the disk's until `done`. */
  write(offset: number, source: Uint8Array, done: Completion): void {
    if (this.readOnly) {
      this.#onFault(new DiskError('read-only', 'a write to a disk that can only be read'));
      done(false);
      return;
    }
    this.#submit(this.#checked(offset, source.length, this.#image.write(offset, source)), done);
  }

  /**
   * Makes everything whose completion was called survive the end of the process and a power cut.
   */
  flush(done: Completion): void {
    this.#submit(this.readOnly ? nothing() : this.#image.flush(), done);
  }

  /** Completes what waits, flushes and closes the image; further requests fail. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const steps = this.#image.close();
    const over = new Promise<void>((resolve, reject) => {
      let fault: unknown;
      const closing = remember(steps, (error) => (fault = error));
      this.#submit(closing, (ok) => {
        if (ok) resolve();
        else reject(fault instanceof Error ? fault : new DiskError('io', 'the disk stays open'));
      });
    });
    this.#closed = true;
    return over;
  }

  *#checked(offset: number, length: number, steps: Steps<void>): Steps<void> {
    const inRange = Number.isSafeInteger(offset) && offset >= 0 && offset + length <= this.bytes;
    if (!inRange) {
      const found = `${String(length)} bytes at ${String(offset)}`;
      throw new DiskError('out-of-range', `disk of ${String(this.bytes)} bytes: ${found}`);
    }
    yield* steps;
  }

  #submit(steps: Steps<void>, done: Completion): void {
    if (this.#closed || this.#waiting.length >= maximumWaiting) {
      done(false);
    } else if (this.#busy) {
      this.#waiting.push({ steps, done });
    } else {
      this.#busy = true;
      this.#run({ steps, done }, false);
    }
  }

  /** Runs a request until it ends or waits, then those behind it. */
  #run(first: Waiting, late: boolean, failure?: { readonly error: unknown }): void {
    let request: Waiting | undefined = first;
    let thrown = failure;
    let wake = late;
    while (request !== undefined) {
      const progress = advance(request.steps, thrown);
      thrown = undefined;
      if (progress.kind === 'waits') {
        this.#resumeAfter(request, progress.on);
        break;
      }
      if (progress.kind === 'failed') this.#onFault(progress.error);
      const next = this.#waiting.shift();
      this.#busy = next !== undefined;
      request.done(progress.kind === 'done');
      request = next;
      wake ||= next !== undefined;
    }
    if (wake) this.#onLate();
  }

  #resumeAfter(request: Waiting, on: Promise<unknown>): void {
    on.then(
      () => {
        this.#run(request, true);
      },
      (error: unknown) => {
        this.#run(request, true, { error });
      },
    );
  }
}

function* nothing(): Steps<void> {
  // A disk that cannot be written has nothing to flush.
}

function* remember(steps: Steps<void>, failed: (error: unknown) => void): Steps<void> {
  try {
    yield* steps;
  } catch (error) {
    failed(error);
    throw error;
  }
}
