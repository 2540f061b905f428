/** What regions there are and how often the CPU was met in each, for those who look into it. */

/** Bytes of guest code in a region: `[first, end)` in guest-physical memory. */
export type CodeRange = readonly [first: number, end: number];

/** A translated region, as an inspector shows it. */
export interface RegionSummary {
  /** A number that no other region of the machine has. */
  readonly id: number;
  /** Guest-physical address of its first entry. */
  readonly address: number;
  /** Its code, block by block. */
  readonly ranges: readonly CodeRange[];
  /** How often the CPU was met in it, out of all samples. */
  readonly samples: number;
  readonly wasmBytes: number;
}

interface Logged extends RegionSummary {
  samples: number;
  readonly wasm: Uint8Array;
}

/** The most bytes of modules that are kept to be shown; those of older regions are let go first. */
const mostWasmBytes = 0x80_0000;

/** Keeps note of the regions of one CPU; keys are whatever the caller knows them by. */
export class RegionLog {
  readonly #regions = new Map<object, Logged>();
  #lastId = 0;
  #wasmBytes = 0;

  /** Takes note of a region. */
  add(key: object, address: number, ranges: readonly CodeRange[], wasm: Uint8Array): void {
    this.#lastId += 1;
    const wasmBytes = wasm.length;
    this.#regions.set(key, { id: this.#lastId, address, ranges, samples: 0, wasmBytes, wasm });
    this.#wasmBytes += wasmBytes;
    for (const oldest of this.#regions.keys()) {
      if (this.#wasmBytes <= mostWasmBytes) break;
      this.remove(oldest);
    }
  }

  /** Forgets a region that was dropped. */
  remove(key: object): void {
    this.#wasmBytes -= this.#regions.get(key)?.wasmBytes ?? 0;
    this.#regions.delete(key);
  }

  /** Counts a sample in the region that the caller knows by a key. */
  count(key: object): void {
    const region = this.#regions.get(key);
    if (region !== undefined) region.samples += 1;
  }

  /** The regions in which the CPU was met most, at most `most` of them. */
  hottest(most: number): RegionSummary[] {
    return [...this.#regions.values()]
      .sort((one, other) => other.samples - one.samples)
      .slice(0, most)
      .map(({ wasm: _wasm, ...summary }) => summary);
  }

  /** The WebAssembly module of a region that is still there. */
  wasm(id: number): Uint8Array | undefined {
    return [...this.#regions.values()].find((region) => region.id === id)?.wasm;
  }

  /** A region that is still there. */
  find(id: number): RegionSummary | undefined {
    return [...this.#regions.values()].find((region) => region.id === id);
  }
}
