/**
 * The ring of a paravirtual disk and its requests (Xen, public/io/ring.h and public/io/blkif.h).
 *
 *     ring page: 0 requests written, 4 tell at, 8 answers written, 12 tell at, 64 entries
 *
 *     request         32-bit   64-bit       answer      32-bit   64-bit
 *     operation        0        0           id           0        0
 *     segments         1        1           operation    8        8
 *     handle           2        2           status      10       10
 *     id (64)          4        8           bytes       12       16
 *     sector (64)     12       16
 *     segments        20       24           a segment: grant, first and last sector of its page
 */
import type { XenMemory } from '../../interfaces.ts';

/** Operations of a block request (blkif.h, BLKIF_OP_*). */
export const BlockOp = {
  read: 0,
  write: 1,
  barrier: 2,
  flush: 3,
  discard: 5,
  indirect: 6,
} as const;

/** What became of a request (BLKIF_RSP_*). */
export const BlockStatus = { okay: 0, error: -1, notSupported: -2 } as const;

/** The most segments within a request. */
export const mostDirectSegments = 11;
/** The most segments of an indirect request. */
export const mostIndirectSegments = 256;

const entriesAt = 64;
const segmentsPerPage = 512;
const mostIndirectPages = 8;

/** How a guest of one word width lays requests out. */
export interface BlockLayout {
  readonly id: number;
  readonly sector: number;
  readonly segments: number;
  /** An indirect request: its grants of pages with segments. */
  readonly indirectGrants: number;
  /** A discard: how many sectors. */
  readonly discardSectors: number;
  readonly entryBytes: number;
  readonly answerBytes: number;
}

/** Layouts by the name of the protocol (`protocol` in the store). */
export const blockLayouts: Readonly<Record<'x86_32-abi' | 'x86_64-abi', BlockLayout>> = {
  'x86_32-abi': {
    id: 4,
    sector: 12,
    segments: 20,
    indirectGrants: 24,
    discardSectors: 20,
    entryBytes: 108,
    answerBytes: 12,
  },
  'x86_64-abi': {
    id: 8,
    sector: 16,
    segments: 24,
    indirectGrants: 28,
    discardSectors: 24,
    entryBytes: 112,
    answerBytes: 16,
  },
};

/** Entries of a ring of one page, a power of two. */
export const ringEntries = 32;

/** Part of a page that a request moves. */
export interface BlockSegment {
  readonly grant: number;
  readonly firstSector: number;
  readonly lastSector: number;
}

/** A request as the guest wrote it; copied out of the ring, since the guest may change it. */
export interface BlockRequest {
  readonly operation: number;
  readonly idLow: number;
  readonly idHigh: number;
  /** The first sector, of 512 bytes. */
  readonly sector: number;
  readonly segments: readonly BlockSegment[];
  /** Grants of pages with segments, of an indirect request. */
  readonly indirectGrants: readonly number[];
  readonly segmentCount: number;
  readonly discardSectors: number;
}

/** The back end's side of a ring. */
export class BlockRing {
  readonly #memory: XenMemory;
  readonly #page: number;
  readonly #layout: BlockLayout;
  #taken: number;
  #answered: number;

  /** Uses the ring in the page at a physical address, from where its indexes stand. */
  constructor(memory: XenMemory, page: number, layout: BlockLayout) {
    this.#memory = memory;
    this.#page = page;
    this.#layout = layout;
    this.#answered = memory.read32(page + 8) >>> 0;
    this.#taken = this.#answered;
  }

  /**
   * Takes the next request; nothing when there is none, and `broken` when the guest's index cannot
   * be.
   */
  take(): BlockRequest | 'broken' | undefined {
    const memory = this.#memory;
    const waiting = ((memory.read32(this.#page) >>> 0) - this.#taken) >>> 0;
    if (waiting > ringEntries) {
      return 'broken';
    }
    if (waiting === 0) {
      return undefined;
    }
    const at = this.#entry(this.#taken);
    this.#taken = (this.#taken + 1) >>> 0;
    return this.#read(at);
  }

  /** Asks the guest to tell of the next request; true if one came meanwhile. */
  rest(): boolean {
    this.#memory.write32(this.#page + 4, this.#taken + 1);
    return this.#memory.read32(this.#page) >>> 0 !== this.#taken;
  }

  /** Answers a request; true if the guest wants to be told. */
  answer(request: BlockRequest, status: number): boolean {
    const memory = this.#memory;
    const at = this.#entry(this.#answered);
    memory.write32(at, request.idLow);
    memory.write32(at + 4, request.idHigh);
    memory.write32(at + 8, (request.operation & 0xff) | (status << 16));
    const before = this.#answered;
    this.#answered = (before + 1) >>> 0;
    memory.write32(this.#page + 8, this.#answered);
    const tellAt = memory.read32(this.#page + 12) >>> 0;
    return (this.#answered - tellAt) >>> 0 < (this.#answered - before) >>> 0;
  }

  /** Reads the segments of an indirect request from a page of them. */
  segmentsAt(physical: number, count: number): readonly BlockSegment[] {
    return Array.from({ length: Math.min(count, segmentsPerPage) }, (_nothing, index) =>
      this.#segment(physical + index * 8),
    );
  }

  #entry(index: number): number {
    return this.#page + entriesAt + (index % ringEntries) * this.#layout.entryBytes;
  }

  #read(at: number): BlockRequest {
    const memory = this.#memory;
    const layout = this.#layout;
    const operation = memory.read8(at);
    const isIndirect = operation === BlockOp.indirect;
    const inner = memory.read8(at + 1);
    const count = isIndirect ? memory.read16(at + 2) : inner;
    const direct = isIndirect || operation === BlockOp.discard ? 0 : count;
    return {
      operation: isIndirect ? inner : operation,
      idLow: memory.read32(at + layout.id),
      idHigh: memory.read32(at + layout.id + 4),
      sector: this.#wide(at + layout.sector),
      segmentCount: count,
      segments: Array.from({ length: Math.min(direct, mostDirectSegments) }, (_nothing, index) =>
        this.#segment(at + layout.segments + index * 8),
      ),
      indirectGrants: isIndirect
        ? Array.from(
            { length: Math.min(Math.ceil(count / segmentsPerPage), mostIndirectPages) },
            (_nothing, index) => memory.read32(at + layout.indirectGrants + index * 4) >>> 0,
          )
        : [],
      discardSectors: this.#wide(at + layout.discardSectors),
    };
  }

  #segment(at: number): BlockSegment {
    const grant = this.#memory.read32(at) >>> 0;
    const sectors = this.#memory.read16(at + 4);
    return { grant, firstSector: sectors & 0xff, lastSector: sectors >>> 8 };
  }

  #wide(at: number): number {
    return (this.#memory.read32(at + 4) >>> 0) * 2 ** 32 + (this.#memory.read32(at) >>> 0);
  }
}
