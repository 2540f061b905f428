/**
 * Memory as the services of the built-in BIOS see it: guest-physical in real mode, and where a
 * memory manager runs the caller in virtual-8086 mode what its page tables lead to.
 */
import type { Virtual8086Caller } from '@ringfence/hypercall';
import type { PhysicalMemory } from '@ringfence/memory';

import type { Board } from '../board.ts';

const pageBytes = 4096;

/** What services use of a board. */
export interface BiosBoard extends Pick<Board, 'ports' | 'requests' | 'clock' | 'timers'> {
  readonly memory: BiosMemory;
  /** Returns one more source of an ISA interrupt request. */
  isaIrq: Board['isaIrq'];
}

/** A part of memory that stays where it is, whatever becomes of page tables. */
export interface PinnedMemory {
  /** Reads bytes `offset` bytes into it. */
  read(offset: number, target: Uint8Array): void;
  /** Writes them. */
  write(offset: number, source: Uint8Array): void;
}

/**
 * Reads and writes memory for a caller. What it may not touch reads as ones and is not written:
 * its own access would be a page fault, which a service that is half done cannot have.
 */
export class BiosMemory {
  readonly #physical: PhysicalMemory;
  #caller: Virtual8086Caller | undefined;

  /** Makes the memory of a board. */
  constructor(physical: PhysicalMemory) {
    this.#physical = physical;
  }

  /** Whether the caller that is served is in virtual-8086 mode. */
  get isVirtual(): boolean {
    return this.#caller !== undefined;
  }

  /** The guest's RAM in bytes. */
  get usableBytes(): number {
    return this.#physical.machine.usableBytes;
  }

  /** Whether address line 20 is open. */
  get a20(): boolean {
    return this.#physical.a20;
  }

  /** Opens or shuts address line 20. */
  setA20(isOpen: boolean): void {
    this.#physical.setA20(isOpen);
  }

  /** Serves a caller: addresses are its linear ones meanwhile. */
  serveFor<Result>(caller: Virtual8086Caller | undefined, serve: () => Result): Result {
    this.#caller = caller;
    try {
      return serve();
    } finally {
      this.#caller = undefined;
    }
  }

  /** Reads a byte. */
  read8(address: number): number {
    return this.#caller === undefined ? this.#physical.read8(address) : this.#bytes(address, 1);
  }

  /** Reads 16 bits. */
  read16(address: number): number {
    return this.#caller === undefined ? this.#physical.read16(address) : this.#bytes(address, 2);
  }

  /** Reads 32 bits, signed. */
  read32(address: number): number {
    return this.#caller === undefined ? this.#physical.read32(address) : this.#bytes(address, 4);
  }

  /** Writes a byte. */
  write8(address: number, value: number): void {
    if (this.#caller === undefined) this.#physical.write8(address, value);
    else this.#setBytes(address, 1, value);
  }

  /** Writes 16 bits. */
  write16(address: number, value: number): void {
    if (this.#caller === undefined) this.#physical.write16(address, value);
    else this.#setBytes(address, 2, value);
  }

  /** Writes 32 bits. */
  write32(address: number, value: number): void {
    if (this.#caller === undefined) this.#physical.write32(address, value);
    else this.#setBytes(address, 4, value);
  }

  /** Reads bytes. */
  read(address: number, target: Uint8Array): void {
    this.pin(address, target.length, false).read(0, target);
  }

  /** Writes bytes. */
  write(address: number, source: Uint8Array): void {
    this.pin(address, source.length, true).write(0, source);
  }

  /** Finds out where `bytes` from an address on are, to be used now or later. */
  pin(address: number, bytes: number, isWrite: boolean): PinnedMemory {
    const physical = this.#physical;
    const caller = this.#caller;
    if (caller === undefined) {
      return {
        read: (offset, target) => {
          physical.read(address + offset, target);
        },
        write: (offset, source) => {
          physical.write(address + offset, source);
        },
      };
    }
    const first = Math.floor(address / pageBytes);
    const count = Math.floor((address + Math.max(1, bytes) - 1) / pageBytes) - first + 1;
    const pages = Array.from({ length: count }, (_, index) =>
      caller.physical((first + index) * pageBytes, isWrite),
    );
    const eachPart = (
      offset: number,
      buffer: Uint8Array,
      use: (at: number, part: Uint8Array) => void,
    ): void => {
      for (let done = 0; done < buffer.length;) {
        const linear = address + offset + done;
        const inPage = linear % pageBytes;
        const length = Math.min(pageBytes - inPage, buffer.length - done);
        const page = pages[Math.floor(linear / pageBytes) - first] ?? -1;
        use(page < 0 ? -1 : page + inPage, buffer.subarray(done, done + length));
        done += length;
      }
    };
    return {
      read: (offset, target) => {
        eachPart(offset, target, (at, part) => {
          if (at < 0) part.fill(0xff);
          else physical.read(at, part);
        });
      },
      write: (offset, source) => {
        eachPart(offset, source, (at, part) => {
          if (at >= 0) physical.write(at, part);
        });
      },
    };
  }

  #bytes(address: number, count: 1 | 2 | 4): number {
    const bytes = new Uint8Array(4);
    this.read(address, bytes.subarray(0, count));
    return new DataView(bytes.buffer).getInt32(0, true);
  }

  #setBytes(address: number, count: 1 | 2 | 4, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value | 0, true);
    this.write(address, bytes.subarray(0, count));
  }
}
