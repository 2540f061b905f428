import { Eflags, SegmentRegister } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { faultErrorCode, faultVector, type Fault } from './fault.ts';
import { TestMachine } from './test-machine.ts';
import { nativeDescriptors } from './test-native-descriptors.ts';

function packed(fault: Fault): number {
  return fault === 0 ? 0 : (faultVector(fault) << 16) | faultErrorCode(fault);
}

describe('descriptors on a real processor', () => {
  it('has rows of every kind', () => {
    expect(nativeDescriptors.length).toBeGreaterThan(100);
    const faults = new Set(nativeDescriptors.flatMap((row) => row.slice(7)));
    expect([...faults].map((fault) => fault >> 16).sort((a, b) => a - b)).toContain(11);
    expect([...faults].some((fault) => fault >> 16 === 12)).toBe(true);
  });

  it('are seen and loaded as the processor does', () => {
    for (const row of nativeDescriptors) {
      const [low = 0, high = 0, selector = 0, ...expected] = row;
      const machine = new TestMachine();
      machine.enter(3);
      machine.ldt(selector, [low | 0, high | 0]);
      const unit = machine.segmentation;
      const zf = (): number => (machine.flags & Eflags.zf) >> 6;
      unit.lar(selector, 4);
      const lar = zf() === 1 ? unit.result >>> 0 : -1;
      unit.lsl(selector, 4);
      const lsl = zf() === 1 ? unit.result >>> 0 : -1;
      unit.verr(selector);
      const verr = zf();
      unit.verw(selector);
      const verw = zf();
      const es = packed(unit.loadSegment(SegmentRegister.es, selector));
      const ss = packed(unit.loadSegment(SegmentRegister.ss, selector));
      const actual = [lar, lsl, verr, verw, es, ss];
      const name = `${low.toString(16)} ${high.toString(16)} ${selector.toString(16)}`;
      expect({ name, actual }).toEqual({ name, actual: expected });
    }
  });
});
