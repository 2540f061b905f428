/**
 * Serves the requests of one connected disk: bytes between granted pages and the storage, one
 * request at a time, in the order in which they came.
 */
import type { Grant } from '../../grant-table.ts';
import type { XenDomain } from '../../domain.ts';
import type { XenBlockStorage } from '../../interfaces.ts';
import { BlockPace } from './pace.ts';
import type { BlockCause } from './pace.ts';
import {
  BlockOp,
  BlockStatus,
  mostDirectSegments,
  mostIndirectSegments,
  ringEntries,
} from './ring.ts';
import type { BlockRequest, BlockRing, BlockSegment } from './ring.ts';

const sectorBytes = 512;
const sectorsPerPage = 8;
/**
 * The most requests that are served while the guest stands still. A ring has half as many; more
 * come where what is read from the disk goes into the ring itself.
 */
const mostRequestsAtOnce = 2 * ringEntries;
const laterNs = 1_000_000;

/** Counters of a disk. */
export interface BlockCounters {
  requests: number;
  sectorsRead: number;
  sectorsWritten: number;
  flushes: number;
  errors: number;
}

/** One disk that a guest is connected to. */
export class BlockServer {
  readonly #domain: XenDomain;
  readonly #storage: XenBlockStorage;
  readonly #ring: BlockRing;
  readonly #tell: () => void;
  readonly counters: BlockCounters;
  readonly #buffer: { bytes: Uint8Array };
  #busy = false;
  #closed = false;
  #running = false;
  readonly #pace = new BlockPace();
  /** The guest need not tell of requests: they are looked for. */
  #polls = false;
  #cause: BlockCause = 'told';
  readonly #pollLater: ((delayNs: number) => void) | undefined;

  /**
   * Serves the requests of a ring; `tell` tells the guest of answers. With `pollLater`, which has
   * `poll` called after that time or when the guest is idle, a guest that asks for much at once
   * need not tell of each request.
   */
  constructor(
    domain: XenDomain,
    storage: XenBlockStorage,
    ring: BlockRing,
    counters: BlockCounters,
    tell: () => void,
    pollLater?: (delayNs: number) => void,
  ) {
    this.#pollLater = pollLater;
    this.#domain = domain;
    this.#storage = storage;
    this.#ring = ring;
    this.#tell = tell;
    this.counters = counters;
    this.#buffer = { bytes: new Uint8Array(0) };
  }

  /** Takes no more requests; what is under way ends without an answer. */
  close(): void {
    this.#closed = true;
  }

  /** Serves what stands in the ring; what takes time goes on by itself. */
  serve(): void {
    if (this.#running) {
      return;
    }
    this.#running = true;
    const before = this.counters.requests;
    while (!this.#busy && !this.#closed) {
      if (this.counters.requests - before >= mostRequestsAtOnce) {
        this.#goOnLater();
        break;
      }
      const request = this.#ring.take();
      if (request === 'broken') {
        this.#closed = true;
      } else if (request !== undefined) {
        this.#start(request);
      } else if (this.#looksLater() || !this.#ring.rest()) {
        break;
      }
    }
    this.#running = false;
  }

