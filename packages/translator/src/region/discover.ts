/**
 * Finds the code of a region: the basic blocks that direct branches reach from a hot instruction
 * without leaving its page. A page is the unit because what follows in the next page depends on the
 * address space.
 */
import { decodeInto, Instruction, OperandKind } from '@ringfence/decoder';
import { FORMS } from '@ringfence/isa';
import type { Variant } from '../semantics/variant.ts';
import { variantOf } from '../semantics/variant.ts';
import type { Suitabilities } from './suitability.ts';
import { Suitability } from './suitability.ts';

/** One instruction of a region. */
export interface RegionInstruction {
  /** Offset in the page. */
  readonly offset: number;
  readonly instruction: Instruction;
  readonly variant: Variant;
  readonly suitability: number;
}

/** A basic block: instructions that run one after the other. */
export interface RegionBlock {
  readonly offset: number;
  readonly instructions: readonly RegionInstruction[];
  /** Offset after the last instruction. */
  readonly end: number;
  /** Offset that a relative branch at the end leads to, if in the page; else -1. */
  readonly target: number;
  /** Whether control can run on to `end`. */
  readonly fallsThrough: boolean;
  /** Whether it ends in a call, which comes back to `end`. */
  readonly isCall: boolean;
  /** Whether it ends in a return. */
  readonly isReturn: boolean;
  /** Whether the interpreter may enter here. */
  readonly isEntry: boolean;
}

/** Limits of a region. */
export const regionLimits = { instructions: 160, blocks: 80 } as const;

/** What a region is found in. */
export interface RegionSource {
  readonly bytes: Uint8Array;
  /** Address in `bytes` of the page. */
  readonly backing: number;
  readonly codeMode: number;
  readonly bits: 16 | 32 | 64;
  readonly suitabilities: Suitabilities;
}

/**
 * The blocks of the region around the instruction at an offset, by offset; empty if it is
 * unsuitable.
 */
export function discover(source: RegionSource, start: number): RegionBlock[] {
  const search = new Search(source);
  search.run(start);
  return search.blocks();
}

class Search {
  readonly #source: RegionSource;
  readonly #found = new Map<number, RegionInstruction>();
  readonly #leaders = new Set<number>();
  readonly #entries = new Set<number>();

  constructor(source: RegionSource) {
    this.#source = source;
  }

  run(start: number): void {
    const work = [start];
    this.#entries.add(start);
    this.#leaders.add(start);
    // Breadth first: what is near the hot instruction comes before what is far.
    for (let next = 0; next < work.length; next++) {
      if (this.#found.size >= regionLimits.instructions) return;
      this.#follow(work[next] ?? 0, work);
    }
  }

  /** Decodes from an offset to the end of what runs in sequence. */
  #follow(start: number, work: number[]): void {
    let offset = start;
    while (!this.#found.has(offset) && this.#found.size < regionLimits.instructions) {
      const found = this.#decode(offset);
      if (found === undefined) return;
      this.#found.set(offset, found);
      const end = offset + found.instruction.length;
      if (found.suitability === Suitability.unsuitable) {
        this.#enterAt(end, work);
        return;
      }
      const flow = FORMS[found.instruction.form]?.flow;
      const target = targetOf(found);
      if (target >= 0) {
        this.#leaders.add(target);
        if (target <= offset) this.#entries.add(target);
        if (flow !== 'call') work.push(target);
      }
      if (flow === 'call') this.#enterAt(end, work);
      if (flow !== 'next') {
        this.#leaders.add(end);
        if (flow !== 'branch') return;
      }
      offset = end;
    }
  }

  /** Code that runs when the interpreter, or a callee, comes back. */
  #enterAt(offset: number, work: number[]): void {
    if (offset >= 4096) return;
    this.#leaders.add(offset);
    this.#entries.add(offset);
    work.push(offset);
  }

  #decode(offset: number): RegionInstruction | undefined {
    const { bytes, backing, bits, codeMode } = this.#source;
    if (offset >= 4096) return undefined;
    const instruction = new Instruction();
    if (decodeInto(instruction, bytes, backing + offset, backing + 4096, bits) <= 0)
      return undefined;
    const variant = variantOf(instruction, codeMode);
    return { offset, instruction, variant, suitability: this.#source.suitabilities.of(variant) };
  }

  blocks(): RegionBlock[] {
    const offsets = [...this.#found.keys()].sort((a, b) => a - b);
    const blocks: RegionBlock[] = [];
    let current: RegionInstruction[] = [];
    for (const offset of offsets) {
      const found = this.#found.get(offset);
      if (found === undefined) continue;
      const last = current[current.length - 1];
      const joins = last !== undefined && last.offset + last.instruction.length === offset;
      if (last !== undefined && (!joins || this.#leaders.has(offset) || endsBlock(last))) {
        this.#close(blocks, current);
        current = [];
      }
      if (found.suitability === Suitability.unsuitable) {
        this.#close(blocks, current);
        current = [];
        continue;
      }
      current.push(found);
    }
    this.#close(blocks, current);
    return blocks.slice(0, regionLimits.blocks);
  }

  #close(blocks: RegionBlock[], instructions: readonly RegionInstruction[]): void {
    const first = instructions[0];
    const last = instructions[instructions.length - 1];
    if (first === undefined || last === undefined) return;
    const flow = FORMS[last.instruction.form]?.flow;
    blocks.push({
      offset: first.offset,
      instructions,
      end: last.offset + last.instruction.length,
      target: targetOf(last),
      fallsThrough: flow === 'next' || flow === 'branch',
      isCall: flow === 'call',
      isReturn: flow === 'return',
      isEntry: this.#entries.has(first.offset),
    });
  }
}

function endsBlock(found: RegionInstruction): boolean {
  return FORMS[found.instruction.form]?.flow !== 'next';
}

/** Offset in the page that a relative branch leads to, -1 for others and for other pages. */
function targetOf(found: RegionInstruction): number {
  const { instruction, offset } = found;
  if (instruction.operandKind[0] !== OperandKind.relative) return -1;
  const target = offset + instruction.length + instruction.immediate;
  return target >= 0 && target < 4096 ? target : -1;
}
