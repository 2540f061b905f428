import { closeStore, flushStore, readBytes, writeBytes, type ByteStore } from './byte-store.ts';
import { DiskError } from './error.ts';
import type { DiskImage } from './image.ts';
import type { Steps } from './steps.ts';

const sectorBytes = 512;
const qcowMagic = [0x51, 0x46, 0x49, 0xfb];

/**
 * A disk whose image is its bytes and nothing else; a last part of a sector is filled with zeros.
 */
export class RawImage implements DiskImage {
  readonly format = 'raw';
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly #store: ByteStore;
  readonly #guessed: boolean;

  /**
   * Makes a disk of a store.
   *
   * With `guessed`, nobody said that the image is raw: then a guest may not write what would make
   * it look like another format the next time, and have that name files of the host.
   */
  constructor(store: ByteStore, guessed: boolean = false) {
    this.#store = store;
    this.#guessed = guessed;
    this.bytes = Math.ceil(store.size / sectorBytes) * sectorBytes;
    this.readOnly = store.readOnly;
  }

  *read(offset: number, target: Uint8Array): Steps<void> {
    yield* readBytes(this.#store, offset, target);
  }

  *write(offset: number, source: Uint8Array): Steps<void> {
    if (this.#guessed && offset === 0 && qcowMagic.every((byte, at) => source[at] === byte)) {
      throw new DiskError(
        'unsupported',
        `${this.#store.name}: the guest writes a qcow2 header to a disk whose format was not ` +
          'given; say format=raw to allow it',
      );
    }
    yield* writeBytes(this.#store, offset, source);
  }

  *flush(): Steps<void> {
    yield* flushStore(this.#store);
  }

  *close(): Steps<void> {
    if (!this.readOnly) yield* flushStore(this.#store);
    yield* closeStore(this.#store);
  }
}
