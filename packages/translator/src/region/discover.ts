/**
 * Finds the code of one function for a region: the basic blocks that direct branches reach from a
 * hot instruction, with calls stepped over. Places are offsets from the start of the page that
 * holds the region's entries, negative or past 4095 in other pages: the same code may be mapped
 * elsewhere.
 */
import { decodeInto, Instruction, OperandKind } from '@ringfence/decoder';
import { FORMS } from '@ringfence/isa';
import { Layout } from '@ringfence/memory';
import { InvalidVariant } from '../interpreter/handlers.ts';
import type { Variant } from '../semantics/variant.ts';
import { variantOf } from '../semantics/variant.ts';
import { type ChangingImmediate, immediateOf } from './changing-immediate.ts';
import { JumpTables } from './jump-tables.ts';
import type { Suitabilities } from './suitability.ts';
import { Suitability } from './suitability.ts';

/** One instruction of a region. */
export interface RegionInstruction {
  /** Offset from the region's page. */
  readonly offset: number;
  readonly instruction: Instruction;
  readonly variant: Variant;
  /** What its record in the interpreter is of: another one if it crosses into the next page. */
  readonly recordVariant: Variant;
  readonly suitability: number;
  /** How its immediate is read where the guest writes that again and again. */
  readonly changing: ChangingImmediate | undefined;
  /** Its look-up is its own, as are those of its block by the same base: `RegionPage.isApart`. */
  readonly isApart: boolean;
}

/** Instructions that run one after the other, as they were found. */
export interface FoundBlock {
  /** Offset from the region's page. */
  readonly offset: number;
  readonly instructions: readonly RegionInstruction[];
  /** Offset after the last instruction. */
  readonly end: number;
  /** Offset that a relative branch at the end leads to; undefined for all other ends. */
  readonly target: number | undefined;
  /** Offsets that an indirect jump at the end may lead to, as far as is known. */
  readonly choices: readonly number[];
  /** isa's flow of the last instruction, or `hosted` if its handler function does it. */
  readonly flow: string;
  /** Whether the interpreter may come back here. */
  readonly isEntry: boolean;
}

/** A page that a region may have code in. */
export interface RegionPage {
  /** Guest-physical page number, canonical. */
  readonly page: number;
  /** Address in `RegionSource.bytes` of its memory. */
  readonly backing: number;
  /** Address of its code-page block: while the exec leaf names it, the page is mapped. */
  readonly block: number;
  /** Whether the interpreter has met the instruction at an offset in the page: it is not cold. */
  isKnown(offset: number): boolean;
  /** Whether one of `length` bytes at an offset changes so often that it is no code for regions. */
  readonly isWritten: (offset: number, length: number) => boolean;
  /**
   * Whether regions often gave the instruction at an offset up: maybe because accesses shared a
   * look-up whose range was not in one page.
   */
  readonly isApart: (offset: number) => boolean;
  /** Whether they did so even then, so that its handler does it. */
  readonly isHosted: (offset: number) => boolean;
}

/** What a region is found in. */
export interface RegionSource {
  readonly bytes: Uint8Array;
  readonly codeMode: number;
  readonly bits: 16 | 32 | 64;
  /** What the CPU model has: an argument of `decodeInto`. Without it, everything. */
  readonly forms?: Int16Array;
  readonly suitabilities: Suitabilities;
  /** Linear address of the region's page. */
  readonly base: number;
  /** The word of guest memory at a linear address, undefined if there is none. */
  word(linear: number): number | undefined;
  /** The page at a number of pages from the region's, undefined if it cannot be in a region. */
  page(index: number): RegionPage | undefined;
}

/** The longest instruction (SDM 2A 2.3.11). */
const longestInstruction = 15;

/** Whether an instruction goes on in the page behind its own. */
export function crosses({ offset, instruction }: RegionInstruction): boolean {
  return pageIndexOf(offset) !== pageIndexOf(offset + instruction.length - 1);
}

/** Number of pages from the region's page to that of an offset. */
export function pageIndexOf(offset: number): number {
  return offset >> 12;
}

/**
 * The blocks of the function around the instructions at some offsets, by offset, of at most `limit`
 * instructions; empty if they are unsuitable.
 */
export function discover(
  source: RegionSource,
  starts: readonly number[],
  limit: number,
): FoundBlock[] {
  const search = new Search(source, limit);
  search.run(starts);
  return search.blocks();
}

class Search {
  readonly #source: RegionSource;
  readonly #limit: number;
  readonly #found = new Map<number, RegionInstruction>();
  readonly #leaders = new Set<number>();
  readonly #entries = new Set<number>();
  readonly #tables: JumpTables;
  /** Calls, by the offsets behind them. */
  readonly #called = new Map<number, RegionInstruction>();
  /** Where indirect jumps lead, by their offsets. */
  readonly #choices = new Map<number, readonly number[]>();

  constructor(source: RegionSource, limit: number) {
    this.#source = source;
    this.#limit = limit;
    this.#tables = new JumpTables(source);
  }

