/**
 * Grant tables: pages of memory that a guest lets another domain use (Xen, public/grant_table.h).
 *
 *     version 1, 8 bytes     version 2, 16 bytes: a page   part of a page        another's grant
 *     0  flags               0  flags                      0  flags              0  flags
 *     2  domain              2  domain                     2  domain             2  domain
 *     4  frame               4  0                          4  first byte         4  its domain
 *                            8  frame (64)                 6  bytes              6  0
 *                                                          8  frame (64)         8  its reference
 *
 * In version 2 what is in use is told in a table of its own, 16 bits each.
 */
import { pageBytes } from '@ringfence/memory';
import { DomainId } from './constants.ts';
import type { XenMemory } from './interfaces.ts';

const grantType = { invalid: 0, permitAccess: 1, transfer: 2, transitive: 3 } as const;
const typeMask = 3;
const flagReadOnly = 4;
const flagReading = 8;
const flagWriting = 0x10;
const flagSubPage = 0x100;

/** The most frames of grant entries of a guest. */
export const mostGrantFrames = 32;
/** The most frames of status words, for version 2. */
export const mostStatusFrames = 4;

/** References that are the tool stack's (GNTTAB_NR_RESERVED_ENTRIES). */
const reservedEntries = 8;
/** Those of the rings of console and store (GNTTAB_RESERVED_CONSOLE, GNTTAB_RESERVED_XENSTORE). */
export const ReservedGrant = { console: 0, store: 1 } as const;

/** An entry as version 1 has it: flags and domain, and the frame. */
interface ReservedEntry {
  readonly head: number;
  readonly frame: number;
}

/** A grant in use: where its bytes are. */
export interface Grant {
  /** Guest-physical address of the first byte. */
  readonly physical: number;
  /** Bytes from there on. */
  readonly bytes: number;
}

/** What the grant tables need to know of pages. */
export interface GrantPages {
  /**
   * Begins the use of a frame by a back end, to write if so; false where it is not the guest's to
   * give.
   */
  hold(frame: number, write: boolean): boolean;
  /** Ends a use. */
  drop(frame: number, write: boolean): void;
  /** Whether the guest's page tables map a frame of Xen's; absent where they are not known. */
  isMapped?(frame: number): boolean;
}

/** A use of a grant: of which bytes, by which domain, and whether to write. */
interface Use {
  readonly grant: Grant;
  readonly domain: number;
  readonly write: boolean;
}

const frameOf = ({ grant }: Pick<Use, 'grant'>): number => Math.floor(grant.physical / pageBytes);

/** A guest's grants. */
export class GrantTable {
  readonly #memory: XenMemory;
  readonly #first: number;
  readonly #status: number;
  readonly #pages: GrantPages;
  /** How often each reference is in use, to read and to write. */
  readonly #uses = new Map<number, Use[]>();
  #version: 1 | 2 = 1;
  #frames = 1;

  /** Keeps entries from the physical address `first` on, status words from `status` on. */
  constructor(memory: XenMemory, first: number, status: number, pages: GrantPages) {
    this.#memory = memory;
    this.#first = first;
    this.#status = status;
    this.#pages = pages;
  }

  /** Version of the entries. */
  get version(): 1 | 2 {
    return this.#version;
  }

  /** Number of frames of entries in use. */
  get frames(): number {
    return this.#frames;
  }

  /** Number of frames of status words in use. */
  get statusFrames(): number {
    return this.#version === 2 ? Math.ceil(this.#entries / (pageBytes / 2)) : 0;
  }

  /** Number of references in use by back ends. */
  get inUse(): number {
    return this.#uses.size;
  }

