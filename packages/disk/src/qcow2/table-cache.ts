import { readBytes, writeBytes, type ByteStore } from '../byte-store.ts';
import type { Steps } from '../steps.ts';

/** What a table of one cluster is. */
export type TableKind = 'l2' | 'refcounts';

/** A table of one cluster, as memory holds it. */
export interface Table {
  readonly kind: TableKind;
  readonly offset: number;
  readonly view: DataView;
  dirty: boolean;
}

/** The most bytes of tables that are kept. */
const keptBytes = 0x100_0000;
const leastTables = 16;
const mostTables = 1024;

/**
 * The tables that were used last.
 *
 * A caller may hold a table up to its next `get`; it changes and marks it before that.
 */
export class TableCache {
  readonly #store: ByteStore;
  readonly #clusterBytes: number;
  readonly #most: number;
  readonly #writeBack: () => Steps<void>;
  /** By offset; the order is that of the last use. */
  readonly #tables = new Map<number, Table>();

  /** Makes an empty cache; `writeBack` must leave no table dirty. */
  constructor(store: ByteStore, clusterBytes: number, writeBack: () => Steps<void>) {
    this.#store = store;
    this.#clusterBytes = clusterBytes;
    this.#most = Math.min(mostTables, Math.max(leastTables, keptBytes / clusterBytes));
    this.#writeBack = writeBack;
  }

  /** Returns the table at `offset`, read if it is not there. */
  *get(kind: TableKind, offset: number): Steps<Table> {
    const found = this.#tables.get(offset);
    if (found !== undefined) {
      this.#tables.delete(offset);
      this.#tables.set(offset, found);
      return found;
    }
    yield* this.#makeRoom();
    const bytes = new Uint8Array(this.#clusterBytes);
    yield* readBytes(this.#store, offset, bytes);
    return this.#keep({ kind, offset, view: new DataView(bytes.buffer), dirty: false });
  }

  /** Puts a new table of zeros, or a copy of `source`, at `offset`; it is dirty. */
  *add(kind: TableKind, offset: number, source?: Table): Steps<Table> {
    const bytes = new Uint8Array(this.#clusterBytes);
    if (source !== undefined) bytes.set(new Uint8Array(source.view.buffer));
    yield* this.#makeRoom();
    return this.#keep({ kind, offset, view: new DataView(bytes.buffer), dirty: true });
  }

  /** Whether a table of a kind waits to be written. */
  hasDirty(kind: TableKind): boolean {
    for (const table of this.#tables.values()) {
      if (table.dirty && table.kind === kind) return true;
    }
    return false;
  }

  /** Writes the dirty tables of a kind. */
  *write(kind: TableKind): Steps<void> {
    for (const table of this.#tables.values()) {
      if (table.dirty && table.kind === kind) {
        yield* writeBytes(this.#store, table.offset, new Uint8Array(table.view.buffer));
        table.dirty = false;
      }
    }
  }

  #keep(table: Table): Table {
    this.#tables.set(table.offset, table);
    return table;
  }

  *#makeRoom(): Steps<void> {
    if (this.#tables.size < this.#most) return;
    if (!this.#dropClean()) {
      yield* this.#writeBack();
      this.#dropClean();
    }
  }

  #dropClean(): boolean {
    for (const [offset, { dirty }] of this.#tables) {
      if (!dirty) return this.#tables.delete(offset);
    }
    return false;
  }
}
