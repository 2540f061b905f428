import { describe, expect, it } from 'vitest';

import { HostClock, InstructionClock } from './machine-clock.ts';
import { TestHost } from '../test-host.ts';
import { GuestTime, wallClockOf } from './guest-time.ts';
import { maximumFirings, maximumTimers, TimerQueue } from './timer-queue.ts';

describe('TimerQueue', () => {
  const make = () => {
    const log: string[] = [];
    let earlier = 0;
    const queue = new TimerQueue(() => (earlier += 1));
    const timer = (name: string) => queue.create(() => log.push(name));
    return { queue, log, timer, earlier: () => earlier };
  };

  it('fires what is due by deadline, and by creation at one deadline', () => {
    const { queue, log, timer } = make();
    const [a, b, c, d] = [timer('a'), timer('b'), timer('c'), timer('d')];
    d.arm(5);
    c.arm(7);
    b.arm(5);
    a.arm(9);
    expect(queue.nextDeadlineNs()).toBe(5);
    expect(queue.fire(8)).toBe(3);
    expect(log).toEqual(['b', 'd', 'c']);
    expect(queue.nextDeadlineNs()).toBe(9);
  });

  it('fires a timer once, at its last deadline, and not when cancelled', () => {
    const { queue, log, timer } = make();
    const [a, b] = [timer('a'), timer('b')];
    a.arm(1);
    a.arm(3);
    b.arm(2);
    b.cancel();
    b.cancel();
    queue.fire(2);
    expect(log).toEqual([]);
    queue.fire(3);
    queue.fire(4);
    expect(log).toEqual(['a']);
    expect(queue.nextDeadlineNs()).toBe(Infinity);
  });

  it('tells when the next deadline becomes earlier and only then', () => {
    const { timer, earlier } = make();
    const [a, b] = [timer('a'), timer('b')];
    a.arm(10);
    b.arm(20);
    expect(earlier()).toBe(1);
    b.arm(5);
    expect(earlier()).toBe(2);
  });

  it('stops after a bound when a timer arms itself for now', () => {
    const queue = new TimerQueue(() => undefined);
    let count = 0;
    const timer = queue.create(() => {
      count += 1;
      timer.arm(0);
    });
    timer.arm(0);
    expect(queue.fire(1)).toBe(maximumFirings);
    expect(count).toBe(maximumFirings);
  });

  it('takes a deadline that is no number for never', () => {
    const { queue, timer } = make();
    timer('a').arm(Number.NaN);
    expect(queue.fire(1e30)).toBe(0);
  });

  it('bounds the number of timers', () => {
    const { queue } = make();
    for (let count = 0; count < maximumTimers; count += 1) {
      queue.create(() => undefined);
    }
    expect(() => queue.create(() => undefined)).toThrow('1024');
  });

  it('keeps its order over many random operations', () => {
    const queue = new TimerQueue(() => undefined);
    const fired: number[] = [];
    const deadlines = Array.from({ length: 50 }, () => Infinity);
    const timers = deadlines.map((_never, index) =>
      queue.create(() => {
        fired.push(deadlines[index] ?? 0);
        deadlines[index] = Infinity;
      }),
    );
    let seed = 12345;
    for (let round = 0; round < 5000; round += 1) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      const index = (seed >>> 8) % 50;
      if ((seed >>> 4) % 5 === 0) {
        timers[index]?.cancel();
        deadlines[index] = Infinity;
      } else {
        deadlines[index] = seed % 1000;
        timers[index]?.arm(seed % 1000);
      }
      expect(queue.nextDeadlineNs()).toBe(Math.min(...deadlines));
    }
    queue.fire(1000);
    expect(fired).toEqual([...fired].sort((one, other) => one - other));
    expect(deadlines.every((deadline) => deadline === Infinity)).toBe(true);
  });
});

describe('HostClock', () => {
  it('counts only while the machine runs', () => {
    let ms = 100;
    const clock = new HostClock(() => ms);
    expect(clock.now()).toBe(0);
    clock.setRunning(true);
    ms = 102.5;
    expect(clock.now()).toBe(2_500_000);
    clock.setRunning(false);
    ms = 1000;
    expect(clock.now()).toBe(2_500_000);
    clock.setRunning(true);
    ms = 1001;
    expect(clock.now()).toBe(3_500_000);
  });

  it('never goes back, whatever the host clock does', () => {
    let ms = 10;
    const clock = new HostClock(() => ms);
    clock.setRunning(true);
    ms = 20;
    clock.now();
    ms = 5;
    expect(clock.now()).toBe(10e6);
    ms = Number.NaN;
    expect(clock.now()).toBe(10e6);
  });

  it('guesses a budget from the speed that it learned', () => {
    const clock = new HostClock(() => 0);
    for (let round = 0; round < 50; round += 1) {
      clock.learn(1_000_000, 10_000_000);
    }
    expect(clock.budgetFor(1e6, 1e9)).toBeCloseTo(100_000, -2);
    expect(clock.budgetFor(Infinity, 200_000)).toBe(200_000);
    expect(clock.budgetFor(-5, 200_000)).toBe(1000);
    expect(clock.skipTo()).toBe(false);
  });
});

describe('InstructionClock', () => {
  it('counts instructions, and the time that is skipped while waiting', () => {
    let retired = 0;
    const clock = new InstructionClock(() => retired, 2);
    retired = 10;
    expect(clock.now()).toBe(20);
    expect(clock.skipTo(100)).toBe(true);
    expect(clock.now()).toBe(100);
    clock.skipTo(50);
    retired = 11;
    expect(clock.now()).toBe(102);
  });

  it('gives the exact budget up to a deadline, at least one instruction', () => {
    const clock = new InstructionClock(() => 0, 2);
    expect(clock.budgetFor(5, 1e6)).toBe(3);
    expect(clock.budgetFor(0, 1e6)).toBe(1);
    expect(clock.budgetFor(Infinity, 1e6)).toBe(1e6);
  });
});

describe('GuestTime', () => {
  it('follows the clock, and what the CPU adds to the counter', () => {
    const time = new GuestTime({ now: () => 2000.75 });
    expect([time.now(), time.hostTsc(), time.tscAt(5)]).toEqual([2000.75, 2000, 5n]);
    time.connect({ tscOffset: [-300, -1] });
    expect([time.tscAt(2000.5), time.tscAt(100)]).toEqual([1700n, 2n ** 64n - 200n]);
    time.connect({ tscOffset: [-1, 0x7fff_ffff] });
    expect(time.tscAt(2)).toBe(2n ** 63n + 1n);
  });
});

describe('wallClockOf', () => {
  it('is the time of the host, or counts from a fixed start', () => {
    const host = new TestHost();
    const clock = { now: () => 2_500_000 };
    expect(wallClockOf('host', host, clock).unixTimeMs()).toBe(host.unixMs);
    expect(wallClockOf('instructions', host, clock).unixTimeMs()).toBe(Date.UTC(2026, 0, 1) + 2.5);
  });
});
