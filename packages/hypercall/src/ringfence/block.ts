/**
 * Disk requests of Ringfence's own interface: a list of them in one call, each with a status that
 * the guest can look at. What is done within the call makes no event.
 */
import {
  BlockOffset,
  blockRequestBytes,
  RingfenceError as Failure,
  RingfenceLimit,
} from './constants.ts';
import type { RingfenceDisk, RingfenceMemory } from './interfaces.ts';

const sectorBytes = 512;
const Operation = { read: 0, write: 1, flush: 2 } as const;
const underWay = 1;

/** What the requests need of the interface around them. */
export interface BlockContext {
  readonly memory: RingfenceMemory;
  readonly disks: readonly (RingfenceDisk | undefined)[];
  /** Whether a range is memory that the guest may name. */
  isOpen(physical: number, bytes: number): boolean;
  /** A request was done after its call had returned. */
  done(): void;
}

/** A request as it was read from the guest. */
interface Request {
  readonly disk: RingfenceDisk;
  readonly operation: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

/** The disks of one guest. */
export class BlockRequests {
  readonly #context: BlockContext;
  /** Addresses of requests under way. */
  readonly #waiting = new Set<number>();
  /** What comes back for requests of before a reset is dropped. */
  #life = 0;

  /** Serves `context.disks`. */
  constructor(context: BlockContext) {
    this.#context = context;
  }

  /** Forgets what is under way. */
  reset(): void {
    this.#waiting.clear();
    this.#life += 1;
  }

  /** Addresses of requests under way: a restored guest's are made again. */
  get waiting(): readonly number[] {
    return [...this.#waiting];
  }

  /** Begins requests in order and returns how many; each has its status. */
  submit(list: number, count: number): number {
    const { isOpen } = this.#context;
    const isTooMuch = this.#waiting.size + count > RingfenceLimit.waiting;
    if (count > RingfenceLimit.requests || isTooMuch) {
      return -Failure.tooMany;
    }
    if (list % 4 !== 0) {
      return -Failure.badArgument;
    }
    if (!isOpen(list, count * blockRequestBytes)) {
      return -Failure.badAddress;
    }
    for (let index = 0; index < count; index += 1) {
      this.begin(list + index * blockRequestBytes);
    }
    return count;
  }

  /** Begins the request at an address that is memory. */
  begin(at: number): void {
    const { memory } = this.#context;
    const request = this.#read(at);
    if (typeof request === 'number') {
      memory.write32(at + BlockOffset.status, request);
      return;
    }
    const life = this.#life;
    let isWithin = true;
    memory.write32(at + BlockOffset.status, underWay);
    this.#waiting.add(at);
    this.#start(request, (ok) => {
      if (life !== this.#life || !this.#waiting.delete(at)) {
        return;
      }
      memory.write32(at + BlockOffset.status, ok ? 0 : -Failure.inputOutput);
      if (!isWithin) {
        this.#context.done();
      }
    });
    isWithin = false;
  }

  #start({ disk, operation, offset, address, bytes }: Request, done: (ok: boolean) => void): void {
    const { memory } = this.#context;
    const data = new Uint8Array(bytes);
    switch (operation) {
      case Operation.read: {
        const life = this.#life;
        disk.read(offset, data, (ok) => {
          if (ok && life === this.#life) {
            memory.write(address, data);
          }
          done(ok);
        });
        break;
      }
      case Operation.write:
        memory.read(address, data);
        disk.write(offset, data, done);
        break;
      default:
        disk.flush(done);
    }
  }

  /** Reads and checks a request; a negative error for one that is refused. */
  #read(at: number): Request | number {
    const { memory, disks, isOpen } = this.#context;
    const word = (offset: number): number => memory.read32(at + offset) >>> 0;
    const operation = word(BlockOffset.operation);
    const disk = disks[word(BlockOffset.disk)];
    const [address, bytes] = [word(BlockOffset.address), word(BlockOffset.bytes)];
    const offset =
      (word(BlockOffset.sector + 4) * 2 ** 32 + word(BlockOffset.sector)) * sectorBytes;
    if (this.#waiting.has(at)) {
      return -Failure.busy;
    }
    if (disk === undefined) {
      return -Failure.noDisk;
    }
    if (operation > Operation.flush) {
      return -Failure.badArgument;
    }
    if (operation === Operation.flush) {
      return { disk, operation, offset: 0, address: 0, bytes: 0 };
    }
    const isSized = bytes > 0 && bytes % sectorBytes === 0 && bytes <= RingfenceLimit.requestBytes;
    if (!isSized || offset + bytes > disk.bytes) {
      return -Failure.badArgument;
    }
    if (!isOpen(address, bytes)) {
      return -Failure.badAddress;
    }
    return operation === Operation.write && disk.readOnly
      ? -Failure.inputOutput
      : { disk, operation, offset, address, bytes };
  }
}
