import type { FunctionBody } from '@ringfence/wasm';
import type { EmitTarget } from '../backend/emit-target.ts';
import { crosses, pageIndexOf } from './discover.ts';
import { hashOf } from './choice-hash.ts';
import type { RegionBlock } from './layout.ts';
import type { RegionInstruction } from './discover.ts';
import type { RegionFrame } from './region-frame.ts';
import type { Variant } from '../semantics/variant.ts';

/** What the blocks of a region are to each other. */
export interface RegionPlaces {
  readonly blocks: readonly RegionBlock[];
  /**
   * The global that is the address of the code-page block of the page at a number of pages from
   * the region's, undefined if there can be no code in it.
   */
  page(index: number): number | undefined;
  /** Branches to a block. */
  goto(number: number): void;
  /** Number of the handler function that does an instruction in the interpreter. */
  handler(variant: Variant): number;
}

/** The instructions of a region as a place that IR is emitted to. */
export class RegionTarget implements EmitTarget {
  readonly body: FunctionBody;
  readonly takesMisaligned = true;
  readonly #frame: RegionFrame;
  readonly #functions: (name: string) => number;
  readonly #places: RegionPlaces;
  #block: RegionBlock | undefined;
  #index = 0;

  constructor(frame: RegionFrame, functions: (name: string) => number, places: RegionPlaces) {
    this.body = frame.body;
    this.#frame = frame;
    this.#functions = functions;
    this.#places = places;
  }

  /**
   * Takes the block's instructions from the budget, and leaves before it if the budget does not
   * reach over `check`.
   */
  beginBlock(block: RegionBlock, check: number): void {
    const { body } = this;
    const { budget } = this.#frame;
    this.#block = block;
    this.#index = 0;
    if (check > 0) {
      body.get(budget);
      body.i32(check);
      body.op('i32.lt_s');
      const short = body.if();
      this.#frame.leaveAt(block.offset);
      body.end(short);
    }
    body.get(budget);
    body.i32(block.instructions.length);
    body.op('i32.sub');
    body.set(budget);
    this.#guardSecondPage(block);
  }

  mark(index: number): void {
    this.#index = index;
  }

  spill(): void {
    this.#frame.registers.spill();
  }

  reload(): void {
    this.#frame.registers.reload();
  }

  parameter(): number {
    throw new Error('translator: a region has no record');
  }

  functionIndex(name: string): number {
    return this.#functions(name);
  }

  pushDirectory(): void {
    this.body.get(this.#frame.directory);
  }

  pushBlock(index: number): void {
    const page = this.#places.page(index);
    if (page === undefined) throw new Error('translator: no code in that page');
    this.body.getGlobal(page);
  }

  bailIf(prepare: (() => void) | undefined): void {
    const { body } = this;
    const slow = body.if();
    prepare?.();
    this.bail();
    body.end(slow);
  }

  bail(): void {
    const found = this.#instruction(this.#index);
    if (found === undefined) return;
    const handler = this.#places.handler(found.recordVariant);
    this.#frame.bail(found.offset, handler, this.#left(this.#index), found.isApart);
  }

  beforeSlow(): void {
    throw new Error('translator: a region has no slow accesses');
  }

  afterSlow(): void {
    throw new Error('translator: a region has no slow accesses');
  }

  next(): void {
    throw new Error('translator: an instruction of a region cannot end early');
  }

  repeat(): void {
    throw new Error('translator: an instruction of a region cannot repeat');
  }

  jump(): void {
    const block = this.#block;
    const target = block?.target;
    if (block === undefined || target === undefined) return;
    if (block.jump >= 0) {
      this.#goTo(target, block.jump);
      return;
    }
    this.#frame.pushEip(target);
    this.jumpTo();
  }

  /** Goes on behind the block. */
  fallThrough(block: RegionBlock): void {
    if (block.behind >= 0) {
      this.#goTo(block.end, block.behind);
      return;
    }
    this.#frame.pushEip(block.end);
    this.jumpTo();
  }

  jumpTo(): void {
    const { body } = this;
    const frame = this.#frame;
    const block = this.#block;
    body.set(frame.eip);
    if (block?.flow === 'return') {
      this.#return(block);
    } else if (block?.flow === 'call' && block.behind >= 0) {
      frame.call(block.end);
      this.#places.goto(block.behind);
    } else if (block !== undefined && block.choices.length > 0) this.#choose(block);
    else frame.chain();
  }

  leave(): void {
    this.bail();
  }

  callout(): void {
    this.bail();
  }

  /** Has the handler function of the block's last instruction do it. */
  host(block: RegionBlock): void {
    const found = block.instructions[block.instructions.length - 1];
    if (found === undefined) return;
    const handler = this.#places.handler(found.recordVariant);
    this.#frame.host(found.offset, handler, block.behind);
  }

  /** From a callee to behind one of its calls, as the EIP says; else to whoever waits. */
  #return(block: RegionBlock): void {
    for (const number of block.backs) this.#goIfAt(number);
    this.#frame.lookup();
  }

  /** From an indirect jump to a block that the EIP says; else out of the region. */
  #choose(block: RegionBlock): void {
    const { body } = this;
    const frame = this.#frame;
    const { blocks } = this.#places;
    const { multiplier, shift, slots } = hashOf(
      block.choices.map((number) => ({ number, offset: blocks[number]?.offset ?? 0 })),
    );
    const none = body.block();
    const labels = new Map(slots.filter((number) => number >= 0).map((n) => [n, body.block()]));
    body.get(frame.eip);
    body.get(frame.eipBase);
    body.op('i32.sub');
    body.i32(multiplier);
    body.op('i32.mul');
    body.i32(shift);
    body.op('i32.shr_u');
    body.brTable(
      slots.map((number) => labels.get(number) ?? none),
      none,
    );
    for (const [number, label] of [...labels].reverse()) {
      body.end(label);
      this.#goIfAt(number);
      body.br(none);
    }
    body.end(none);
    frame.chain();
  }

  /** Goes to a block if the EIP is that of it. */
  #goIfAt(number: number): void {
    const { body } = this;
    const offset = this.#places.blocks[number]?.offset;
    if (offset === undefined) return;
    body.get(this.#frame.eip);
    this.#frame.pushEip(offset);
    body.op('i32.eq');
    const expected = body.if();
    this.#enterPage(offset);
    this.#places.goto(number);
    body.end(expected);
  }

  /** Branches to a block, whose page may be another and may have been mapped elsewhere. */
  #goTo(offset: number, number: number): void {
    this.#enterPage(offset);
    this.#places.goto(number);
  }

  #enterPage(offset: number): void {
    const index = pageIndexOf(offset);
    const from = this.#block?.offset ?? 0;
    if (index === 0 || index === pageIndexOf(from)) return;
    const page = this.#places.page(index);
    if (page === undefined) return;
    this.#frame.guard(offset, page, () => {
      this.#frame.leaveAt(offset);
    });
  }

  /** Gives an instruction up whose second page has been mapped elsewhere. */
  #guardSecondPage(block: RegionBlock): void {
    const [first] = block.instructions;
    if (first === undefined || !crosses(first)) return;
    const index = pageIndexOf(block.offset) + 1;
    const page = this.#places.page(index);
    if (page === undefined) return;
    this.#frame.guard(index * 4096, page, () => {
      this.bail();
    });
  }

  #instruction(index: number): RegionInstruction | undefined {
    return this.#block?.instructions[index];
  }

  /** Instructions of the block from number `index` on. */
  #left(index: number): number {
    return (this.#block?.instructions.length ?? 0) - index;
  }
}
