/**
 * Where a region looks at the instruction budget: not in every block, but where it is entered and
 * where it may repeat, for the longest way from there to the next such place. So it never begins
 * what it could not end, and all tiers stop at the same instruction.
 */
import type { RegionBlock } from './layout.ts';

/**
 * For each block, how many instructions the budget must reach over where the block begins; 0 where
 * an earlier check covers it. `entries` are the blocks that are reached by number.
 */
export function budgetChecks(
  blocks: readonly RegionBlock[],
  successors: readonly (readonly number[])[],
  entries: ReadonlySet<number>,
): number[] {
  const isCheck = blocks.map((_block, number) => number === 0 || entries.has(number));
  successors.forEach((targets, from) => {
    for (const target of targets) if (target <= from) isCheck[target] = true;
  });
  // Every way that repeats goes through a check, so all others lead to higher numbers.
  const longest = new Array<number>(blocks.length).fill(0);
  for (let number = blocks.length - 1; number >= 0; number--) {
    const behind = (successors[number] ?? []).map((target) =>
      isCheck[target] === true ? 0 : (longest[target] ?? 0),
    );
    longest[number] = (blocks[number]?.instructions.length ?? 0) + Math.max(0, ...behind);
  }
  return longest.map((count, number) => (isCheck[number] === true ? count : 0));
}
