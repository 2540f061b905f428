/**
 * Puts the blocks of a region in order: the function around the hot instruction, and in it, behind
 * each call that pays, a copy of the callee. A copy has one way back, so that its returns are jumps
 * forward, and its blocks have no other callers.
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
  /** The block at `end`, of those in the same copy of a function; -1 outside of the region. */
  readonly behind: number;
  /** The block that a return from a copied callee leads to, if it returns to its caller; or -1. */
  readonly back: number;
}

/**
 * Limits of a region, in instructions, and of calls within calls. `start` is what each start but
 * the first adds, up to `function`.
 */
export const regionLimits = {
  firstStart: 240,
  start: 48,
  function: 480,
  callee: 48,
  callees: 160,
  depth: 2,
} as const;

/** The blocks of the region around instructions at some offsets; empty if they are unsuitable. */
export function layOut(source: RegionSource, starts: readonly number[]): RegionBlock[] {
  const { firstStart, start, callees } = regionLimits;
  const limit = Math.min(firstStart + start * (starts.length - 1), regionLimits.function);
  const layout = new Layout(source, limit + callees);
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
  /** The block behind the call, in the caller's copy. */
  readonly back: { readonly copy: Copy; readonly offset: number } | undefined;
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
  add(function_: readonly FoundBlock[], depth: number, back: Copy['back']): Copy {
    const copy: Copy = { numbers: new Map(), back };
    this.#size += sizeOf(function_);
    for (const found of function_) {
      copy.numbers.set(found.offset, this.#placed.length);
      const callee = this.#calleeOf(function_, found, depth);
      const at = this.#placed.length;
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
    if (depth >= regionLimits.depth) return undefined;
    if (!function_.some((block) => block.offset === end)) return undefined;
    const callee = this.#smallFunction(target);
    return callee !== undefined && this.#size + sizeOf(callee) <= this.#limit ? callee : undefined;
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
      const { offset, instructions, end, target, flow } = found;
      const places = callee ?? (flow === 'call' && target !== end ? undefined : copy);
      const { back } = copy;
      return {
        offset,
        instructions,
        end,
        target,
        flow,
        isEntry: found.isEntry && back === undefined && pageIndexOf(offset) === 0,
        jump: (target === undefined ? undefined : places?.numbers.get(target)) ?? -1,
        behind: copy.numbers.get(end) ?? -1,
        back: (flow === 'return' ? back?.copy.numbers.get(back.offset) : undefined) ?? -1,
      };
    });
  }
}

function sizeOf(blocks: readonly FoundBlock[]): number {
  return blocks.reduce((sum, block) => sum + block.instructions.length, 0);
}
