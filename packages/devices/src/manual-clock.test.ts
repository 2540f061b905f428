import { describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';
import { TickRate } from './tick-rate.ts';

describe('ManualClock', () => {
  it('fires timers at their own deadlines, earliest first', () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    const late = clock.create(() => seen.push(`late ${String(clock.now())}`));
    const early = clock.create(() => seen.push(`early ${String(clock.now())}`));
    late.arm(20);
    early.arm(10);
    clock.advance(30);
    expect([seen, clock.now()]).toEqual([['early 10', 'late 20'], 30]);
  });

  it('lets a timer arm itself again on the way', () => {
    const clock = new ManualClock();
    let count = 0;
    const timer = clock.create(() => {
      count += 1;
      timer.arm(clock.now() + 10);
    });
    timer.arm(10);
    clock.advance(100);
    expect(count).toBe(10);
  });

  it('forgets a cancelled timer', () => {
    const clock = new ManualClock();
    let fired = false;
    const timer = clock.create(() => (fired = true));
    timer.arm(10);
    timer.cancel();
    clock.advance(100);
    expect(fired).toBe(false);
  });
});

describe('TickRate', () => {
  it.each([1_193_182, 3_579_545, 32_768])(
    'agrees with itself in both directions at %i Hz',
    (hertz) => {
      const rate = new TickRate(hertz);
      for (let index = 0; index < 20_000; index += 1) {
        const tick = (index * hertz * 86_400 * 100) / 20_000 + (index % 7); // Up to a hundred days.
        const ns = rate.timeOf(Math.floor(tick));
        expect(rate.ticksAt(ns)).toBe(Math.floor(tick));
      }
    },
  );
});
