/**
 * Code that runs in segments of different sizes at one place: the limit that holds is that of the
 * segment it runs in (SDM 3A 5.3), whichever it was decoded under.
 */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu } from './test-cpu.ts';

/** Not at the start of a page, so that offsets in the segment are not those in the page. */
const base = 0x3_0120;
const stack = { selector: 0x20, base: 0x2_0000, limit: 0xffff, attributes: 0x93 };
const ecx = Word.gpr + 2;

/** How a run ended: the last EIP, ECX, and whether it was at HLT. */
type End = readonly [end: string, eip: number, ecx: number];

/** Runs code at an offset once in a segment of each limit, with the same processor. */
function runIn(limits: readonly number[], text: string, offset: number, bits: 16 | 32): End[] {
  const { cpu, physical, machine } = makeCpu(1 << 20);
  physical.write(base + offset, assembleText(`${text}\nhlt`, { bits, origin: offset }));
  return limits.map((limit) => {
    const attributes = bits === 32 ? 0x409b : 0x9b;
    const cs = { selector: 0x28, base, limit, attributes };
    cpu.start({ ...flatState(offset, 0x8000), cs, ss: stack, ds: stack });
    let end = cpu.run(1000);
    for (let again = 0; end === 'budget' && again < 20; again++) end = cpu.run(1000);
    return [end, machine.i32[Word.rip] ?? 0, machine.i32[ecx] ?? 0];
  });
}

const steps = (count: number): string => 'inc ecx\n'.repeat(count);

describe.each([16, 32] as const)('code of %i bits', (bits) => {
  const stepBytes = bits === 32 ? 1 : 2;
  const at = 0x100;
  const whole = 0xffff;
  const all: End = ['halt', at + 16 * stepBytes + 1, 16];

  it('ends at the limit that is in force', () => {
    const cut = at + 8 * stepBytes - 1;
    const faults: End = ['tripleFault', cut + 1, 8];
    const ends = runIn([whole, cut, whole, cut + stepBytes, cut], steps(16), at, bits);
    const later: End = ['tripleFault', cut + 1 + stepBytes, 9];
    expect(ends).toEqual([all, faults, all, later, faults]);
  });

  it('ends before an instruction that the limit cuts', () => {
    const text = `${steps(2)}mov ebx, 0x11223344\n${steps(2)}`;
    const cut = at + 2 * stepBytes + 3;
    const ends = runIn([whole, cut], text, at, bits);
    expect(ends[1]).toEqual(['tripleFault', at + 2 * stepBytes, 2]);
  });

  it('ends in the second page of an instruction that the limit cuts there', () => {
    const start = 0x1000 - 0x120 - 2 * stepBytes - 2;
    const text = `${steps(2)}mov ebx, 0x11223344\n${steps(2)}`;
    const cut = 0x1000 - 0x120;
    const fault: End = ['tripleFault', start + 2 * stepBytes, 2];
    expect(runIn([whole, cut, whole, cut], text, start, bits).map(([end]) => end)).toEqual([
      'halt',
      'tripleFault',
      'halt',
      'tripleFault',
    ]);
    expect(runIn([whole, cut], text, start, bits)[1]).toEqual(fault);
  });

  it('jumps no further than its limit', () => {
    const text = `inc ecx\njmp short behind\n${steps(8)}behind: inc ecx`;
    const cut = at + stepBytes + 2;
    const ends = runIn([whole, whole, cut], text, at, bits);
    expect(ends[1]?.[0]).toBe('halt');
    expect(ends[2]).toEqual(['tripleFault', at + stepBytes, 1]);
  });

  it('runs loops up to its limit', () => {
    const text = `mov ebx, 50\nagain: inc ecx\ndec ebx\njnz again\n${steps(4)}`;
    const [first, second] = runIn([whole, whole], text, at, bits);
    expect(second).toEqual(first);
    const cut = (first?.[1] ?? 0) - 1 - 2 * stepBytes - 1;
    expect(runIn([whole, cut], text, at, bits)[1]).toEqual(['tripleFault', cut + 1, 52]);
  });
});
