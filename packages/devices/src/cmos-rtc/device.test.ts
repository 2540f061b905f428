import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { fuzzPorts, ProbeLine } from '../test-fuzz.ts';
import { nextAlarm } from './calendar.ts';
import { CmosRtc } from './device.ts';
import { memorySizeBytes } from './memory-size.ts';

const startMs = Date.UTC(2026, 10, 22, 23, 59, 58); // A Sunday.

class Rig {
  readonly clock = new ManualClock();
  readonly irq = new ProbeLine();
  readonly nmiMask = new ProbeLine();
  readonly rtc: CmosRtc;

  constructor(bytes: Record<number, number> = {}) {
    this.rtc = new CmosRtc({
      clock: this.clock,
      timers: this.clock,
      wallClock: { unixTimeMs: () => startMs },
      irq: this.irq,
      nmiMask: this.nmiMask,
      bytes,
    });
  }

  get(index: number): number {
    this.rtc.writePort(0x70, 1, index);
    return this.rtc.readPort(0x71, 1);
  }

  set(index: number, value: number): void {
    this.rtc.writePort(0x70, 1, index);
    this.rtc.writePort(0x71, 1, value);
  }

  /** Century, year, month, day, weekday, hours, minutes, seconds, in hexadecimal. */
  time(): string {
    return [0x32, 9, 8, 7, 6, 4, 2, 0]
      .map((index) => this.get(index).toString(16).padStart(2, '0'))
      .join(' ');
  }
}

describe('RTC time', () => {
  it('starts with the wall clock, in BCD and 24 hours', () => {
    expect(new Rig().time()).toBe('20 26 11 22 01 23 59 58');
  });

  it('carries into the next day', () => {
    const rig = new Rig();
    rig.clock.advance(2e9);
    expect(rig.time()).toBe('20 26 11 23 02 00 00 00');
  });

  it('shows binary and 12-hour formats when register B says so', () => {
    const rig = new Rig();
    rig.set(0x0b, 0x82);
    rig.set(0x0b, 0x84);
    rig.set(4, 0x8b);
    rig.set(2, 59);
    rig.set(0, 58);
    rig.set(9, 26);
    rig.set(8, 11);
    rig.set(7, 22);
    rig.set(0x0b, 0x04);
    expect([rig.get(4), rig.get(2), rig.get(0)]).toEqual([0x8b, 59, 58]);
    rig.clock.advance(2e9);
    expect([rig.get(4), rig.get(7)]).toEqual([12, 23]);
  });

  it('stands still while SET is set, and goes on from what was written', () => {
    const rig = new Rig();
    rig.set(0x0b, 0x82);
    rig.clock.advance(10e9);
    rig.set(0, 0x30);
    rig.set(2, 0x15);
    rig.set(4, 0x08);
    rig.set(7, 0x29);
    rig.set(8, 0x02);
    rig.set(9, 0x24);
    rig.set(6, 0x05);
    rig.set(0x0b, 0x02);
    expect(rig.time()).toBe('20 24 02 29 05 08 15 30');
    rig.clock.advance(86_400e9);
    expect(rig.time()).toBe('20 24 03 01 06 08 15 30');
  });

  it('makes the first update half a second after the divider leaves reset', () => {
    const rig = new Rig();
    rig.set(0x0a, 0x76);
    rig.clock.advance(5e9);
    rig.set(0, 0x10);
    rig.set(0x0a, 0x26);
    rig.clock.advance(0.49e9);
    expect(rig.get(0)).toBe(0x10);
    rig.clock.advance(0.02e9);
    expect(rig.get(0)).toBe(0x11);
  });

  it('shows UIP for the last 2,228 microseconds of each second', () => {
    const rig = new Rig();
    rig.clock.advance(997_000_000);
    expect(rig.get(0x0a) & 0x80).toBe(0);
    rig.clock.advance(1_000_000);
    expect(rig.get(0x0a)).toBe(0xa6);
    rig.clock.advance(2_000_001);
    expect(rig.get(0x0a) & 0x80).toBe(0);
  });

  it('shows no UIP while SET is set', () => {
    const rig = new Rig();
    rig.set(0x0b, 0x82);
    rig.clock.advance(999_000_000);
    expect(rig.get(0x0a) & 0x80).toBe(0);
  });
});