  /** Frames that back ends, and mappings of the guest's own, hold to write, once for each use. */
  get heldToWrite(): readonly number[] {
    return [...this.#uses.values()].flat().flatMap((use) => (use.write ? [frameOf(use)] : []));
  }

  /** Starts with one frame of version 1, all zero. */
  reset(): void {
    this.#uses.clear();
    this.#version = 1;
    this.#frames = 1;
    this.#memory.write(this.#first, new Uint8Array(mostGrantFrames * pageBytes));
    this.#memory.write(this.#status, new Uint8Array(mostStatusFrames * pageBytes));
  }

  /** Sets what a saved state had. */
  restore(version: 1 | 2, frames: number): void {
    this.#uses.clear();
    this.#version = version;
    this.#frames = frames;
  }

  /** Physical address of a frame of entries; the table grows up to it. Nothing past the maximum. */
  frameAddress(index: number): number | undefined {
    if (index >= mostGrantFrames) {
      return undefined;
    }
    this.#frames = Math.max(this.#frames, index + 1);
    return this.#first + index * pageBytes;
  }

  /** Physical address of a frame of status words; nothing for version 1. */
  statusAddress(index: number): number | undefined {
    return index < this.statusFrames ? this.#status + index * pageBytes : undefined;
  }

  /**
   * Changes the version, unless a grant is in use, or status words that would go are mapped.
   * Entries of another version are cleared but for the first, which are the tool stack's: those
   * go on in the new form, and may be in use.
   */
  setVersion(version: 1 | 2): boolean {
    const isLeaving = version === 1 && this.#version === 2;
    const first = this.#status / pageBytes;
    const frames = Array.from({ length: mostStatusFrames }, (_nothing, index) => first + index);
    const isMapped = isLeaving && frames.some((one) => this.#pages.isMapped?.(one) === true);
    const isUsed = [...this.#uses.keys()].some((reference) => reference >= reservedEntries);
    if (version !== this.#version && (isUsed || isMapped)) {
      return false;
    }
    if (version !== this.#version) {
      const kept = this.#readReserved();
      this.#memory.write(this.#first, new Uint8Array(this.#frames * pageBytes));
      this.#memory.write(this.#status, new Uint8Array(mostStatusFrames * pageBytes));
      this.#version = version;
      for (const [reference, entry] of kept.entries()) {
        this.#writeReserved(reference, entry);
      }
    }
    return true;
  }

  /** Grants the back ends a page by one of the references that are the tool stack's. */
  give(reference: number, frame: number): void {
    const head = grantType.permitAccess | (DomainId.backend << 16);
    this.#writeReserved(reference, { head, frame });
  }

  /** The first entries, with the flags of their use. */
  #readReserved(): readonly ReservedEntry[] {
    return Array.from({ length: reservedEntries }, (_nothing, reference) => {
      const at = this.#entry(reference);
      const head = this.#memory.read32(at);
      if (this.#version === 1) {
        return { head, frame: this.#memory.read32(at + 4) };
      }
      const flags = this.#memory.read16(this.#status + reference * 2);
      const isPage = (head & (typeMask | flagSubPage)) === grantType.permitAccess;
      const frame = this.#memory.read32(at + 8);
      return isPage ? { head: head | flags, frame } : { head: 0, frame: 0 };
    });
  }

  #writeReserved(reference: number, { head, frame }: ReservedEntry): void {
    const at = this.#entry(reference);
    const inUse = flagReading | flagWriting;
    if (this.#version === 1) {
      this.#memory.write32(at, head);
      this.#memory.write32(at + 4, frame);
    } else {
      this.#memory.write32(at, head & ~inUse);
      this.#memory.write32(at + 8, frame);
      this.#memory.write16(this.#status + reference * 2, head & inUse);
    }
  }

  /**
   * Begins the use of a grant by a domain; nothing where it does not allow it. Each use is ended by
   * `release`.
   */
  use(reference: number, write: boolean, domain: number = DomainId.backend): Grant | undefined {
    const grant = this.#allowed(reference, write, domain);
    if (grant === undefined || !this.#pages.hold(frameOf({ grant }), write)) {
      return undefined;
    }
    const uses = this.#uses.get(reference) ?? [];
    uses.push({ grant, domain, write });
    this.#uses.set(reference, uses);
    this.#mark(reference, uses);
    return grant;
  }

  /**
   * What a grant allows a domain at this moment, as `use` does; for a copy that is done before
   * anything else runs, so that nobody could see that the grant is in use.
   */
  look(reference: number, write: boolean, domain: number = DomainId.backend): Grant | undefined {
    const grant = this.#allowed(reference, write, domain);
    if (grant === undefined || !this.#pages.hold(frameOf({ grant }), write)) {
      return undefined;
    }
    this.#pages.drop(frameOf({ grant }), write);
    return grant;
  }

  /**
   * Takes up a mapping of the guest's own again that a saved state had, before the guest's memory
   * is there.
   */
  adopt(reference: number, frame: number, write: boolean): void {
    if (this.#pages.hold(frame, write)) {
      const uses = this.#uses.get(reference) ?? [];
      const grant = { physical: frame * pageBytes, bytes: pageBytes };
      this.#uses.set(reference, [...uses, { grant, domain: DomainId.guest, write }]);
    }
  }

  /** Ends a use of a grant: of the frame that it began with, whatever the entry says by now. */
  release(reference: number, write: boolean): void {
    const uses = this.#uses.get(reference) ?? [];
    const index = uses.findIndex((use) => use.write === write);
    const [use] = index < 0 ? [] : uses.splice(index, 1);
    if (use === undefined) {
      return;
    }
    this.#pages.drop(frameOf(use), use.write);
    this.#mark(reference, uses);
    if (uses.length === 0) {
      this.#uses.delete(reference);
    }
  }

  /** Number of references that the table has room for. */
  get references(): number {
    return this.#entries;
  }

  /** Exchanges two entries, unless one is in use. */
  swap(one: number, other: number): boolean {
    if (this.#uses.has(one) || this.#uses.has(other)) {
      return false;
    }
    const bytes = this.#version === 1 ? 8 : 16;
    const [first, second] = [new Uint8Array(bytes), new Uint8Array(bytes)];
    this.#memory.read(this.#entry(one), first);
    this.#memory.read(this.#entry(other), second);
    this.#memory.write(this.#entry(one), second);
    this.#memory.write(this.#entry(other), first);
    return true;
  }

  /**
   * What a domain may use. While a grant is in use it stands for what it did when that began, and
   * for the same domain; its entry is looked at again only for the first use that writes.
   */
  #allowed(reference: number, write: boolean, domain: number): Grant | undefined {
    if (reference >= this.#entries) {
      return undefined;
    }
    const uses = this.#uses.get(reference) ?? [];
    const [first] = uses;
    if (first !== undefined && first.domain !== domain) {
      return undefined;
    }
    if (first !== undefined && (!write || uses.some((use) => use.write))) {
      return first.grant;
    }
    const entry = this.#entry(reference);
    const head = this.#memory.read32(entry);
    const isAllowed =
      (head & typeMask) === grantType.permitAccess &&
      head >>> 16 === domain &&
      (!write || (head & flagReadOnly) === 0);
    return isAllowed ? (first?.grant ?? this.#read(entry, head & 0xffff)) : undefined;
  }

  get #entries(): number {
    return (this.#frames * pageBytes) / (this.#version === 1 ? 8 : 16);
  }

  #entry(reference: number): number {
    return this.#first + reference * (this.#version === 1 ? 8 : 16);
  }

  #read(entry: number, flags: number): Grant | undefined {
    const memory = this.#memory;
    if (this.#version === 1) {
      return { physical: (memory.read32(entry + 4) >>> 0) * pageBytes, bytes: pageBytes };
    }
    const high = memory.read32(entry + 12);
    const page = (memory.read32(entry + 8) >>> 0) * pageBytes;
    if (high !== 0) {
      return undefined;
    }
    if ((flags & flagSubPage) === 0) {
      return { physical: page, bytes: pageBytes };
    }
    const offset = memory.read16(entry + 4);
    const bytes = memory.read16(entry + 6);
    return offset + bytes <= pageBytes ? { physical: page + offset, bytes } : undefined;
  }

  /** Tells the guest whether a grant is in use, so that it does not take it back. */
  #mark(reference: number, uses: readonly Use[]): void {
    const writes = uses.some((use) => use.write);
    const bits = (uses.length > 0 ? flagReading : 0) | (writes ? flagWriting : 0);
    const at = this.#version === 1 ? this.#entry(reference) : this.#status + reference * 2;
    const others = this.#memory.read16(at) & ~(flagReading | flagWriting);
    this.#memory.write16(at, others | bits);
  }
}
