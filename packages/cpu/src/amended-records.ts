/**
 * Lets records follow code that patches its constants, as texture mappers, sound mixers and
 * interrupt handlers of the 1990s do: the instruction is decoded again in place, and where only its
 * immediate, displacement or branch distance is another, all that leads to the record stays.
 */
import { BlockField, type CodeCache, type RecordAmender } from '@ringfence/code-cache';
import { decodeInto, Instruction } from '@ringfence/decoder';
import { CodeMode, type MachineMemory, type PhysicalMemory } from '@ringfence/memory';
import {
  type Interpreter,
  type Variant,
  recordBytes,
  RecordField,
  RecordWriter,
  variantOf,
} from '@ringfence/translator';
import { bitsOf } from './instruction-fetch.ts';

/** The most records between the first of a case and the last one that it depends on. */
const longestReach = 16 * recordBytes;

/** What the amender works on. */
export interface AmenderParts {
  readonly machine: MachineMemory;
  readonly physical: PhysicalMemory;
  readonly cache: CodeCache;
  readonly interpreter: Interpreter;
  /** See `formsOf`. */
  readonly forms: Int16Array;
  /** The variant of the instruction at an offset of a page at which a region is entered. */
  readonly enteredAt: (page: number, offset: number) => Variant | undefined;
}

/** The amender of one CPU's records. */
export class AmendedRecords implements RecordAmender {
  readonly #parts: AmenderParts;
  readonly #writer: RecordWriter;
  readonly #halves: Uint16Array;
  readonly #instruction = new Instruction();

  constructor(parts: AmenderParts) {
    this.#parts = parts;
    this.#writer = new RecordWriter(parts.machine.memory.buffer);
    this.#halves = new Uint16Array(parts.machine.memory.buffer);
  }

  amend(block: number, offsets: readonly number[], first: number, last: number): boolean {
    const { machine, cache } = this.#parts;
    const mode = machine.i32[(block + BlockField.mode) >> 2] ?? 0;
    // The code segment ends in such a page.
    if ((mode & CodeMode.limited) !== 0) return false;
    const page = machine.i32[(block + BlockField.page) >> 2] ?? 0;
    let amended = 0;
    // The instructions of a case stand behind it.
    for (let at = offsets.length - 1; at >= 0; at--) {
      const offset = offsets[at] ?? 0;
      const record = cache.lookup(block, offset);
      const end = offset + (machine.u8[record + RecordField.length] ?? 0);
      if (end <= first) {
        const reach = amended - record;
        if (reach <= 0 || reach > longestReach || reach % recordBytes !== 0) return false;
        continue;
      }
      if (offset > first || end <= last) return false;
      if (!this.#amendOne(record, page, offset, mode)) return false;
      amended = record;
    }
    return amended !== 0;
  }

  #amendOne(record: number, page: number, offset: number, mode: number): boolean {
    const { machine, physical, interpreter, forms, enteredAt } = this.#parts;
    const { i32, u8 } = machine;
    const backing = physical.backing(page);
    if (backing < 0) return false;
    const instruction = this.#instruction;
    const length = u8[record + RecordField.length] ?? 0;
    const [from, to] = [backing + offset, backing + 4096];
    const decoded = decodeInto(instruction, u8, from, to, bitsOf(mode), forms);
    if (decoded !== length) return false;
    const handler = this.#halves[record >> 1] ?? 0;
    const variant = interpreter.variantOf(handler) ?? enteredAt(page, offset);
    if (variant !== variantOf(instruction, mode)) return false;
    const extent = u8[record + RecordField.extent] ?? 0;
    const word = record >> 2;
    const [shape, registers, address] = [i32[word + 1], i32[word + 2], i32[word + 3]];
    this.#writer.write(record, instruction, handler, offset);
    u8[record + RecordField.extent] = extent;
    return shape === i32[word + 1] && registers === i32[word + 2] && address === i32[word + 3];
  }
}