describe('RTC interrupts', () => {
  it('interrupts at the periodic rate of data sheet table 5 until register C is read', () => {
    const rig = new Rig();
    rig.set(0x0a, 0x26);
    rig.set(0x0b, 0x42);
    let count = 0;
    for (let step = 0; step < 4096; step += 1) {
      rig.clock.advance(1e9 / 4096);
      if (rig.irq.level) {
        count += 1;
        expect(rig.get(0x0c) & 0xc0).toBe(0xc0);
      }
    }
    expect(count).toBe(1024);
  });

  it.each([
    [1, 256],
    [2, 128],
    [3, 8192],
    [15, 2],
  ])('divides for rate %i to %i Hz', (rateSelect, hertz) => {
    const rig = new Rig();
    rig.get(0x0c);
    rig.set(0x0a, 0x20 | rateSelect);
    rig.set(0x0b, 0x42);
    rig.get(0x0c);
    rig.clock.advance(1e9 / hertz - 200);
    expect(rig.irq.level).toBe(false);
    rig.clock.advance(400);
    expect(rig.irq.level).toBe(true);
  });

  it('does not interrupt again before register C is read', () => {
    const rig = new Rig();
    rig.set(0x0b, 0x42);
    rig.clock.advance(1e9);
    expect(rig.irq.rises).toBe(1);
  });

  it('sets flags without enables, for polling', () => {
    const rig = new Rig();
    rig.clock.advance(1.5e9);
    expect(rig.get(0x0c)).toBe(0x50);
    expect(rig.get(0x0c)).toBe(0x00);
  });

  it('interrupts after each update', () => {
    const rig = new Rig();
    rig.set(0x0b, 0x12);
    rig.clock.advance(1.1e9);
    expect(rig.irq.level).toBe(true);
    expect(rig.get(0x0c) & 0x90).toBe(0x90);
    rig.clock.advance(1e9);
    expect(rig.irq.rises).toBe(2);
  });

  it('interrupts at the alarm', () => {
    const rig = new Rig();
    rig.set(1, 0x05);
    rig.set(3, 0x00);
    rig.set(5, 0x00);
    rig.set(0x0b, 0x22);
    rig.get(0x0c);
    rig.clock.advance(6.9e9);
    expect(rig.irq.level).toBe(false);
    rig.clock.advance(0.2e9);
    expect(rig.irq.level).toBe(true);
    expect(rig.get(0x0c) & 0xa0).toBe(0xa0);
  });

  it('takes alarm bytes from 0xc0 on as any', () => {
    const rig = new Rig();
    rig.set(1, 0x30);
    rig.set(3, 0xff);
    rig.set(5, 0xc0);
    rig.set(0x0b, 0x22);
    for (let minute = 0; minute < 3; minute += 1) {
      rig.get(0x0c);
      rig.clock.advance(60e9);
      expect(rig.irq.level).toBe(true);
    }
  });

  it('finds no alarm for a time that is none', () => {
    expect(nextAlarm({ hours: 25, minutes: 0, seconds: 0 }, 1000)).toBe(Infinity);
    expect(nextAlarm({ hours: 0, minutes: 0, seconds: 0 }, 0)).toBe(86_400);
  });

  it('switches interrupts off on reset and keeps the time', () => {
    const rig = new Rig();
    rig.set(0x0b, 0x42);
    rig.clock.advance(1e9);
    rig.rtc.reset();
    expect(rig.irq.level).toBe(false);
    expect(rig.get(0x0b)).toBe(0x02);
    expect(rig.time()).toBe('20 26 11 22 01 23 59 59');
  });
});

describe('CMOS RAM', () => {
  it('reads 0xff from the index port and masks NMI with its bit 7', () => {
    const rig = new Rig();
    rig.rtc.writePort(0x70, 1, 0x8f);
    expect([rig.rtc.readPort(0x70, 1), rig.nmiMask.level]).toEqual([0xff, true]);
    rig.rtc.writePort(0x70, 1, 0x0f);
    expect(rig.nmiMask.level).toBe(false);
  });

  it('keeps what is written to RAM', () => {
    const rig = new Rig();
    rig.set(0x40, 0xa5);
    expect(rig.get(0x40)).toBe(0xa5);
  });

  it('tells the size of memory', () => {
    const rig = new Rig(memorySizeBytes(256 * 2 ** 20, 3 * 2 ** 30));
    const word = (index: number): number => rig.get(index) | (rig.get(index + 1) << 8);
    expect([word(0x15), word(0x17), word(0x34)]).toEqual([640, 0xffff, 3840]);
    expect(word(0x5b)).toBe(49152);
  });

  it('has valid RAM and time in register D, whatever is written', () => {
    const rig = new Rig();
    rig.set(0x0d, 0x00);
    expect(rig.get(0x0d)).toBe(0x80);
  });

  it('continues from a saved state', () => {
    const rig = new Rig();
    rig.set(0x0b, 0x12);
    rig.clock.advance(0.5e9);
    const other = new Rig();
    other.clock.advance(0.5e9);
    other.rtc.restore(rig.rtc.save());
    other.clock.advance(0.6e9);
    expect([other.irq.level, other.get(0)]).toEqual([true, 0x59]);
  });

  it('survives random accesses', () => {
    const clock = new ManualClock();
    fuzzPorts({
      make: () =>
        new CmosRtc({
          clock,
          timers: clock,
          wallClock: { unixTimeMs: () => startMs },
          irq: new ProbeLine(),
        }),
      clock,
      advanceBits: 31,
    });
  });
});

describe('a clock that goes on during an access', () => {
  it('gives an edge for a period that ends while register C is read', () => {
    const timers = new ManualClock();
    let stepNs = 0;
    let now = 0;
    // Each look at the clock may find it later, as a host that was busy elsewhere does.
    const clock = { now: () => (now += stepNs) };
    const irq = new ProbeLine();
    const wallClock = { unixTimeMs: () => 0 };
    const rtc = new CmosRtc({ clock, timers, wallClock, irq });
    const set = (index: number, value: number): void => {
      rtc.writePort(0x70, 1, index);
      rtc.writePort(0x71, 1, value);
    };
    set(0x0a, 0x26);
    set(0x0b, 0x42);
    now += 2e6;
    rtc.writePort(0x70, 1, 0x0c);
    stepNs = 1e6;
    rtc.readPort(0x71, 1);
    const before = irq.rises;
    rtc.readPort(0x71, 1);
    expect([irq.level, irq.rises]).toEqual([true, before + 1]);
  });
});
