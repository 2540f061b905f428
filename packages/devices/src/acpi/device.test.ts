import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { PortBus } from '../port-bus.ts';
import { fuzzPorts, ProbeLine, type Random } from '../test-fuzz.ts';
import { AcpiPowerManagement, type AcpiPowerManagementOptions } from './device.ts';

class Rig {
  readonly clock = new ManualClock();
  readonly sci = new ProbeLine();
  powerOffs = 0;
  readonly acpi: AcpiPowerManagement;

  constructor(extra: Partial<AcpiPowerManagementOptions> = {}) {
    this.acpi = new AcpiPowerManagement({
      clock: this.clock,
      timers: this.clock,
      sci: this.sci,
      requestPowerOff: () => (this.powerOffs += 1),
      ...extra,
    });
  }

  in(offset: number): number {
    return this.acpi.registers.readPort(offset, 2);
  }

  out(offset: number, value: number): void {
    this.acpi.registers.writePort(offset, 2, value);
  }
}

describe('ACPI registers', () => {
  it('switches the power off with SLP_EN and type 0', () => {
    const rig = new Rig();
    rig.out(4, 0x2001);
    expect(rig.powerOffs).toBe(1);
    expect(rig.in(4)).toBe(0x0001);
  });

  it('does nothing for other sleep types, without SLP_EN, or where there is no sleep', () => {
    const rig = new Rig();
    rig.out(4, 0x2801);
    rig.out(4, 0x2401);
    rig.out(4, 0x0001);
    expect(rig.powerOffs).toBe(0);
  });

  it('sleeps with SLP_EN and type 1 until the clock interrupts, as PM1_EN allows', () => {
    const asked: string[] = [];
    const rig = new Rig({ requestSleep: (state) => asked.push(state) });
    rig.acpi.setClockInterrupt(true);
    expect([asked.length, rig.in(0)]).toEqual([0, 0x0400]);
    rig.out(0, 0x0400);
    rig.out(4, 0x2401);
    expect([asked, rig.acpi.isAsleep]).toEqual([['sleep'], true]);
    // It is still on: only a new interrupt is an event.
    rig.acpi.setClockInterrupt(true);
    expect(rig.acpi.isAsleep).toBe(true);
    rig.acpi.setClockInterrupt(false);
    rig.out(2, 0x0100);
    rig.acpi.setClockInterrupt(true);
    expect([rig.acpi.isAsleep, rig.in(0)]).toEqual([true, 0x0400]);
    rig.acpi.setClockInterrupt(false);
    rig.out(2, 0x0400);
    rig.acpi.setClockInterrupt(true);
    expect([asked, rig.acpi.isAsleep, rig.in(0)]).toEqual([['sleep', 'wake'], false, 0x8400]);
  });

  it('wakes by the power button, and by a reset', () => {
    const asked: string[] = [];
    const rig = new Rig({ requestSleep: (state) => asked.push(state) });
    rig.out(4, 0x2401);
    rig.acpi.pressPowerButton();
    expect([asked, rig.in(0)]).toEqual([['sleep', 'wake'], 0x8100]);
    rig.out(4, 0x2401);
    rig.acpi.reset();
    expect([asked.length, rig.acpi.isAsleep]).toEqual([3, false]);
  });

  it('hands the registers over by command, as the FADT says', () => {
    const rig = new Rig();
    rig.acpi.writePort(0xb2, 1, 0xf1);
    expect(rig.in(4) & 1).toBe(1);
    rig.acpi.writePort(0xb2, 1, 0xf0);
    expect(rig.in(4) & 1).toBe(0);
  });

  it('keeps the two APM bytes', () => {
    const rig = new Rig();
    rig.acpi.writePort(0xb2, 1, 0x12);
    rig.acpi.writePort(0xb3, 1, 0x34);
    expect([rig.acpi.readPort(0xb2, 1), rig.acpi.readPort(0xb3, 1)]).toEqual([0x12, 0x34]);
  });

  it('raises the SCI for an enabled event until the guest clears its status', () => {
    const rig = new Rig({ sciEnabled: true });
    rig.acpi.pressPowerButton();
    expect(rig.sci.level).toBe(false);
    rig.out(2, 0x0100);
    expect([rig.sci.level, rig.in(0)]).toEqual([true, 0x0100]);
    rig.out(0, 0x0100);
    expect([rig.sci.level, rig.in(0)]).toEqual([false, 0]);
  });

  it('raises no SCI while firmware owns the registers', () => {
    const rig = new Rig();
    rig.out(2, 0x0100);
    rig.acpi.pressPowerButton();
    expect(rig.sci.level).toBe(false);
  });

  it('raises the SCI for an enabled general-purpose event', () => {
    const rig = new Rig({ sciEnabled: true });
    rig.out(0x0e, 0x0002);
    rig.acpi.raiseEvent(1);
    expect([rig.sci.level, rig.in(0x0c)]).toEqual([true, 0x0002]);
    rig.out(0x0c, 0x0002);
    expect(rig.sci.level).toBe(false);
  });

  it('has only the enables that exist', () => {
    const rig = new Rig();
    rig.out(2, 0xffff);
    expect(rig.in(2)).toBe(0x0521);
  });
});

