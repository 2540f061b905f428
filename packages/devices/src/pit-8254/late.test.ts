import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { ProbeLine } from '../test-fuzz.ts';
import { Pit8254 } from './device.ts';

/** A timer of 1 kHz whose clock goes ahead of its timers, as when the host is late. */
function late(): { pit: Pit8254; irq: ProbeLine; jump(ms: number): void; run(ms: number): void } {
  const clock = new ManualClock();
  let lag = 0;
  const irq = new ProbeLine();
  const timers = {
    create: (callback: () => void) => {
      const timer = clock.create(callback);
      const arm = (ns: number): void => {
        timer.arm(ns - lag);
      };
      return { arm, cancel: timer.cancel.bind(timer) };
    },
  };
  const pit = new Pit8254({ clock: { now: () => clock.now() + lag }, timers, irq });
  pit.writePort(0x43, 1, 0x36);
  pit.writePort(0x40, 1, 1193 & 0xff);
  pit.writePort(0x40, 1, 1193 >> 8);
  const run = (ms: number): void => {
    clock.advance(ms * 1e6);
  };
  run(0.25);
  irq.rises = 0;
  const jump = (ms: number): void => {
    lag += ms * 1e6;
    pit.writePort(0x61, 1, 0); // Looks at the clock, and arms its timer anew.
  };
  return { pit, irq, run, jump };
}

describe('8254 whose timers fire late', () => {
  it('passes on the edges of a delay one after the other, before the next regular one', () => {
    const { irq, jump, run } = late();
    jump(5);
    expect(irq.rises).toBe(1);
    run(0.03);
    expect(irq.rises).toBe(1);
    run(0.02);
    expect(irq.rises).toBe(2);
    run(0.18);
    expect(irq.rises).toBe(5);
    run(0.5);
    expect(irq.rises).toBe(5);
    run(10);
    expect(irq.rises).toBe(15);
  });

  it('owes no more than half a second, and nothing once its counter is programmed anew', () => {
    const { pit, irq, jump, run } = late();
    jump(60_000);
    run(40);
    expect(irq.rises).toBeGreaterThan(495);
    expect(irq.rises).toBeLessThan(545);
    jump(100);
    // Neither a latch command nor the speaker's counter is this one.
    for (const [port, value] of [
      [0x43, 0x00],
      [0x43, 0xb6],
      [0x42, 0x10],
      [0x42, 0x10],
    ] as const) {
      pit.writePort(port, 1, value);
    }
    irq.rises = 0;
    run(6);
    expect(irq.rises).toBeGreaterThan(99);
    jump(100);
    pit.writePort(0x43, 1, 0x36);
    pit.writePort(0x40, 1, 0);
    pit.writePort(0x40, 1, 0);
    irq.rises = 0;
    run(50);
    expect(irq.rises).toBe(0);
  });

  it('takes what it owes into its state', () => {
    const { pit, irq, jump, run } = late();
    jump(5);
    const saved = pit.save();
    run(0.5);
    irq.rises = 0;
    pit.restore(saved);
    run(0.2);
    expect(irq.rises).toBeGreaterThanOrEqual(4);
  });
});
