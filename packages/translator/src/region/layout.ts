/**
 * Puts the blocks of a region in order: the function around the hot instruction, and in it, behind
 * each call that pays, a copy of the callee. A copy has one way back, so that its returns are jumps
 * forward, and its blocks have no other callers; but a function that calls itself is jumped to.
 */
import type { FoundBlock, RegionInstruction, RegionSource } from './discover.ts';
import { discover, pageIndexOf } from './discover.ts';

/** A basic block of a region; others are named by their number in the region. */
export interface RegionBlock {
  /** Offset from the region's page. */
  readonly offset: number;
  readonly instructions: readonly RegionInstruction[];
  /** Offset after the last instruction. */
  readonly end: number;
  /** Offset that a relative branch at the end leads to; undefined for all other ends. */
  readonly target: number | undefined;
  /** How it ends: isa's flow of the last instruction, or `hosted` if its handler does it. */
  readonly flow: string;
  /** Whether the interpreter may enter here. */
  readonly isEntry: boolean;
  /** The block that the relative branch leads to, -1 outside of the region. */
  readonly jump: number;
  /** The blocks that an indirect jump at the end may lead to. */
  readonly choices: readonly number[];
  /** The block at `end`, of those in the same copy of a function; -1 outside of the region. */
  readonly behind: number;
  /** The blocks behind the calls that lead to this function, of which a return chooses. */
  readonly backs: readonly number[];
}

/**
 * Limits of a region: instructions with copies of callees, those of a callee and of a leaf, which
 * calls nothing and is copied anywhere, as it is no larger than a call; calls within calls, and the
 * calls that a function can return to.
 */
export const regionLimits = { all: 480, callee: 48, leaf: 12, depth: 2, backs: 6 } as const;

/**
 * The blocks of the region around instructions at some offsets; empty if they are unsuitable.
 * `share`: the part of the usual size that it may have.
 */
export function layOut(source: RegionSource, starts: readonly number[], share = 1): RegionBlock[] {
  const limit = Math.floor(regionLimits.all * share);
  const layout = new Layout(source, limit);
  layout.add(discover(source, starts, limit), 0, undefined);
  return layout.blocks();
}

/**
 * The innermost loop around an offset, by its first instruction; the offset itself if there is
 * none.
 */
export function loopHead(blocks: readonly RegionBlock[], offset: number): number {
  let head = -1;
  for (const block of blocks) {
    const last = block.instructions[block.instructions.length - 1]?.offset ?? 0;
    if (block.jump < 0 || block.target === undefined || block.target > last) continue;
    if (block.target <= offset && last >= offset && block.target > head) head = block.target;
  }
  return head < 0 ? offset : head;
}

/** One copy of a function in a region. */
interface Copy {
  readonly numbers: Map<number, number>;
  /** Whether it is that of a callee. */
  readonly isCallee: boolean;
  /** The blocks behind its calls, in the callers' copies. */
  readonly backs: Back[];
}

interface Back {
  readonly copy: Copy;
  readonly offset: number;
}

interface Placed {
  readonly found: FoundBlock;
  readonly copy: Copy;
  /** The copy that a call at the end leads to. */
  readonly callee: Copy | undefined;
}

class Layout {
  readonly #source: RegionSource;
  readonly #placed: Placed[] = [];
  readonly #limit: number;
  readonly #callees = new Map<number, FoundBlock[] | undefined>();
  #size = 0;

  /** `limit`: the most instructions, with those of copied callees. */
  constructor(source: RegionSource, limit: number) {
    this.#source = source;
    this.#limit = limit;
  }

  /** Adds a copy of a function. */
  add(function_: readonly FoundBlock[], depth: number, back: Back | undefined): Copy {
    const isCallee = back !== undefined;
    const copy: Copy = { numbers: new Map(), isCallee, backs: isCallee ? [back] : [] };
    this.#size += sizeOf(function_);
    for (const found of function_) {
      const at = this.#placed.length;
      copy.numbers.set(found.offset, at);
      if (repeats(function_, found) && copy.backs.length < regionLimits.backs) {
        copy.backs.push({ copy, offset: found.end });
        this.#placed.push({ found, copy, callee: copy });
        continue;
      }
      const callee = this.#calleeOf(function_, found, depth);
      this.#placed.push({ found, copy, callee: undefined });
      if (callee === undefined) continue;
      const inner = this.add(callee, depth + 1, { copy, offset: found.end });
      this.#placed[at] = { found, copy, callee: inner };
    }
    return copy;
  }

  /** The blocks of the callee of a call that pays: small, and not one that is being copied. */
  #calleeOf(
    function_: readonly FoundBlock[],
    found: FoundBlock,
    depth: number,
  ): FoundBlock[] | undefined {
    const { target, end } = found;
    if (found.flow !== 'call' || target === undefined || target === end) return undefined;
    if (!comesBack(function_, found) || repeats(function_, found)) return undefined;
    const callee = this.#smallFunction(target);
    if (callee === undefined || isLeaf(callee)) return callee;
    const fits = this.#size + sizeOf(callee) <= this.#limit;
    return depth < regionLimits.depth && fits ? callee : undefined;
  }

  /** The blocks of the function at an offset, if it is small and returns. */
  #smallFunction(offset: number): FoundBlock[] | undefined {
    if (this.#callees.has(offset)) return this.#callees.get(offset);
    const found = discover(this.#source, [offset], regionLimits.callee);
    const begins = found.some((block) => block.offset === offset);
    const isSmall = sizeOf(found) < regionLimits.callee;
    const returns = found.some((block) => block.flow === 'return');
    const callee = begins && isSmall && returns ? found : undefined;
    this.#callees.set(offset, callee);
    return callee;
  }

  blocks(): RegionBlock[] {
    return this.#placed.map(({ found, copy, callee }) => {
      const { offset, instructions, end, target, choices, flow } = found;
      const places = callee ?? (flow === 'call' && target !== end ? undefined : copy);
      return {
        offset,
        instructions,
        end,
        target,
        flow,
        isEntry: found.isEntry && !copy.isCallee && pageIndexOf(offset) === 0,
        jump: (target === undefined ? undefined : places?.numbers.get(target)) ?? -1,
        choices: choices.flatMap((choice) => copy.numbers.get(choice) ?? []),
        behind: copy.numbers.get(end) ?? -1,
        backs: flow === 'return' ? backsOf(copy) : [],
      };
    });
  }
}

/** Whether the block behind a call is in the region too. */
function comesBack(function_: readonly FoundBlock[], { end }: FoundBlock): boolean {
  return function_.some(({ offset }) => offset === end);
}

/** Whether a block calls a function that it is in, so that the call is a jump. */
function repeats(function_: readonly FoundBlock[], found: FoundBlock): boolean {
  const { flow, target, end } = found;
  if (flow !== 'call' || target === end || !comesBack(function_, found)) return false;
  return function_.some(({ offset }) => offset === target);
}

/** Whether a function is as small as a call of it, and calls no other. */
function isLeaf(function_: readonly FoundBlock[]): boolean {
  const calls = function_.some(({ flow }) => flow === 'call');
  return sizeOf(function_) <= regionLimits.leaf && !calls;
}

/** Numbers of the blocks behind the calls of a copy. */
function backsOf({ backs }: Copy): number[] {
  return backs.flatMap(({ copy, offset }) => copy.numbers.get(offset) ?? []);
}

/** How many instructions some blocks have together. */
export function sizeOf(blocks: readonly Pick<FoundBlock, 'instructions'>[]): number {
  return blocks.reduce((sum, block) => sum + block.instructions.length, 0);
}