  run(starts: readonly number[]): void {
    const work = [...starts];
    for (const start of starts) {
      this.#entries.add(start);
      this.#leaders.add(start);
    }
    // Breadth first: what is near the hot instruction comes before what is far.
    for (let next = 0; next < work.length; next++) {
      if (this.#found.size >= this.#limit) return;
      this.#follow(work[next] ?? 0, work);
    }
  }

  /** Decodes from an offset to the end of what runs in sequence. */
  #follow(start: number, work: number[]): void {
    let offset = start;
    const run: RegionInstruction[] = [];
    while (!this.#found.has(offset) && this.#found.size < this.#limit) {
      const found = this.#decode(offset);
      if (found === undefined) return;
      this.#found.set(offset, found);
      const end = offset + found.instruction.length;
      this.#tables.note(found, run[run.length - 1] ?? this.#called.get(offset));
      run.push(found);
      if (found.suitability === Suitability.unsuitable) {
        this.#enterAt(end, work);
        return;
      }
      if (crosses(found)) this.#leaders.add(offset).add(end);
      const flow = flowOf(found);
      if (flow === 'hosted') {
        if (FORMS[found.instruction.form]?.flow === 'next') this.#enterAt(end, work);
        return;
      }
      const target = targetOf(found);
      if (target !== undefined && flow !== 'call') {
        this.#leaders.add(target);
        if (target <= offset) this.#entries.add(target);
        work.push(target);
      }
      if (flow === 'jump' && target === undefined) this.#choose(run, work);
      if (flow === 'call') {
        // Where a function falls into another that calls itself, that begins a block.
        if (target !== undefined) this.#leaders.add(target);
        this.#enterAt(end, work);
        this.#called.set(end, found);
      }
      if (flow !== 'next') {
        this.#leaders.add(end);
        if (flow !== 'branch') return;
      }
      offset = end;
    }
  }

  /** Follows an indirect jump at the end of some instructions by its table. */
  #choose(run: readonly RegionInstruction[], work: number[]): void {
    const jump = run[run.length - 1];
    const targets = this.#tables.targets(run);
    if (jump === undefined || targets.length === 0) return;
    this.#choices.set(jump.offset, targets);
    for (const target of targets) {
      this.#leaders.add(target);
      work.push(target);
    }
  }

  /** Code that runs when the interpreter, or a callee, comes back. */
  #enterAt(offset: number, work: number[]): void {
    this.#leaders.add(offset);
    this.#entries.add(offset);
    work.push(offset);
  }

  #decode(offset: number): RegionInstruction | undefined {
    const { bytes, bits, codeMode, forms } = this.#source;
    const page = this.#source.page(pageIndexOf(offset));
    if (page === undefined || !page.isKnown(offset & 4095)) return undefined;
    const instruction = new Instruction();
    const at = page.backing + (offset & 4095);
    const isWhole = decodeInto(instruction, bytes, at, page.backing + 4096, bits, forms) > 0;
    if (!isWhole && !this.#decodeAcross(instruction, offset, page)) return undefined;
    const variant = variantOf(instruction, codeMode);
    const isWritten = page.isWritten(offset & 4095, instruction.length);
    const changes = isWritten && isWhole;
    const changing = changes ? changingOf(page, offset, instruction, variant) : undefined;
    const isCode = !isWritten || changing !== undefined;
    let suitability = isCode ? this.#source.suitabilities.of(variant) : Suitability.unsuitable;
    if (page.isHosted(offset & 4095)) suitability = Math.max(suitability, Suitability.hosted);
    const recordVariant = isWhole ? variant : InvalidVariant.crossing;
    const isApart = page.isApart(offset & 4095);
    return { offset, instruction, variant, recordVariant, suitability, changing, isApart };
  }

  /** Decodes an instruction that goes on in the next page; whether that can be in the region. */
  #decodeAcross(instruction: Instruction, offset: number, page: RegionPage): boolean {
    const { bytes, bits, forms } = this.#source;
    const next = this.#source.page(pageIndexOf(offset) + 1);
    const here = 4096 - (offset & 4095);
    if (next === undefined || here > longestInstruction) return false;
    const window = new Uint8Array(2 * longestInstruction);
    window.set(bytes.subarray(page.backing + 4096 - here, page.backing + 4096));
    window.set(bytes.subarray(next.backing, next.backing + longestInstruction), here);
    return decodeInto(instruction, window, 0, window.length, bits, forms) > 0;
  }

  blocks(): FoundBlock[] {
    const offsets = [...this.#found.keys()].sort((a, b) => a - b);
    const blocks: FoundBlock[] = [];
    let current: RegionInstruction[] = [];
    for (const offset of offsets) {
      const found = this.#found.get(offset);
      if (found === undefined) continue;
      const last = current[current.length - 1];
      const joins = last !== undefined && last.offset + last.instruction.length === offset;
      const isNew = !joins || this.#leaders.has(offset) || (offset & 4095) === 0;
      if (last !== undefined && (isNew || flowOf(last) !== 'next')) {
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
    return blocks;
  }

  #close(blocks: FoundBlock[], instructions: readonly RegionInstruction[]): void {
    const first = instructions[0];
    const last = instructions[instructions.length - 1];
    if (first === undefined || last === undefined) return;
    blocks.push({
      offset: first.offset,
      instructions,
      end: last.offset + last.instruction.length,
      target: targetOf(last),
      choices: this.#choices.get(last.offset) ?? [],
      flow: flowOf(last),
      isEntry: this.#entries.has(first.offset),
    });
  }
}

/** How the immediate is read of an instruction of which nothing else changes, in plain memory. */
function changingOf(
  page: RegionPage,
  offset: number,
  instruction: Instruction,
  variant: Variant,
): ChangingImmediate | undefined {
  if (page.backing !== Layout.ram + 4096 * page.page) return undefined;
  const immediate = immediateOf(instruction, variant);
  if (immediate === undefined) return undefined;
  const rest = instruction.length - immediate.bytes;
  return page.isWritten(offset & 4095, rest) ? undefined : immediate;
}

function flowOf(found: RegionInstruction): string {
  if (found.suitability === Suitability.hosted) return 'hosted';
  return FORMS[found.instruction.form]?.flow ?? 'undefined';
}

/** Offset that a relative branch leads to, undefined for others. */
function targetOf(found: RegionInstruction): number | undefined {
  const { instruction, offset } = found;
  if (instruction.operandKind[0] !== OperandKind.relative) return undefined;
  return offset + instruction.length + instruction.immediate;
}
