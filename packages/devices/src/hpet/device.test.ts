import { describe, expect, it } from 'vitest';
import type { Clock, Timers } from '../interfaces.ts';
import { ManualClock } from '../manual-clock.ts';
import { fuzzMmio, ProbeLine } from '../test-fuzz.ts';
import { Hpet } from './device.ts';

const tickNs = 10;
const enable = 0x004;
const level = 0x002;
const periodic = 0x008;
const setValue = 0x040;
const mode32 = 0x100;

class Rig {
  readonly clock: ManualClock;
  readonly timerIrq = new ProbeLine();
  readonly clockIrq = new ProbeLine();
  readonly inputs = Array.from({ length: 24 }, () => new ProbeLine());
  replaced = false;
  readonly hpet: Hpet;

  constructor(clock: ManualClock = new ManualClock(), time: Clock & Timers = clock) {
    this.clock = clock;
    this.hpet = new Hpet({
      clock: time,
      timers: time,
      input: (index) => this.inputs[index] ?? new ProbeLine(),
      timerIrq: this.timerIrq,
      clockIrq: this.clockIrq,
      replaced: (on) => (this.replaced = on),
    });
  }

  read(offset: number): number {
    return this.hpet.readMmio(offset, 4);
  }

  write(offset: number, value: number): void {
    this.hpet.writeMmio(offset, 4, value);
  }

  run(ticks: number): void {
    this.clock.advance(ticks * tickNs);
  }
}

describe('HPET registers', () => {
  it('say what it is: three 64-bit timers of 10 ns with legacy replacement', () => {
    const rig = new Rig();
    expect([rig.read(0), rig.read(4)]).toEqual([0x8086_a201, 10_000_000]);
    expect([rig.read(0x100), rig.read(0x104)]).toEqual([0x30, 0x00f0_0000]);
  });

  it('stand still until the counter is enabled, and again afterwards', () => {
    const rig = new Rig();
    rig.run(100);
    expect(rig.read(0xf0)).toBe(0);
    rig.write(0x10, 1);
    rig.run(100);
    expect(rig.read(0xf0)).toBe(100);
    rig.write(0x10, 0);
    rig.run(100);
    expect(rig.read(0xf0)).toBe(100);
  });

  it('let the counter be set, and carry into its high half', () => {
    const rig = new Rig();
    rig.write(0xf0, 0xffff_fff0);
    rig.write(0xf4, 7);
    rig.write(0x10, 1);
    rig.run(0x20);
    expect([rig.read(0xf0), rig.read(0xf4)]).toEqual([0x10, 8]);
  });

  it('wrap at 64 bits', () => {
    const rig = new Rig();
    rig.write(0xf0, 0xffff_ffff);
    rig.write(0xf4, 0xffff_ffff);
    rig.write(0x10, 1);
    rig.run(3);
    expect([rig.read(0xf0), rig.read(0xf4)]).toEqual([2, 0]);
  });

  it('read as zero behind the block', () => {
    expect(new Rig().read(0x500)).toBe(0);
  });
});

describe('HPET one-shot timers', () => {
  it('raise their input when the counter comes to the comparator', () => {
    const rig = new Rig();
    rig.write(0x140, enable | (21 << 9));
    rig.write(0x148, 1000);
    rig.write(0x14c, 0);
    rig.write(0x10, 1);
    rig.run(999);
    expect(rig.inputs[21]?.rises).toBe(0);
    rig.run(1);
    expect(rig.inputs[21]?.rises).toBe(1);
  });

  it('come round again after 2^32 ticks in 32-bit mode', () => {
    const rig = new Rig();
    rig.write(0x140, enable | mode32 | (21 << 9));
    rig.write(0x148, 1000);
    rig.write(0x10, 1);
    rig.run(1000);
    rig.run(2 ** 32 - 1);
    expect(rig.inputs[21]?.rises).toBe(1);
    rig.run(1);
    expect(rig.inputs[21]?.rises).toBe(2);
  });

  it('hold a level-triggered input until their status is cleared', () => {
    const rig = new Rig();
    rig.write(0x140, enable | level | (22 << 9));
    rig.write(0x148, 10);
    rig.write(0x14c, 0);
    rig.write(0x10, 1);
    rig.run(10);
    expect([rig.inputs[22]?.level, rig.read(0x20)]).toEqual([true, 0x4]);
    rig.write(0x20, 0x4);
    expect([rig.inputs[22]?.level, rig.read(0x20)]).toEqual([false, 0]);
  });

  it('show what is due when they are read, however late the machine is with it', () => {
    let ns = 0;
    const never = { arm: () => undefined, cancel: () => undefined };
    const rig = new Rig(undefined, { now: () => ns, create: () => never });
    rig.write(0x140, enable | level | (22 << 9));
    rig.write(0x148, 10);
    rig.write(0x14c, 0);
    rig.write(0x10, 1);
    ns = 20 * tickNs;
    expect([rig.read(0xf0), rig.read(0x20), rig.inputs[22]?.level]).toEqual([20, 0x4, true]);
  });

  it('raise nothing at inputs that they cannot be routed to', () => {
    const rig = new Rig();
    rig.write(0x140, enable | (5 << 9));
    rig.write(0x148, 10);
    rig.write(0x14c, 0);
    rig.write(0x10, 1);
    rig.run(100);
    expect(rig.inputs.some((input) => input.rises > 0)).toBe(false);
  });
});

