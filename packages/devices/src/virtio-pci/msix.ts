/** Message-signalled interrupts of a function (PCI Local Bus Specification 3.0, section 6.8.2). */
import type { AccessSize } from '../interfaces.ts';
import type { MsixEntryState } from './state.ts';

/** Where message-signalled interrupts go: the local APICs. */
export interface MessageTarget {
  /** Writes `data` to the message address. */
  send(address: number, data: number): void;
}

const enableBit = 0x8000_0000;
const maskAllBit = 0x4000_0000;
const entryBytes = 16;
/** Where the pending bits follow the table. */
const pendingOffset = 0x1000;

/** The table of vectors and their pending bits. */
export class Msix {
  /** The number of vectors; 0 when the function has no MSI-X. */
  readonly vectors: number;
  readonly #target: MessageTarget | undefined;
  readonly #capability: () => number;
  #entries: MsixEntryState[];

  /** Makes a table; `capability` reads the first word of the capability. */
  constructor(target: MessageTarget | undefined, vectors: number, capability: () => number) {
    this.vectors = vectors;
    this.#target = target;
    this.#capability = capability;
    this.#entries = this.#masked();
  }

  /** Whether the driver turned message-signalled interrupts on. */
  get enabled(): boolean {
    return this.vectors > 0 && (this.#capability() & enableBit) !== 0;
  }

  /** Sends a vector's message, or remembers it while it is masked. */
  signal(vector: number): void {
    const entry = this.#entries[vector];
    if (entry === undefined) return;
    if (entry.masked || (this.#capability() & maskAllBit) !== 0) {
      entry.pending = true;
    } else {
      entry.pending = false;
      // Messages to addresses past 4 GiB reach no processor.
      if (entry.addressHigh === 0) this.#target?.send(entry.addressLow, entry.data);
    }
  }

  /** Sends what is pending and no longer masked. */
  unmasked(): void {
    if (!this.enabled) return;
    for (const [vector, entry] of this.#entries.entries()) {
      if (entry.pending) this.signal(vector);
    }
  }

  /** Reads the table, or the pending bits behind it. */
  read(offset: number, size: AccessSize): number {
    if (size !== 4) return 0;
    if (offset >= pendingOffset) {
      return offset === pendingOffset
        ? this.#entries.reduce((bits, { pending }, at) => bits | (pending ? 1 << at : 0), 0) >>> 0
        : 0;
    }
    const entry = this.#entries[Math.floor(offset / entryBytes)];
    if (entry === undefined) return 0;
    const { addressLow, addressHigh, data, masked } = entry;
    return [addressLow, addressHigh, data, masked ? 1 : 0][(offset % entryBytes) >> 2] ?? 0;
  }

  /** Writes the table. */
  write(offset: number, size: AccessSize, value: number): void {
    const entry = this.#entries[Math.floor(offset / entryBytes)];
    if (entry === undefined || size !== 4) return;
    const field = (offset % entryBytes) >> 2;
    if (field === 0) entry.addressLow = (value & ~3) >>> 0;
    if (field === 1) entry.addressHigh = value;
    if (field === 2) entry.data = value;
    if (field === 3) {
      entry.masked = (value & 1) !== 0;
      this.unmasked();
    }
  }

  /** Masks every vector. */
  reset(): void {
    this.#entries = this.#masked();
  }

  /** Returns a copy of the table. */
  save(): MsixEntryState[] {
    return this.#entries.map((entry) => ({ ...entry }));
  }

  /** Takes over a saved table. */
  restore(entries: readonly MsixEntryState[]): void {
    this.#entries = entries.map((entry) => ({ ...entry }));
  }

  #masked(): MsixEntryState[] {
    return Array.from({ length: this.vectors }, () => ({
      addressLow: 0,
      addressHigh: 0,
      data: 0,
      masked: true,
      pending: false,
    }));
  }
}
