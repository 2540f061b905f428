/**
 * The LDT of a paravirtual guest. Its pages show in the hypervisor's part of the address space, as
 * descriptor tables that nobody can write, and are looked for when the processor first needs them
 * (Xen, arch/x86/pv/descriptor-tables.c and mm.c, "pv_map_ldt_shadow_page").
 */
import { pageBytes } from '@ringfence/memory';
import type { PvGuest } from './guest.ts';
import { ldtLinear, ldtPages, StubAction } from './hypervisor-area.ts';
import { PageType } from './page-info.ts';
import { EntryBit, frameOf } from './page-tables.ts';

/** The local descriptor table of one guest. */
export class GuestLdt {
  readonly #guest: PvGuest;
  /** Where it is in the guest's address space, and how many entries it has. */
  #base = 0;
  #entries = 0;
  readonly #frames: (number | undefined)[] = [];

  /** Keeps the table of a guest. */
  constructor(guest: PvGuest) {
    this.#guest = guest;
  }

  /** Frames that are in use as its pages. */
  get inUse(): readonly number[] {
    return this.#frames.filter((frame) => frame !== undefined);
  }

  /** Whether an entry of that number is within its limit. */
  has(index: number): boolean {
    return index < this.#entries;
  }

  /** Forgets it; what it used is forgotten elsewhere. */
  reset(): void {
    this.#base = 0;
    this.#entries = 0;
    this.#frames.length = 0;
  }

  /** Sets it; the processor loads its selector before the guest goes on. */
  set(base: number, entries: number): void {
    this.drop();
    this.#base = base;
    this.#entries = entries;
    this.#guest.ldtSelector = this.#guest.area.setLdt(entries);
    this.#guest.actions |= StubAction.loadLdt;
  }

  /** Lets go of its pages; they are looked for again. */
  drop(): void {
    const frames = this.#frames.splice(0);
    for (const [index, frame] of frames.entries()) {
      if (frame !== undefined) {
        this.#guest.area.setLdtPage(index, undefined);
        this.#guest.tables.unuse(frame);
      }
    }
  }

  /** Frame of one of its pages; nothing where the guest has none that can be one. */
  frame(index: number): number | undefined {
    const found = this.#frames[index];
    return found ?? this.#find(index);
  }

  /**
   * A page fault at a linear address: true if it was for a page that is there now; the address in
   * the guest's own table where it is not; nothing for faults that are others'.
   */
  fault(linear: number): true | number | undefined {
    const offset = linear - ldtLinear;
    if (offset < 0 || offset >= ldtPages * pageBytes) {
      return undefined;
    }
    const wasThere = this.#frames[Math.floor(offset / pageBytes)] !== undefined;
    const frame = this.frame(Math.floor(offset / pageBytes));
    return frame !== undefined && !wasThere ? true : (this.#base + offset) >>> 0;
  }

  /** The table as numbers; a page that is not in use is -1. */
  save(): readonly number[] {
    const frames = Array.from({ length: ldtPages }, (_nothing, index) => this.#frames[index] ?? -1);
    return [this.#base, this.#entries, ...frames];
  }

  /** Takes over what `save` returned; what stands in memory is restored with it. */
  restore([base = 0, entries = 0, ...frames]: readonly number[]): void {
    this.reset();
    this.#base = base;
    this.#entries = entries;
    for (const [index, frame] of frames.entries()) {
      if (frame >= 0) {
        this.#frames[index] = frame;
      }
    }
  }

  #find(index: number): number | undefined {
    const { tables, area } = this.#guest;
    if (index * pageBytes >= this.#entries * 8) {
      return undefined;
    }
    const leaf = this.#guest.findLeaf(this.#base + index * pageBytes);
    const entry = leaf && tables.read(...leaf);
    if (entry === undefined || (entry.low & EntryBit.present) === 0) {
      return undefined;
    }
    const frame = frameOf(entry);
    if (tables.use(frame, PageType.descriptors) !== 0) {
      return undefined;
    }
    this.#frames[index] = frame;
    area.setLdtPage(index, frame);
    return frame;
  }
}
