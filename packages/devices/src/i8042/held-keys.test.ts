/** What a key sends while it is held (IBM PS/2 Technical Reference, "Keyboards", typematic). */
import { describe, expect, it } from 'vitest';

import { Rig } from './test-rig.ts';

const second = 1e9;

/** What a guest reads that looks each millisecond. */
function drainFor(rig: Rig, durationNs: number): number[] {
  const endNs = rig.clock.now() + durationNs;
  const bytes: number[] = [];
  while (rig.clock.now() < endNs) bytes.push(...rig.drain());
  return bytes;
}

describe('a held key', () => {
  it('repeats after half a second, 10.9 times a second, until it is released', () => {
    const rig = new Rig();
    rig.i8042.key('ShiftLeft', true);
    rig.i8042.key('KeyA', true);
    expect(rig.drain()).toEqual([0x2a, 0x1e]);
    rig.clock.advance(0.49 * second);
    expect(rig.drain()).toEqual([]);
    const repeats = drainFor(rig, 10 * second);
    expect(new Set(repeats)).toEqual(new Set([0x1e]));
    expect(repeats.length).toBeCloseTo(109, -0.5);
    rig.i8042.key('KeyA', false);
    expect(drainFor(rig, 2 * second)).toEqual([0x9e]);
  });

  it('stays as it is when it is pressed again, and when another is released', () => {
    const rig = new Rig();
    for (const code of ['KeyA', 'ArrowUp', 'ArrowUp']) rig.i8042.key(code, true);
    rig.i8042.key('KeyA', false);
    expect(drainFor(rig, 0.55 * second)).toEqual([0x1e, 0xe0, 0x48, 0x9e, 0xe0, 0x48]);
  });

  it.each([
    [0x00, 0.25, 30],
    [0x7f, 1, 2],
    [0x2b, 0.5, 10.9],
    [0x34, 0.5, 5],
  ])('repeats as %i says, after %f s and %f times a second', (byte, delay, rate) => {
    const rig = new Rig();
    rig.keyboard(0xf3, byte);
    rig.i8042.key('KeyA', true);
    expect(drainFor(rig, (delay - 0.01) * second)).toEqual([0x1e]);
    const { length } = drainFor(rig, 20 * second);
    expect(Math.abs(length / 20 / rate - 1)).toBeLessThan(0.04);
  });

  it('repeats no more once the keyboard was enabled anew, and Pause never does', () => {
    const rig = new Rig();
    rig.i8042.key('KeyA', true);
    rig.drain();
    rig.keyboard(0xf4);
    expect(drainFor(rig, 2 * second)).toEqual([]);
    rig.i8042.key('Pause', true);
    expect(drainFor(rig, 2 * second)).toHaveLength(6);
  });

  it('fills no queue of a guest that takes nothing, nor makes up for lost time', () => {
    const rig = new Rig();
    rig.i8042.key('KeyA', true);
    rig.clock.advance(100 * second);
    expect(rig.drain()).toEqual([0x1e, 0x1e]);
  });

  it('goes on from a saved state', () => {
    const rig = new Rig();
    rig.i8042.key('KeyA', true);
    rig.drain();
    const saved = rig.i8042.save();
    const other = new Rig();
    other.i8042.restore(saved);
    expect(drainFor(other, 0.55 * second)).toEqual([0x1e]);
  });
});
