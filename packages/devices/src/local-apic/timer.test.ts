import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { apicMsr, apicRegister as at } from './registers.ts';
import { Rig } from './test-rig.ts';

const periodic = 0x2_0000;
const tscDeadline = 0x4_0000;
const masked = 0x1_0000;

describe('local APIC timer', () => {
  it('counts down once, at the divided clock', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, 0x40);
    rig.write(at.divide, 0x3); // 16
    rig.write(at.initialCount, 1000);
    rig.clock.advance(8000);
    expect([rig.read(at.currentCount), rig.interrupt.level]).toEqual([500, false]);
    rig.clock.advance(8000);
    expect([rig.read(at.currentCount), rig.apic.acknowledge()]).toEqual([0, 0x40]);
    rig.write(at.endOfInterrupt, 0);
    rig.clock.advance(1e9);
    expect(rig.interrupt.rises).toBe(1);
  });

  it('goes on counting from where it is when it becomes periodic, and one-shot again', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, masked | 0x40);
    rig.write(at.divide, 0xb); // 1
    rig.write(at.initialCount, 100_000);
    rig.clock.advance(60_000);
    rig.write(at.lvtFirst, periodic | 0x40);
    expect(rig.read(at.currentCount)).toBe(40_000);
    rig.clock.advance(250_000);
    expect([rig.read(at.currentCount), rig.apic.acknowledge()]).toEqual([90_000, 0x40]);
    rig.write(at.endOfInterrupt, 0);
    rig.write(at.lvtFirst, 0x40);
    expect([rig.read(at.currentCount), rig.read(at.initialCount)]).toEqual([90_000, 100_000]);
    rig.clock.advance(89_999);
    expect([rig.read(at.currentCount), rig.interrupt.level]).toEqual([1, false]);
    rig.clock.advance(1);
    expect([rig.read(at.currentCount), rig.interrupt.level]).toEqual([0, true]);
    rig.write(at.lvtFirst, periodic | 0x40);
    rig.clock.advance(1e9);
    expect(rig.read(at.currentCount)).toBe(0);
  });

  it('divides by 2 to 128, and by 1', () => {
    const counts = [0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa, 0xb].map((divide) => {
      const rig = Rig.enabled();
      rig.write(at.divide, divide);
      rig.write(at.initialCount, 1_000_000);
      rig.clock.advance(128_000);
      return 1_000_000 - rig.read(at.currentCount);
    });
    expect(counts).toEqual([64_000, 32_000, 16_000, 8000, 4000, 2000, 1000, 128_000]);
  });

  it('starts over in periodic mode', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, 0x40 | periodic);
    rig.write(at.divide, 0xb);
    rig.write(at.initialCount, 1_000_000);
    for (let tick = 1; tick <= 5; tick += 1) {
      rig.clock.advance(1_000_000);
      expect(rig.apic.acknowledge()).toBe(0x40);
      rig.write(at.endOfInterrupt, 0);
    }
    expect([rig.interrupt.rises, rig.read(at.currentCount)]).toEqual([5, 1_000_000]);
  });

  it('keeps time while it is masked, and is silent', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, 0x40 | periodic | masked);
    rig.write(at.divide, 0xb);
    rig.write(at.initialCount, 1_000_000);
    rig.clock.advance(2_500_000);
    expect([rig.read(at.currentCount), rig.interrupt.rises]).toEqual([500_000, 0]);
  });

  it('stops with an initial count of zero', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, 0x40);
    rig.write(at.initialCount, 1000);
    rig.write(at.initialCount, 0);
    rig.clock.advance(1e9);
    expect([rig.interrupt.rises, rig.clock.nextDeadlineNs()]).toEqual([0, Infinity]);
  });

  it('fires at a reading of the TSC, once', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, 0x40 | tscDeadline);
    expect(rig.apic.writeMsr(apicMsr.tscDeadline, 5_000_000, 0)).toBe('handled');
    expect(rig.apic.readMsr(apicMsr.tscDeadline)).toEqual({ low: 5_000_000, high: 0 });
    rig.clock.advance(4_999_999);
    expect(rig.interrupt.level).toBe(false);
    rig.clock.advance(1);
    expect(rig.apic.acknowledge()).toBe(0x40);
    expect(rig.apic.readMsr(apicMsr.tscDeadline)).toEqual({ low: 0, high: 0 });
  });

  it('takes no deadline in another mode, and drops one when the mode changes', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, 0x40);
    rig.apic.writeMsr(apicMsr.tscDeadline, 100, 0);
    expect(rig.apic.readMsr(apicMsr.tscDeadline)).toEqual({ low: 0, high: 0 });
    rig.write(at.lvtFirst, 0x40 | tscDeadline);
    rig.apic.writeMsr(apicMsr.tscDeadline, 100, 0);
    rig.write(at.lvtFirst, 0x40);
    rig.clock.advance(1000);
    expect(rig.interrupt.rises).toBe(0);
  });

  it('moves its deadline when the guest changes the TSC', () => {
    let offset = 0;
    const clock = new ManualClock();
    const rig = Rig.enabled({
      clock,
      timers: clock,
      tsc: { hertz: 1e9, now: () => clock.now() + offset },
    });
    rig.write(at.lvtFirst, 0x40 | tscDeadline);
    rig.apic.writeMsr(apicMsr.tscDeadline, 1_000_000, 0);
    offset = 900_000;
    rig.apic.tscChanged();
    clock.advance(100_000);
    expect(rig.interrupt.level).toBe(true);
  });

  it('gives at most 50,000 interrupts a second, whatever the period', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, 0x40 | periodic);
    rig.write(at.divide, 0xb);
    rig.write(at.initialCount, 1);
    let fired = 0;
    for (let deadline = 0; deadline < 1e7; deadline = rig.clock.nextDeadlineNs()) {
      rig.clock.advance(Math.max(0, rig.clock.nextDeadlineNs() - rig.clock.now()));
      fired += 1;
    }
    expect(fired).toBeLessThan(510);
  });
});