describe('HPET periodic timers', () => {
  it('fire at the first value, then each period (as Linux programs timer 0)', () => {
    const rig = new Rig();
    rig.write(0x10, 3);
    rig.write(0x100, enable | periodic | setValue | mode32);
    rig.write(0x108, 50_000);
    rig.write(0x108, 10_000);
    rig.run(49_999);
    expect(rig.timerIrq.rises).toBe(0);
    rig.run(1);
    expect([rig.timerIrq.rises, rig.read(0x108)]).toEqual([1, 60_000]);
    rig.run(9999);
    expect(rig.timerIrq.rises).toBe(1);
    rig.run(1);
    expect(rig.timerIrq.rises).toBe(2);
  });

  it('lose no period to accesses, even if the clock goes on within them', () => {
    const clock = new ManualClock();
    const restless = {
      now: (): number => {
        clock.advance(3);
        return clock.now();
      },
      create: (callback: () => void) => clock.create(callback),
    };
    const rig = new Rig(clock, restless);
    rig.write(0x10, 3);
    rig.write(0x100, enable | periodic | setValue | mode32);
    rig.write(0x108, 2500);
    rig.write(0x108, 2500);
    for (let count = 0; count < 100_000; count += 1) rig.write(0x148, count);
    expect(Math.abs(rig.timerIrq.rises - clock.now() / 25_000)).toBeLessThan(2);
  });

  it('keep their pace', () => {
    const rig = new Rig();
    const period = 1_000_000;
    rig.write(0x10, 3);
    rig.write(0x100, enable | periodic | setValue | mode32);
    rig.write(0x108, period);
    rig.write(0x108, period);
    for (let step = 1; step <= 10; step += 1) {
      rig.run(period);
      expect(rig.timerIrq.rises).toBe(step);
    }
  });

  it('give at most 50,000 interrupts a second', () => {
    const rig = new Rig();
    rig.write(0x10, 3);
    rig.write(0x100, enable | periodic | setValue | mode32);
    rig.write(0x108, 1);
    rig.run(1e6);
    expect(rig.timerIrq.rises).toBeLessThan(510);
  });
});

describe('HPET legacy replacement', () => {
  it('takes requests 0 and 8 from the 8254 and the RTC', () => {
    const rig = new Rig();
    rig.write(0x120, enable | (20 << 9));
    rig.write(0x128, 5);
    rig.write(0x12c, 0);
    rig.write(0x10, 3);
    rig.run(5);
    expect([rig.replaced, rig.clockIrq.rises, rig.inputs[20]?.rises]).toEqual([true, 1, 0]);
    rig.write(0x10, 1);
    expect([rig.replaced, rig.clockIrq.level]).toEqual([false, false]);
  });
});

describe('HPET state and hostility', () => {
  it('continues from a saved state, with wires as they were', () => {
    const rig = new Rig();
    rig.write(0x10, 3);
    rig.write(0x100, enable | periodic | setValue | mode32);
    rig.write(0x108, 3000);
    rig.write(0x108, 3000);
    rig.run(4000);
    const other = new Rig();
    other.run(4000);
    other.hpet.restore(JSON.parse(JSON.stringify(rig.hpet.save())));
    expect([other.replaced, other.timerIrq.level, other.read(0xf0)]).toEqual([true, true, 4000]);
    other.run(2000);
    expect(other.timerIrq.rises).toBe(2);
  });

  it('fires late, not never, when it is restored after its time', () => {
    const rig = new Rig();
    rig.write(0x10, 1);
    rig.write(0x140, enable | mode32 | (21 << 9));
    rig.write(0x148, 100);
    const saved = rig.hpet.save();
    const other = new Rig();
    other.run(200);
    other.hpet.restore(saved);
    other.run(1);
    expect(other.inputs[21]?.rises).toBe(1);
  });

  it('stops at reset', () => {
    const rig = new Rig();
    rig.write(0x10, 3);
    rig.hpet.reset();
    expect([rig.replaced, rig.read(0x10), rig.clock.nextDeadlineNs()]).toEqual([
      false,
      0,
      Infinity,
    ]);
  });

  it('survives random accesses', () => {
    const clock = new ManualClock();
    fuzzMmio({ make: () => new Rig(clock).hpet, bytes: 0x400, clock, advanceBits: 28 });
  });
});