  /** More than any honest guest can have asked for: the guest is let run before it goes on. */
  #goOnLater(): void {
    this.#polls = this.#pollLater !== undefined;
    this.#pollLater?.(laterNs);
    this.#ring.rest();
  }

  #looksLater(): boolean {
    if (this.#pollLater === undefined) {
      return false;
    }
    const delayNs = this.#pace.rest(this.#cause);
    this.#cause = 'told';
    this.#polls = delayNs > 0;
    if (this.#polls) {
      this.#pollLater(delayNs);
    }
    return this.#polls;
  }

  /** Looks for requests that the guest did not tell of; returns whether there were any. */
  poll(cause: 'idle' | 'timer'): boolean {
    if (!this.#polls) {
      return false;
    }
    this.#polls = false;
    this.#cause = cause;
    const before = this.counters.requests;
    this.serve();
    return this.counters.requests !== before;
  }

  #start(request: BlockRequest): void {
    this.#busy = true;
    this.counters.requests += 1;
    switch (request.operation) {
      case BlockOp.read:
        this.#move(request, true);
        break;
      case BlockOp.write:
      case BlockOp.barrier:
        this.#move(request, false);
        break;
      case BlockOp.flush:
        this.#flush(request);
        break;
      case BlockOp.discard:
        // What was discarded may read as anything, also as what it was.
        this.#finish(request, this.#inRange(request.sector, request.discardSectors));
        break;
      default:
        this.#answer(request, BlockStatus.notSupported);
    }
  }

  #flush(request: BlockRequest): void {
    this.counters.flushes += 1;
    this.#storage.flush((ok) => {
      this.#finish(request, ok);
    });
  }

  #move(request: BlockRequest, isRead: boolean): void {
    const segments = this.#segmentsOf(request);
    const sectors = segments?.reduce((sum, one) => sum + one.lastSector - one.firstSector + 1, 0);
    if (
      segments === undefined ||
      sectors === undefined ||
      !this.#inRange(request.sector, sectors)
    ) {
      this.#finish(request, false);
      return;
    }
    this.#pace.count(sectors);
    const bytes = this.#bufferOf(sectors * sectorBytes);
    const offset = request.sector * sectorBytes;
    if (isRead) {
      this.counters.sectorsRead += sectors;
      this.#storage.read(offset, bytes, (ok) => {
        this.#finish(request, ok && this.#scatter(segments, bytes));
      });
    } else if (this.#storage.readOnly || !this.#gather(segments, bytes)) {
      this.#finish(request, false);
    } else if (sectors === 0) {
      this.#afterWrite(request, true);
    } else {
      this.counters.sectorsWritten += sectors;
      this.#storage.write(offset, bytes, (ok) => {
        this.#afterWrite(request, ok);
      });
    }
  }

  /** A barrier is a write with a flush behind it. */
  #afterWrite(request: BlockRequest, ok: boolean): void {
    if (ok && request.operation === BlockOp.barrier) {
      this.#flush(request);
    } else {
      this.#finish(request, ok);
    }
  }

  /**
   * Returns the segments of a request, each within its page; nothing for a request that is wrong.
   */
  #segmentsOf(request: BlockRequest): readonly BlockSegment[] | undefined {
    const isIndirect = request.indirectGrants.length > 0;
    const most = isIndirect ? mostIndirectSegments : mostDirectSegments;
    if (request.segmentCount > most) {
      return undefined;
    }
    const segments = isIndirect ? this.#readIndirect(request) : request.segments;
    const isGood = segments?.every(
      ({ firstSector, lastSector }) => firstSector <= lastSector && lastSector < sectorsPerPage,
    );
    return isGood === true ? segments : undefined;
  }

  #readIndirect(request: BlockRequest): readonly BlockSegment[] | undefined {
    const segments: BlockSegment[] = [];
    for (const reference of request.indirectGrants) {
      const grant = this.#page(reference, false);
      if (grant === undefined) {
        return undefined;
      }
      segments.push(
        ...this.#ring.segmentsAt(grant.physical, request.segmentCount - segments.length),
      );
    }
    return segments;
  }

  /** Copies from the buffer to the pages of a read. */
  #scatter(segments: readonly BlockSegment[], bytes: Uint8Array): boolean {
    return this.#eachPart(segments, true, (physical, offset, count) => {
      this.#domain.services.memory.write(physical, bytes.subarray(offset, offset + count));
    });
  }

  /** Copies from the pages of a write to the buffer. */
  #gather(segments: readonly BlockSegment[], bytes: Uint8Array): boolean {
    return this.#eachPart(segments, false, (physical, offset, count) => {
      this.#domain.services.memory.read(physical, bytes.subarray(offset, offset + count));
    });
  }

  #eachPart(
    segments: readonly BlockSegment[],
    write: boolean,
    part: (physical: number, offset: number, count: number) => void,
  ): boolean {
    let offset = 0;
    for (const { grant: reference, firstSector, lastSector } of segments) {
      const grant = this.#page(reference, write);
      if (grant === undefined) {
        return false;
      }
      const count = (lastSector - firstSector + 1) * sectorBytes;
      part(grant.physical + firstSector * sectorBytes, offset, count);
      offset += count;
    }
    return true;
  }

  /** A grant of a whole page of RAM, for a copy at once. */
  #page(reference: number, write: boolean): Grant | undefined {
    const grant = this.#domain.grants.look(reference, write);
    return grant?.bytes === sectorBytes * sectorsPerPage ? grant : undefined;
  }

  #inRange(sector: number, count: number): boolean {
    return sector + count <= Math.floor(this.#storage.bytes / sectorBytes);
  }

  #bufferOf(bytes: number): Uint8Array {
    if (this.#buffer.bytes.length < bytes) {
      this.#buffer.bytes = new Uint8Array(bytes);
    }
    return this.#buffer.bytes.subarray(0, bytes);
  }

  #finish(request: BlockRequest, ok: boolean): void {
    this.#answer(request, ok ? BlockStatus.okay : BlockStatus.error);
  }

  #answer(request: BlockRequest, status: number): void {
    this.#busy = false;
    if (this.#closed) {
      return;
    }
    this.counters.errors += status === BlockStatus.okay ? 0 : 1;
    if (this.#ring.answer(request, status)) {
      this.#tell();
    }
    this.serve();
  }
}
