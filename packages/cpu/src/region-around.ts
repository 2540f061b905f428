/** The blocks of a region around hot places. */
import type { RegionBlock, RegionSource } from '@ringfence/translator';
import { layOut, loopHead } from '@ringfence/translator';

/** Blocks, and the offsets that they were found from. */
export interface BlocksAround {
  readonly blocks: readonly RegionBlock[];
  readonly around: readonly number[];
}

/**
 * The blocks around some offsets; of one offset, around the loop that it is in, unless a region is
 * entered at its head already. `share`: which part of the usual limits the region may reach.
 */
export function layOutAround(
  source: RegionSource,
  starts: readonly number[],
  isEntered: (offset: number) => boolean,
  share = 1,
): BlocksAround {
  const blocks = layOut(source, starts, share);
  const [offset, ...others] = starts;
  if (offset === undefined || others.length > 0) return { blocks, around: starts };
  const head = loopHead(blocks, offset);
  if (head === offset || isEntered(head)) return { blocks, around: starts };
  // Code far behind may jump to far before: what is around its target may not reach here.
  const loop = layOut(source, [head], share);
  return holds(loop, offset) ? { blocks: loop, around: [head] } : { blocks, around: starts };
}

/** Whether an instruction at an offset is in one of some blocks. */
function holds(blocks: readonly RegionBlock[], offset: number): boolean {
  return blocks.some(({ instructions }) => instructions.some((found) => found.offset === offset));
}
