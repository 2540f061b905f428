import { DiskError } from './error.ts';
import type { Steps } from './steps.ts';

/** A promise where the answer takes time, and nothing where it was given at once. */
export type Soon = Promise<void> | undefined;

/**
 * A place that holds the bytes of an image: a host file, memory, a URL, a file of the browser.
 *
 * A store that answers at once returns nothing and throws its errors, which should be `DiskError`s
 * with code `io`. One that takes time returns a promise; then the buffer is its own until that is
 * settled. Callers make one request at a time.
 */
export interface ByteStore {
  /** What messages call it: a path or a URL. */
  readonly name: string;
  /** The number of bytes that it holds now. */
  readonly size: number;
  /** Whether writes are refused. */
  readonly readOnly: boolean;
  /** Fills `target` with the bytes from `offset` on; what is past the end reads as zeros. */
  read(offset: number, target: Uint8Array): Soon;
  /** Writes bytes from `offset` on; the store grows, with zeros in a gap. */
  write(offset: number, source: Uint8Array): Soon;
  /** Makes everything written before survive a power cut; also the barrier between writes. */
  flush(): Soon;
  /** Lets go of the place, after a flush; a second call does nothing. */
  close(): Soon;
}

/** Reads from a store as a step of an operation. */
export function* readBytes(store: ByteStore, offset: number, target: Uint8Array): Steps<void> {
  const soon = store.read(offset, target);
  if (soon !== undefined) yield soon;
}

/** Writes to a store as a step of an operation. */
export function* writeBytes(store: ByteStore, offset: number, source: Uint8Array): Steps<void> {
  const soon = store.write(offset, source);
  if (soon !== undefined) yield soon;
}

/** Flushes a store as a step of an operation. */
export function* flushStore(store: ByteStore): Steps<void> {
  const soon = store.flush();
  if (soon !== undefined) yield soon;
}

/** Closes a store as a step of an operation. */
export function* closeStore(store: ByteStore): Steps<void> {
  const soon = store.close();
  if (soon !== undefined) yield soon;
}

/** Says that a store cannot be written; for implementations. */
export function refuseWrite(store: Pick<ByteStore, 'name'>): DiskError {
  return new DiskError('read-only', `${store.name}: can only be read`);
}
