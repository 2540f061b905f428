/**
 * Mappings of grants of a guest with translated memory: the page stands at a frame of its own too
 * (Xen, arch/x86/mm/p2m.c, "create_grant_p2m_mapping").
 */
import { pageBytes } from '@ringfence/memory';
import type { XenMemory } from './interfaces.ts';
import type { GrantMapper, WideAddress } from './mapped-grants.ts';

/** Frames of a guest at which granted pages stand. */
export class PlacedGrants implements GrantMapper {
  readonly #memory: XenMemory;
  /** Whether something else stands at a frame. */
  readonly #isTaken: (frame: number) => boolean;
  /** Frames of the pages by the frames at which they stand. */
  readonly #pages = new Map<number, number>();

  /** Shows pages of a memory. */
  constructor(memory: XenMemory, isTaken: (frame: number) => boolean) {
    this.#memory = memory;
    this.#isTaken = isTaken;
  }

  map({ low, high }: WideAddress, page: number): boolean {
    const frame = low >>> 12;
    const isFree = high === 0 && !this.#pages.has(frame) && !this.#isTaken(frame);
    if (!isFree || !this.#memory.alias(frame * pageBytes, page * pageBytes)) {
      return false;
    }
    this.#pages.set(frame, page);
    return true;
  }

  unmap({ low, high }: WideAddress, page: number): boolean {
    const frame = low >>> 12;
    if (high !== 0 || this.#pages.get(frame) !== page) {
      return false;
    }
    this.#pages.delete(frame);
    return this.#memory.alias(frame * pageBytes, undefined);
  }

  /** Nothing else can be put there. */
  replace(address: WideAddress, page: number, _flags: number, from: number): boolean {
    return from === 0 && this.unmap(address, page);
  }

  /** Something else stands at a frame from now on. */
  forget(frame: number): void {
    this.#pages.delete(frame);
  }

  /** Takes all mappings away. */
  reset(): void {
    for (const frame of this.#pages.keys()) {
      this.#memory.alias(frame * pageBytes, undefined);
    }
    this.#pages.clear();
  }

  /** The mappings as numbers. */
  save(): readonly number[] {
    return [...this.#pages].flat();
  }

  /** Takes over what `save` returned. */
  restore(numbers: readonly number[]): void {
    this.reset();
    for (let index = 0; index + 1 < numbers.length; index += 2) {
      const [frame = 0, page = 0] = numbers.slice(index);
      this.map({ low: frame * pageBytes, high: 0 }, page);
    }
  }
}
