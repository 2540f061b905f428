import { readBytes, type ByteStore } from './byte-store.ts';
import { DiskError } from './error.ts';
import type { DiskFormat, DiskImage } from './image.ts';
import { headerAreaBytes, parseHeader } from './qcow2/header.ts';
import { QcowImage } from './qcow2/image.ts';
import { magic } from './qcow2/layout.ts';
import { RawImage } from './raw-image.ts';
import type { Steps } from './steps.ts';

/** The most images that can stand on each other. */
export const maximumChain = 16;

/** How an image is opened. */
export interface OpenOptions {
  /** Its format; without it the first bytes tell. */
  readonly format?: DiskFormat;
  /** Refuses writes, whatever the store allows. */
  readonly readOnly?: boolean;
  /**
   * Opens the image that another stands on, for reading only; `name` is as the header of the image
   * in `from` has it. Without it images that stand on others are refused.
   */
  readonly openBacking?: (name: string, from: ByteStore) => ByteStore | Promise<ByteStore>;
}

/** Returns the format that the first bytes of a store tell. */
export function* findFormat(store: ByteStore): Steps<DiskFormat> {
  const start = new Uint8Array(4);
  yield* readBytes(store, 0, start);
  return new DataView(start.buffer).getUint32(0) === magic ? 'qcow2' : 'raw';
}

/**
 * Opens an image and what it stands on.
 *
 * @throws DiskError with a message that says what is wrong and where.
 */
export function* openImage(store: ByteStore, options: OpenOptions = {}): Steps<DiskImage> {
  return yield* openLink(store, options, 1);
}

function* openLink(store: ByteStore, options: OpenOptions, depth: number): Steps<DiskImage> {
  const format = options.format ?? (yield* findFormat(store));
  const readOnly = options.readOnly === true || store.readOnly;
  if (format === 'raw') {
    const isGuessed = options.format === undefined;
    return new RawImage(readOnly ? readingOnly(store) : store, isGuessed);
  }
  const area = new Uint8Array(headerAreaBytes);
  yield* readBytes(store, 0, area);
  const header = parseHeader(area, store.size, store.name);
  if (header.backing === undefined) return yield* QcowImage.open(store, { header, readOnly });
  const { name, format: named } = header.backing;
  if (depth === maximumChain) {
    const most = `more than ${String(maximumChain)} images stand on each other`;
    throw new DiskError('bad-image', `${store.name}: ${most}`);
  }
  const backing = yield* openBacking(store, name, named, options, depth);
  return yield* QcowImage.open(store, { header, readOnly, backing });
}

function* openBacking(
  store: ByteStore,
  name: string,
  named: string | undefined,
  options: OpenOptions,
  depth: number,
): Steps<DiskImage> {
  if (named !== undefined && named !== 'raw' && named !== 'qcow2') {
    const what = `the format "${named.slice(0, 40)}" of its backing image is not served`;
    throw new DiskError('unsupported', `${store.name}: qcow2: ${what}`);
  }
  const opened = options.openBacking?.(name, store);
  if (opened === undefined) {
    const what = `it stands on "${name}", and nothing here opens that`;
    throw new DiskError('unsupported', `${store.name}: qcow2: ${what}`);
  }
  const found = opened instanceof Promise ? yield* awaited(opened) : opened;
  const format: OpenOptions = named === undefined ? {} : { format: named };
  const { openBacking: open } = options;
  const more: OpenOptions = open === undefined ? {} : { openBacking: open };
  return yield* openLink(found, { ...format, ...more, readOnly: true }, depth + 1);
}

function* awaited<T>(promise: Promise<T>): Steps<T> {
  const holder: { value?: T } = {};
  yield promise.then((value) => {
    holder.value = value;
  });
  return holder.value as T; // The driver goes on only when the promise was kept.
}

/** A view of a store through which nothing is written. */
function readingOnly(store: ByteStore): ByteStore {
  return {
    name: store.name,
    get size() {
      return store.size;
    },
    readOnly: true,
    read: (offset, target) => store.read(offset, target),
    write: () => {
      throw new DiskError('read-only', `${store.name}: was opened for reading`);
    },
    flush: () => undefined,
    close: () => store.close(),
  };
}
