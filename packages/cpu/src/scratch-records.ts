/**
 * Records of instructions that no code page can hold: those that cross into another page, whose
 * second half may be any page by the next time, and those in memory that is not backed.
 *
 * Each execution of such an instruction comes to the host. A slot remembers what a crossing record
 * was decoded from; as long as both pages may still be executed and hold the same bytes, its record
 * is used again. Hot: `find`, about once per thousand instructions of ordinary code.
 */
import { BlockField } from '@ringfence/code-cache';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { Layout } from '@ringfence/memory';
import { recordBytes, RecordField } from '@ringfence/translator';
import { Word } from './state-view.ts';

/** Slots; two crossing records that share one only cost decoding. */
const slotCount = 512;

/** A slot is the instruction's record and the one after it, which leads to the next instruction. */
const slotBytes = 2 * recordBytes;

/** The longest instruction (SDM 2A 2.3.11). */
const longestInstruction = 15;

const dirExec = Word.dirExec;

/** Scratch records by the crossing record that they stand for. */
export class ScratchRecords {
  readonly #state: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #physical: PhysicalMemory;
  readonly #owner = new Int32Array(slotCount);
  readonly #mode = new Int32Array(slotCount);
  readonly #length = new Uint8Array(slotCount);
  readonly #link = new Int32Array(slotCount);
  readonly #copies = new Uint8Array(slotCount * longestInstruction);

  constructor(machine: MachineMemory, physical: PhysicalMemory) {
    this.#state = machine.i32;
    this.#bytes = machine.u8;
    this.#physical = physical;
  }

  /** Address of the slot for the record at `owner`; what it held is forgotten by `keep`. */
  slot(owner: number): number {
    return Layout.scratch + slotOf(owner) * slotBytes;
  }

  /** Notes that the slot's record was decoded for `owner` from `length` bytes of `window`. */
  keep(owner: number, window: Uint8Array, length: number): void {
    const slot = slotOf(owner);
    this.#owner[slot] = length === 0 ? 0 : owner;
    this.#mode[slot] = this.#state[Word.codeMode] ?? 0;
    this.#length[slot] = length;
    this.#copies.set(window.subarray(0, length), slot * longestInstruction);
    this.#link[slot] = this.#state[(this.slot(owner) + RecordField.link) >> 2] ?? 0;
  }

  /**
   * The record kept for `owner` if it is still what stands at the linear address, within `room`
   * bytes of the code segment, else 0.
   */
  find(owner: number, linear: number, room: number): number {
    const slot = slotOf(owner);
    const state = this.#state;
    if (this.#owner[slot] !== owner || this.#mode[slot] !== state[Word.codeMode]) return 0;
    const length = this.#length[slot] ?? 0;
    if (length > room) return 0;
    const inFirst = 4096 - (linear & 4095);
    const first = this.#executable(linear);
    const second = this.#executable((linear + inFirst) | 0);
    if (first < 0 || second < 0) return 0;
    const copy = slot * longestInstruction;
    const begin = first + (linear & 4095);
    for (let index = 0; index < length; index++) {
      const at = index < inFirst ? begin + index : second + index - inFirst;
      if (this.#bytes[at] !== this.#copies[copy + index]) return 0;
    }
    const record = this.slot(owner);
    // A link that a branch was given may lead to records that are gone by now.
    state[(record + RecordField.link) >> 2] = this.#link[slot] ?? 0;
    return record;
  }

  /** Backing of the page at a linear address if the current exec directory knows it, else -1. */
  #executable(linear: number): number {
    const state = this.#state;
    const leaf = state[((state[dirExec] ?? 0) + ((linear >>> 20) & 0xffc)) >>> 2] ?? 0;
    const block = state[(leaf + ((linear >>> 10) & 0xffc)) >>> 2] ?? 0;
    if (block === 0 || state[block >>> 2] === 0) return -1;
    return this.#physical.backing(state[(block + BlockField.page) >>> 2] ?? 0);
  }
}

function slotOf(owner: number): number {
  return ((owner ^ (owner >>> 13)) >>> 5) & (slotCount - 1);
}
