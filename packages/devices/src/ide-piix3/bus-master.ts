import type { AccessSize, DmaMemory } from '../interfaces.ts';
import * as reg from './registers.ts';
import type { BusMasterState } from './state.ts';

const descriptorBytes = 8;

/** Returns a bus master's registers after reset. */
export function resetBusMaster(): BusMasterState {
  return { command: 0, status: 0, table: 0, next: 0, address: 0, bytes: 0, last: false };
}

/** The bus master of one channel: moves bytes as a table of descriptors in memory says. */
export class BusMaster {
  readonly #memory: DmaMemory;
  readonly #started: () => void;
  readonly #descriptor = new DataView(new ArrayBuffer(descriptorBytes));
  #state: BusMasterState = resetBusMaster();

  /** Makes a bus master; `started` is called when the host starts it. */
  constructor(memory: DmaMemory, started: () => void) {
    this.#memory = memory;
    this.#started = started;
  }

  /** Whether it waits for the drive's data. */
  get active(): boolean {
    return (this.#state.status & reg.masterStatus.active) !== 0;
  }

  /** Whether the host means data to go to memory. */
  get toMemory(): boolean {
    return (this.#state.command & reg.masterCommand.toMemory) !== 0;
  }

  /** Reads one of the eight ports. */
  read(port: number): number {
    const { command, status, table } = this.#state;
    if (port === 0) return command;
    if (port === 2) return status;
    return port >= 4 ? (table >>> (8 * (port - 4))) & 0xff : 0;
  }

  /** Writes one of the eight ports. */
  write(port: number, value: number): void {
    const state = this.#state;
    if (port === 0) {
      this.#writeCommand(value);
    } else if (port === 2) {
      const { drives, error, interrupt, active } = reg.masterStatus;
      const kept = state.status & (active | (~value & (error | interrupt)));
      state.status = kept | (value & drives);
    } else if (port >= 4) {
      const shift = 8 * (port - 4);
      const mask = (0xff << shift) >>> 0;
      const table = (state.table & ~mask) | ((value << shift) & mask);
      state.table = (table & ~3) >>> 0;
    }
  }

  /** Writes all four bytes of the table's address, or one of them. */
  writeWide(port: number, size: AccessSize, value: number): void {
    for (let index = 0; index < size; index += 1) {
      this.write(port + index, (value >>> (8 * index)) & 0xff);
    }
  }

  /** Moves bytes to memory; returns how many found room. */
  toGuest(source: Uint8Array): number {
    return this.#move(source, (address, part) => {
      this.#memory.write(address, part);
    });
  }

  /** Fills a buffer from memory; returns how many bytes there were. */
  fromGuest(target: Uint8Array): number {
    return this.#move(target, (address, part) => {
      this.#memory.read(address, part);
    });
  }

  /** The drive has no more data: the transfer is over once the descriptors are, too. */
  finished(): void {
    const { bytes, last } = this.#state;
    if (bytes === 0 && last) this.#state.status &= ~reg.masterStatus.active;
  }

  /** The drive raised its interrupt. */
  interrupted(): void {
    this.#state.status |= reg.masterStatus.interrupt;
  }

  /** Returns to the registers after reset. */
  reset(): void {
    this.#state = resetBusMaster();
  }

  /** Returns a copy of the registers. */
  save(): BusMasterState {
    return { ...this.#state };
  }

  /** Takes over saved registers. */
  restore(state: BusMasterState): void {
    this.#state = { ...state };
  }

  #writeCommand(value: number): void {
    const state = this.#state;
    const wasStarted = (state.command & reg.masterCommand.start) !== 0;
    state.command = value & (reg.masterCommand.start | reg.masterCommand.toMemory);
    const isStarted = (state.command & reg.masterCommand.start) !== 0;
    if (isStarted && !wasStarted) {
      state.status |= reg.masterStatus.active;
      state.next = state.table;
      state.bytes = 0;
      state.last = false;
      this.#started();
    } else if (!isStarted) {
      state.status &= ~reg.masterStatus.active;
    }
  }

  #move(buffer: Uint8Array, use: (address: number, part: Uint8Array) => void): number {
    const state = this.#state;
    let done = 0;
    while (done < buffer.length) {
      if (state.bytes === 0 && !this.#nextDescriptor()) {
        // The table is over before the drive is: section 3.1, "active 0, interrupt 0".
        state.status &= ~reg.masterStatus.active;
        break;
      }
      const part = Math.min(state.bytes, buffer.length - done);
      use(state.address, buffer.subarray(done, done + part));
      state.address = (state.address + part) % 2 ** 32;
      state.bytes -= part;
      done += part;
    }
    return done;
  }

  #nextDescriptor(): boolean {
    const state = this.#state;
    const end = state.table + reg.mostDescriptors * descriptorBytes;
    if (state.last || state.next >= end) return false;
    this.#memory.read(state.next, new Uint8Array(this.#descriptor.buffer));
    state.next += descriptorBytes;
    state.address = (this.#descriptor.getUint32(0, true) & ~1) >>> 0;
    const bytes = this.#descriptor.getUint16(4, true) & 0xfffe;
    state.bytes = bytes === 0 ? 0x1_0000 : bytes;
    state.last = (this.#descriptor.getUint8(7) & 0x80) !== 0;
    return true;
  }
}
