import { MemoryError } from './memory-error.ts';

/** The number of bytes that one MMIO access moves. */
export type MmioSize = 1 | 2 | 4;

/** Registers of a device in guest-physical memory; offsets count from the start of the region. */
export interface MmioHandler {
  /** Returns `size` bytes at `offset`, unsigned. Accesses are aligned to their size. */
  readMmio(offset: number, size: MmioSize): number;
  /** Takes the low `size` bytes of `value` at `offset`. */
  writeMmio(offset: number, size: MmioSize, value: number): void;
}

/** The most MMIO regions that can stand in the map at one time. */
export const maxMmioRegions = 1024;

interface MmioRegion {
  readonly handler: MmioHandler;
  readonly origin: number;
  holders: number;
}

/** The handlers of MMIO pages, by small numbers that pages hold; 0 is no handler. */
export class MmioRegions {
  private readonly regions: (MmioRegion | undefined)[] = [undefined];

  /**
   * Returns the number of a new region, held once, whose offsets count from `origin`.
   *
   * @throws MemoryError `too-many-regions`.
   */
  add(handler: MmioHandler, origin: number): number {
    let id = 1;
    while (id < this.regions.length && this.regions[id] !== undefined) id += 1;
    if (id > maxMmioRegions) {
      throw new MemoryError(
        'too-many-regions',
        `memory: more than ${maxMmioRegions} MMIO regions at 0x${origin.toString(16)}`,
      );
    }
    this.regions[id] = { handler, origin, holders: 1 };
    return id;
  }

  /** Counts one more holder of a region. */
  hold(id: number): void {
    const region = this.regions[id];
    if (region !== undefined) region.holders += 1;
  }

  /** Counts one holder less; the number of a region without holders is used again. */
  release(id: number): void {
    const region = this.regions[id];
    if (region === undefined) return;
    region.holders -= 1;
    if (region.holders === 0) this.regions[id] = undefined;
  }

  /** Whether two numbers mean the same handler at the same origin. */
  same(first: number, second: number): boolean {
    if (first === second) return true;
    const one = this.regions[first];
    const other = this.regions[second];
    return one !== undefined && one.handler === other?.handler && one.origin === other.origin;
  }

  /** Returns the handler of a number and where its offsets count from. */
  find(id: number): { readonly handler: MmioHandler; readonly origin: number } | undefined {
    const region = this.regions[id];
    return region === undefined ? undefined : { handler: region.handler, origin: region.origin };
  }

  /** Reads of a page without backing: MMIO, split into bytes if misaligned, or all ones. */
  read(id: number, physical: number, size: MmioSize): number {
    const region = this.regions[id];
    if (region === undefined) return -1;
    const offset = (physical - region.origin) >>> 0;
    if ((offset & (size - 1)) === 0) return region.handler.readMmio(offset, size);
    let value = 0;
    for (let byte = 0; byte < size; byte += 1) {
      value |= (region.handler.readMmio(offset + byte, 1) & 0xff) << (8 * byte);
    }
    return value;
  }

  /** Writes to a page without backing; `value` has no bits above its size. */
  write(id: number, physical: number, size: MmioSize, value: number): void {
    const region = this.regions[id];
    if (region === undefined) return;
    const offset = (physical - region.origin) >>> 0;
    if ((offset & (size - 1)) === 0) {
      region.handler.writeMmio(offset, size, value);
      return;
    }
    for (let byte = 0; byte < size; byte += 1) {
      region.handler.writeMmio(offset + byte, 1, (value >>> (8 * byte)) & 0xff);
    }
  }
}
