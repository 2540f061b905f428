import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { explainedSource } from '../inspect/explain.ts';
import { layOut, type RegionBlock, regionLimits } from './layout.ts';

function regionOf(source: string, share?: number): RegionBlock[] {
  const bytes = assembleText(source, { bits: 32, origin: 0 });
  return layOut(explainedSource(bytes, 32), [0], share);
}

function sizeOf(blocks: readonly RegionBlock[]): number {
  return blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
}

/** Blocks that end in a call of another region. */
function callsOut(blocks: readonly RegionBlock[]): number {
  return blocks.filter(({ flow, jump }) => flow === 'call' && jump < 0).length;
}

const lines = (count: number): string => 'inc eax\n'.repeat(count);

describe('a region', () => {
  it('has copies of the callees that it has room for', () => {
    const calls = 'call callee\n'.repeat(20);
    const blocks = regionOf(`${calls}ret\ncallee: ${lines(39)}ret`);
    expect(callsOut(blocks)).toBe(9);
    expect(sizeOf(blocks)).toBe(21 + 11 * 40);
  });

  it('has copies of callees as small as a call where there is no room for others', () => {
    const calls = 'call thunk\ncall callee\n'.repeat(4);
    const blocks = regionOf(`
      ${lines(regionLimits.all - 9)} ${calls} ret
      thunk: mov ebx, [esp]
      ret
      callee: ${lines(20)} ret`);
    expect(callsOut(blocks)).toBe(4);
    expect(sizeOf(blocks)).toBe(regionLimits.all + 4 * 2);
  });

  it('has them at the end of calls within calls', () => {
    const blocks = regionOf(`
      call one
      ret
      one: call two
      ret
      two: call thunk
      call three
      ret
      thunk: mov ebx, [esp]
      ret
      three: ${lines(20)} ret`);
    expect(callsOut(blocks)).toBe(1);
    expect(sizeOf(blocks)).toBe(2 + 2 + 3 + 2);
  });

  it('jumps where a function that it falls into calls itself', () => {
    const blocks = regionOf(`
      mov eax, 36
      again: cmp eax, 2
      jb done
      dec eax
      call again
      dec eax
      call again
      done: ret`);
    expect(callsOut(blocks)).toBe(0);
    expect(sizeOf(blocks)).toBe(8);
  });

  it('has no more than its share of the usual size', () => {
    expect(sizeOf(regionOf(`${lines(1000)} ret`))).toBe(regionLimits.all);
    expect(sizeOf(regionOf(`${lines(1000)} ret`, 1 / 2))).toBe(regionLimits.all / 2);
  });
});
