/**
 * A stack as the far transfers see it: items popped and frames pushed with the limit checks of its
 * segment and the wrap of its pointer (SDM 1 6.2, SDM 3A 5.3).
 *
 * A frame is all or nothing: `reserve` checks every byte against the segment and against paging,
 * after which `push` cannot fail. Hot: used by every interrupt and IRET; benchmark in
 * segmentation.bench.ts.
 */
import { Attribute, Word } from './descriptor.ts';
import { stackFault, type Fault } from './fault.ts';
import type { LinearMemory } from './interfaces.ts';

/** One stack: a decoded stack segment, a pointer into it, and the privilege of its accesses. */
export class Stack {
  readonly #memory: LinearMemory;
  #base = 0;
  #mask = 0;
  #readFirst = 0;
  #writeFirst = 0;
  #last = 0;
  #system = false;
  /** ESP, or SP in a 16-bit stack segment (SS.B clear). */
  pointer = 0;
  /** Fault of the last `peek`. */
  fault: Fault = 0;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  /** Takes the stack segment decoded at `words[at]`, with `esp` of which it uses SP or ESP. */
  open(words: Int32Array, at: number, esp: number, system: boolean): void {
    const attributes = words[at + Word.attributes] ?? 0;
    this.#mask = (attributes & Attribute.default32) !== 0 ? -1 : 0xffff;
    this.#base = words[at + Word.base] ?? 0;
    this.#readFirst = (words[at + Word.readFirst] ?? 0) >>> 0;
    this.#writeFirst = (words[at + Word.writeFirst] ?? 0) >>> 0;
    this.#last = (words[at + Word.readLast] ?? 0) >>> 0;
    this.#system = system;
    this.pointer = esp & this.#mask;
  }

  /** The item of 2 or 4 bytes at `pointer + offset`; sets `fault`, #SS(0) outside the segment. */
  peek(offset: number, size: number): number {
    const at = ((this.pointer + offset) & this.#mask) >>> 0;
    if (at < this.#readFirst || at + size - 1 > this.#last) {
      this.fault = stackFault(0);
      return 0;
    }
    const memory = this.#memory;
    const linear = (this.#base + at) | 0;
    const value =
      size === 4 ? memory.read32(linear, this.#system) : memory.read16(linear, this.#system);
    this.fault = memory.fault;
    return value;
  }

  /** Moves the pointer up by `bytes`, as a POP does. */
  release(bytes: number): void {
    this.pointer = (this.pointer + bytes) & this.#mask;
  }

  /**
   * Makes sure that `count` pushes of `size` bytes will succeed, else #SS(`error`) or #PF, which is
   * that of the first push that would fault, as a processor reports it.
   */
  reserve(count: number, size: number, error: number): Fault {
    const bytes = count * size;
    const first = ((this.pointer - bytes) & this.#mask) >>> 0;
    const last = ((this.pointer - 1) & this.#mask) >>> 0;
    if (first <= last) {
      if (first < this.#writeFirst || last > this.#last) return stackFault(error);
      const fault = this.#memory.probeWrite((this.#base + first) | 0, bytes, this.#system);
      if (fault === 0) return 0;
      return this.#reserveItems(count, size, error) || fault;
    }
    return this.#reserveItems(count, size, error);
  }

  /** Item by item: a frame that faults, or that wraps from offset 0 to the top of the segment. */
  #reserveItems(count: number, size: number, error: number): Fault {
    for (let item = 1; item <= count; item++) {
      const first = ((this.pointer - item * size) & this.#mask) >>> 0;
      if (first < this.#writeFirst || first + size - 1 > this.#last) return stackFault(error);
      const fault = this.#memory.probeWrite((this.#base + first) | 0, size, this.#system);
      if (fault !== 0) return fault;
    }
    return 0;
  }

  /** Pushes 2 or 4 bytes of a reserved frame. */
  push(value: number, size: number): void {
    const at = (this.pointer - size) & this.#mask;
    this.pointer = at;
    const linear = (this.#base + at) | 0;
    // Reserved: the result is known to be 0.
    if (size === 4) this.#memory.write32(linear, value, this.#system);
    else this.#memory.write16(linear, value, this.#system);
  }

  /** ESP after the operation: the pointer, under the high half of `esp` in a 16-bit segment. */
  merge(esp: number): number {
    return (esp & ~this.#mask) | this.pointer;
  }
}
