/** Grants that the guest itself has mapped, by their handles. */

/** Flags of a mapping (public/grant_table.h, GNTMAP_*). */
export const GrantMapFlag = {
  device: 1,
  host: 2,
  readOnly: 4,
  application: 8,
  /** The address is that of a page-table entry. */
  containsEntry: 0x10,
} as const;

/** Bits 16..18 of the flags, which the guest finds in its entries again (GNTMAP_guest_avail). */
export const availableBits = (flags: number): number => (flags >>> 16) & 7;

/** The most grants that a guest can have mapped. */
export const mostMappedGrants = 1024;

/** A grant that is mapped, as its handle stands for it. */
export interface MappedGrant {
  readonly reference: number;
  readonly frame: number;
  readonly flags: number;
}

/** A 64-bit address in halves. */
export interface WideAddress {
  readonly low: number;
  readonly high: number;
}

/** Where mappings are made: in the page tables of a paravirtual guest. False changes nothing. */
export interface GrantMapper {
  map(address: WideAddress, frame: number, flags: number): boolean;
  /** Takes away an entry that maps the frame. */
  unmap(address: WideAddress, frame: number, flags: number): boolean;
  /** The same, and what another linear address had moves there. */
  replace(address: WideAddress, frame: number, flags: number, from: number): boolean;
}

const fieldsOf = 4;

/** The mappings of a guest. */
export class MappedGrants {
  readonly #entries = new Map<number, MappedGrant>();

  get size(): number {
    return this.#entries.size;
  }

  /** Forgets all of them. */
  reset(): void {
    this.#entries.clear();
  }

  at(handle: number): MappedGrant | undefined {
    return this.#entries.get(handle);
  }

  /** Adds a mapping under the lowest handle that is free. */
  add(grant: MappedGrant): number {
    let handle = 0;
    while (this.#entries.has(handle)) {
      handle += 1;
    }
    this.#entries.set(handle, grant);
    return handle;
  }

  change(handle: number, flags: number): void {
    const found = this.#entries.get(handle);
    if (found !== undefined) {
      this.#entries.set(handle, { ...found, flags });
    }
  }

  remove(handle: number): void {
    this.#entries.delete(handle);
  }

  /** The mappings as numbers. */
  save(): readonly number[] {
    return [...this.#entries].flatMap(([handle, { reference, frame, flags }]) => {
      return [handle, reference, frame, flags];
    });
  }

  /** Takes over what `save` returned, and returns it. */
  restore(numbers: readonly number[]): readonly MappedGrant[] {
    this.reset();
    for (let at = 0; at + fieldsOf <= numbers.length; at += fieldsOf) {
      const [handle = 0, reference = 0, frame = 0, flags = 0] = numbers.slice(at);
      this.#entries.set(handle, { reference, frame, flags });
    }
    return [...this.#entries.values()];
  }
}
