import { describe, expect, it } from 'vitest';
import { budgetChecks } from './budget-checks.ts';
import type { RegionBlock } from './layout.ts';

/** A block of a number of instructions; nothing else of it matters here. */
function blockOf(instructions: number): RegionBlock {
  return {
    offset: 0,
    instructions: new Array(instructions).fill(undefined) as RegionBlock['instructions'],
    end: 0,
    target: undefined,
    flow: 'next',
    isEntry: false,
    choices: [],
    jump: -1,
    behind: -1,
    backs: [],
  };
}

describe('budget checks', () => {
  it('are made once for the longest way through code that does not repeat', () => {
    const blocks = [3, 5, 2, 4].map(blockOf);
    const successors = [[1, 2], [3], [3], []];
    expect(budgetChecks(blocks, successors, new Set([0]))).toEqual([3 + 5 + 4, 0, 0, 0]);
  });

  it('are made at the head of a loop for one time around it and the way out', () => {
    const blocks = [2, 6, 1].map(blockOf);
    const successors = [[1], [1, 2], []];
    expect(budgetChecks(blocks, successors, new Set([0]))).toEqual([2, 7, 0]);
  });

  it('are made at every entry', () => {
    const blocks = [2, 3, 4].map(blockOf);
    const successors = [[1], [2], []];
    expect(budgetChecks(blocks, successors, new Set([0, 2]))).toEqual([5, 0, 4]);
  });
});