describe('ACPI timer', () => {
  it('counts 3,579,545 ticks a second and wraps at 24 bits', () => {
    const rig = new Rig();
    rig.clock.advance(1e9);
    expect(rig.acpi.registers.readPort(8, 4)).toBe(3_579_545);
    rig.clock.advance(9e9);
    expect(rig.acpi.registers.readPort(8, 4)).toBe(35_795_450 % 2 ** 24);
  });

  it('reads as of one moment, however long the access takes', () => {
    const clock = new ManualClock();
    const restless = {
      now: (): number => {
        clock.advance(500);
        return clock.now();
      },
      create: (callback: () => void) => clock.create(callback),
    };
    const { acpi } = new Rig({ clock: restless, timers: restless });
    let last = 0;
    for (let count = 0; count < 10_000; count += 1) {
      const ticks = acpi.registers.readPort(8, 4);
      expect(ticks).toBeGreaterThanOrEqual(last);
      last = ticks;
    }
  });

  it('wraps at 32 bits if asked', () => {
    const rig = new Rig({ timerBits: 32 });
    rig.clock.advance(2000e9);
    expect(rig.acpi.registers.readPort(8, 4)).toBe(7_159_090_000 % 2 ** 32);
  });

  it('sets its status when the top bit changes', () => {
    const rig = new Rig();
    rig.clock.advance(2.34e9);
    expect(rig.in(0) & 1).toBe(0);
    rig.clock.advance(0.01e9);
    expect(rig.in(0) & 1).toBe(1);
    rig.out(0, 1);
    expect(rig.in(0) & 1).toBe(0);
  });

  it('raises the SCI at each change of the top bit if enabled', () => {
    const rig = new Rig({ sciEnabled: true });
    rig.out(2, 1);
    rig.clock.advance(2.35e9);
    expect(rig.sci.level).toBe(true);
    rig.out(0, 1);
    expect(rig.sci.level).toBe(false);
    rig.clock.advance(2.35e9);
    expect(rig.sci.rises).toBe(2);
  });

  it('ignores writes', () => {
    const rig = new Rig();
    rig.acpi.registers.writePort(8, 4, 0xffff_ffff);
    expect(rig.acpi.registers.readPort(8, 4)).toBe(0);
  });
});

describe('ACPI state and hostility', () => {
  it('continues from a saved state', () => {
    const rig = new Rig({ sciEnabled: true });
    rig.out(2, 0x0100);
    rig.acpi.pressPowerButton();
    const other = new Rig();
    other.acpi.restore(rig.acpi.save());
    expect([other.sci.level, other.in(4)]).toEqual([true, 1]);
  });

  it('clears events on reset', () => {
    const rig = new Rig({ sciEnabled: true });
    rig.out(2, 0x0100);
    rig.acpi.pressPowerButton();
    rig.acpi.reset();
    expect([rig.sci.level, rig.in(0), rig.in(2)]).toEqual([false, 0, 0]);
  });

  it('survives random accesses to both blocks', () => {
    const clock = new ManualClock();
    const bus = new PortBus();
    fuzzPorts({
      make: () =>
        new AcpiPowerManagement({
          clock,
          timers: clock,
          sci: new ProbeLine(),
          requestPowerOff: () => undefined,
        }),
      clock,
      advanceBits: 30,
      between: (device: unknown, random: Random) => {
        const { registers } = device as AcpiPowerManagement;
        const claim = bus.claim({ first: 0x600, count: 64, device: registers, widest: 4 });
        bus.writePort(0x600 + random.below(64), 4, random.below(2 ** 32));
        expect(bus.readPort(0x600 + random.below(64), 2)).toBeLessThanOrEqual(0xffff);
        claim.release();
      },
    });
  });
});
