/**
 * A split virtqueue as the device sees it (virtio 1.2, section 2.7).
 *
 * The rings are the guest's and may hold anything. Indices are checked against the queue's size,
 * chains are followed for `maximumChain` descriptors at most, and what breaks the rules marks the
 * queue as broken until the device is reset. The index of the available ring is read once for each
 * round of work: the guest does not run meanwhile, so what moves it then is the device's own DMA.
 */
import type { DmaMemory } from '../interfaces.ts';
import * as reg from './registers.ts';
import type { VirtqueueState } from './state.ts';

/** A part of guest memory. */
export interface GuestSegment {
  readonly address: number;
  readonly bytes: number;
}

/** A request: the buffers of one descriptor chain. */
export interface DescriptorChain {
  /** The first descriptor, by which the driver knows the chain. */
  readonly head: number;
  /** What the device reads. */
  readonly readable: readonly GuestSegment[];
  /** What the device writes. */
  readonly writable: readonly GuestSegment[];
}

interface Descriptor {
  readonly address: number;
  readonly bytes: number;
  readonly flags: number;
  readonly next: number;
}

/** Thrown and caught within this file. */
class RingFault extends Error {}

/** One queue of a device. */
export class Virtqueue {
  readonly #memory: DmaMemory;
  readonly #scratch = new Uint8Array(reg.descriptorBytes);
  readonly #view = new DataView(this.#scratch.buffer);
  #state: VirtqueueState;
  #eventIndex = false;
  /** The index of the available ring as this round of work found it. */
  #available = 0;
  /** The used index when the driver was last told. */
  #told: number;

  /** Makes a queue over registers that the transport holds. */
  constructor(memory: DmaMemory, state: VirtqueueState) {
    this.#memory = memory;
    this.#state = state;
    this.#told = state.usedIndex;
  }

  /** Whether the driver may use the queue and has kept its rules. */
  get usable(): boolean {
    return this.#state.enabled && !this.#state.broken;
  }

  /** Whether the rings broke the rules. */
  get broken(): boolean {
    return this.#state.broken;
  }

  /** Takes over other registers, after a reset or from a saved state. */
  connect(state: VirtqueueState, eventIndex: boolean): void {
    this.#state = state;
    this.#told = state.usedIndex;
    this.#available = state.availableIndex;
    this.#eventIndex = eventIndex;
  }

  /** Sees what the driver made available; begins a round of work. */
  look(): void {
    if (!this.usable) return;
    this.#available = this.#read16(this.#state.driverArea + 2);
    const waiting = (this.#available - this.#state.availableIndex) & 0xffff;
    if (waiting > this.#state.size) {
      this.#state.broken = true;
    }
  }

  /** Takes the next chain of this round; nothing when there is none, or the rings are broken. */
  pop(): DescriptorChain | undefined {
    const { availableIndex, size, driverArea } = this.#state;
    if (!this.usable || this.#available === availableIndex) return undefined;
    const head = this.#read16(driverArea + 4 + 2 * (availableIndex % size));
    try {
      const chain = this.#follow(head);
      this.#state.availableIndex = (availableIndex + 1) & 0xffff;
      return chain;
    } catch (error) {
      if (!(error instanceof RingFault)) throw error;
      this.#state.broken = true;
      return undefined;
    }
  }

  /** Puts the last popped chain back: a device is saved in the middle of its work. */
  unpop(): void {
    this.#state.availableIndex = (this.#state.availableIndex - 1) & 0xffff;
  }

  /** Gives a chain back to the driver with the number of bytes that were written to it. */
  push(chain: DescriptorChain, written: number): void {
    const { usedIndex, size, deviceArea } = this.#state;
    this.#view.setUint32(0, chain.head, true);
    this.#view.setUint32(4, written >>> 0, true);
    this.#memory.write(deviceArea + 4 + 8 * (usedIndex % size), this.#scratch.subarray(0, 8));
    this.#state.usedIndex = (usedIndex + 1) & 0xffff;
    this.#write16(deviceArea + 2, this.#state.usedIndex);
  }

  /** Ends a round of work: says where the next notification is wanted. */
  rest(): void {
    if (this.usable && this.#eventIndex) {
      const { deviceArea, size, availableIndex } = this.#state;
      this.#write16(deviceArea + 4 + 8 * size, availableIndex);
    }
  }

  /** Whether the driver wants an interrupt for what was given back since it was told last. */
  wantsInterrupt(): boolean {
    const { driverArea, size, usedIndex } = this.#state;
    const told = this.#told;
    this.#told = usedIndex;
    if (told === usedIndex) return false;
    if (!this.#eventIndex) {
      return (this.#read16(driverArea) & reg.availableNoInterrupt) === 0;
    }
    // Section 2.7.10: the event lies among the entries that were added.
    const event = this.#read16(driverArea + 4 + 2 * size);
    return ((usedIndex - event - 1) & 0xffff) < ((usedIndex - told) & 0xffff);
  }

  #follow(head: number): DescriptorChain {
    const readable: GuestSegment[] = [];
    const writable: GuestSegment[] = [];
    let table = this.#state.descriptors;
    let entries = this.#state.size;
    let isIndirect = false;
    let index = head;
    for (let followed = 0; followed < reg.maximumChain; followed += 1) {
      if (index >= entries) throw new RingFault();
      const { address, bytes, flags, next } = this.#descriptor(table, index);
      if ((flags & reg.descriptorFlag.indirect) !== 0) {
        const isTable = bytes !== 0 && bytes % reg.descriptorBytes === 0;
        const isLast = (flags & reg.descriptorFlag.next) === 0;
        if (isIndirect || !isTable || !isLast) throw new RingFault();
        isIndirect = true;
        table = address;
        entries = bytes / reg.descriptorBytes;
        index = 0;
        continue;
      }
      if ((flags & reg.descriptorFlag.write) !== 0) {
        writable.push({ address, bytes });
      } else if (writable.length > 0) {
        throw new RingFault();
      } else {
        readable.push({ address, bytes });
      }
      if ((flags & reg.descriptorFlag.next) === 0) return { head, readable, writable };
      index = next;
    }
    throw new RingFault();
  }

  #descriptor(table: number, index: number): Descriptor {
    this.#memory.read(table + index * reg.descriptorBytes, this.#scratch);
    const view = this.#view;
    return {
      address: view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true),
      bytes: view.getUint32(8, true),
      flags: view.getUint16(12, true),
      next: view.getUint16(14, true),
    };
  }

  #read16(address: number): number {
    this.#memory.read(address, this.#scratch.subarray(0, 2));
    return this.#view.getUint16(0, true);
  }

  #write16(address: number, value: number): void {
    this.#view.setUint16(0, value, true);
    this.#memory.write(address, this.#scratch.subarray(0, 2));
  }
}
