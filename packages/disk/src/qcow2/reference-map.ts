/** Counts of references by cluster, in pieces, so that a sparse file takes little memory. */
const pieceClusters = 4096;

/** How often each cluster of a file is referred to. */
export class ReferenceMap {
  readonly #pieces = new Map<number, Uint32Array>();

  /** Counts one more reference. */
  add(cluster: number): void {
    const index = Math.floor(cluster / pieceClusters);
    let piece = this.#pieces.get(index);
    if (piece === undefined) {
      piece = new Uint32Array(pieceClusters);
      this.#pieces.set(index, piece);
    }
    const at = cluster % pieceClusters;
    piece[at] = (piece[at] ?? 0) + 1;
  }

  /** Returns how often a cluster is referred to. */
  get(cluster: number): number {
    const piece = this.#pieces.get(Math.floor(cluster / pieceClusters));
    return piece?.[cluster % pieceClusters] ?? 0;
  }

  /** Returns a number above every cluster that is referred to. */
  end(): number {
    return Math.max(0, ...[...this.#pieces.keys()].map((index) => (index + 1) * pieceClusters));
  }
}
