import { DiskError } from '../error.ts';

/**
 * The clusters that hold an image's own tables: a damaged image whose entries name them must not
 * have a guest's data written there.
 */
export class MetadataMap {
  readonly #clusters = new Set<number>();
  readonly #name: string;
  readonly #clusterBytes: number;

  /** Makes an empty map of the image `name`. */
  constructor(name: string, clusterBytes: number) {
    this.#name = name;
    this.#clusterBytes = clusterBytes;
  }

  /**
   * Adds clusters.
   *
   * @throws DiskError `bad-image` when one is in the map already: two tables in one place.
   */
  add(first: number, count: number): void {
    for (let cluster = first; cluster < first + count; cluster += 1) {
      if (this.#clusters.has(cluster)) {
        throw this.#fault(cluster, 'holds two tables');
      }
      this.#clusters.add(cluster);
    }
  }

  /** Takes out clusters that hold tables no more. */
  remove(first: number, count: number): void {
    for (let cluster = first; cluster < first + count; cluster += 1) {
      this.#clusters.delete(cluster);
    }
  }

  /**
   * Says no to a write of data over a table.
   *
   * @throws DiskError `bad-image`.
   */
  refuse(offset: number, bytes: number): void {
    const last = Math.floor((offset + bytes - 1) / this.#clusterBytes);
    for (let at = Math.floor(offset / this.#clusterBytes); at <= last; at += 1) {
      if (this.#clusters.has(at)) throw this.#fault(at, 'holds a table, and is to hold data');
    }
  }

  #fault(cluster: number, what: string): DiskError {
    const place = `cluster ${String(cluster)} at byte ${String(cluster * this.#clusterBytes)}`;
    return new DiskError('bad-image', `${this.#name}: qcow2: ${place} ${what}`);
  }
}
