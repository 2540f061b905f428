import { readBytes, writeBytes, type ByteStore } from '../byte-store.ts';
import { DiskError } from '../error.ts';
import type { Steps } from '../steps.ts';
import type { QcowHeader } from './header.ts';
import * as layout from './layout.ts';

/** The L1 table of an image, which memory holds whole. */
export class LevelOne {
  /** How many clusters it takes. */
  readonly clusters: number;
  readonly #store: ByteStore;
  readonly #offset: number;
  readonly #view: DataView;
  readonly #dirty = new Set<number>();

  private constructor(store: ByteStore, header: QcowHeader, bytes: Uint8Array) {
    this.clusters = Math.ceil((8 * header.l1Entries) / 2 ** header.clusterBits);
    this.#store = store;
    this.#offset = header.l1Offset;
    this.#view = new DataView(bytes.buffer);
  }

  /**
   * Reads the table of an image.
   *
   * @throws DiskError `bad-image` for an entry that names a place inside a cluster.
   */
  static *open(store: ByteStore, header: QcowHeader): Steps<LevelOne> {
    const bytes = new Uint8Array(8 * header.l1Entries);
    yield* readBytes(store, header.l1Offset, bytes);
    const table = new LevelOne(store, header, bytes);
    let index = 0;
    for (const offset of table.tables()) {
      if (offset % 2 ** header.clusterBits !== 0) {
        throw new DiskError(
          'bad-image',
          `${store.name}: qcow2: entry ${String(index)} of the L1 table ` +
            `(byte ${String(header.l1Offset + 8 * index)}) names byte ${String(offset)}, ` +
            'which begins no cluster',
        );
      }
      index += 1;
    }
    return table;
  }

  /** Whether entries wait to be written. */
  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Returns where an L2 table stands; 0 for none. */
  offset(index: number): number {
    const at = 8 * index;
    if (at + 8 > this.#view.byteLength) return 0;
    return layout.entryOffset(this.#view.getUint32(at), this.#view.getUint32(at + 4));
  }

  /** Whether an L2 table is there and nothing else refers to it. */
  isOwn(index: number): boolean {
    const isCopied = (this.#view.getUint32(8 * index) & layout.copiedHigh) !== 0;
    return isCopied && this.offset(index) !== 0;
  }

  /** Names an L2 table that nothing else refers to. */
  set(index: number, offset: number): void {
    layout.write64(this.#view, 8 * index, offset);
    this.#view.setUint8(8 * index, this.#view.getUint8(8 * index) | 0x80);
    this.#dirty.add(index);
  }

  /** The places of all L2 tables, 0 where there is none. */
  *tables(): Iterable<number> {
    for (let index = 0; index < this.#view.byteLength / 8; index += 1) yield this.offset(index);
  }

  /** Writes the entries that changed. */
  *write(): Steps<void> {
    for (const index of this.#dirty) {
      const entry = new Uint8Array(this.#view.buffer, 8 * index, 8);
      yield* writeBytes(this.#store, this.#offset + 8 * index, entry);
      this.#dirty.delete(index);
    }
  }
}
