import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import type { SpeakerDrive } from '../pc-speaker/index.ts';
import { fuzzPorts, ProbeLine } from '../test-fuzz.ts';
import { TickRate } from '../tick-rate.ts';
import { Pit8254 } from './device.ts';
import { pitHertz, systemErrors } from './registers.ts';

const rate = new TickRate(pitHertz);

/** A timer whose clock is moved in ticks. */
class Rig {
  readonly clock = new ManualClock();
  readonly irq = new ProbeLine();
  readonly drives: SpeakerDrive[] = [];
  readonly nmi = new ProbeLine();
  readonly pit = new Pit8254({
    clock: this.clock,
    timers: this.clock,
    irq: this.irq,
    speaker: { drive: (drive) => this.drives.push(drive) },
    nmi: this.nmi,
  });
  tick = 0;

  run(ticks: number): void {
    this.tick += ticks;
    this.clock.advance(rate.timeOf(this.tick) - this.clock.now());
  }

  out(port: number, ...values: number[]): void {
    for (const value of values) {
      this.pit.writePort(port, 1, value);
    }
  }

  in(port: number): number {
    return this.pit.readPort(port, 1);
  }

  /** Reads counter `counter` low byte first. */
  count(counter: number): number {
    return this.in(0x40 + counter) | (this.in(0x40 + counter) << 8);
  }

  /** Returns OUT of counter 2, as port 0x61 shows it. */
  out2(): number {
    return (this.in(0x61) >> 5) & 1;
  }

  /** Returns OUT 2 over the next ticks, one digit each. */
  wave(ticks: number): string {
    let levels = '';
    for (let tick = 0; tick < ticks; tick += 1) {
      levels += String(this.out2());
      this.run(1);
    }
    return levels;
  }
}

/** A rig whose counter 2 has an open gate, a control word and, low byte only, a count. */
function counter2(mode: number, count: number, bcd = 0): Rig {
  const rig = new Rig();
  rig.out(0x61, 0x01);
  rig.out(0x43, 0x90 | (mode << 1) | bcd);
  rig.out(0x42, count);
  return rig;
}

describe('8254 modes, from the write of the count (data sheet figures 15 to 20)', () => {
  it('mode 0: OUT rises N + 1 ticks after the write', () => {
    expect(counter2(0, 4).wave(8)).toBe('00000111');
  });

  it('mode 0: counts on below zero after the end', () => {
    const rig = new Rig();
    rig.out(0x43, 0x30);
    rig.out(0x40, 0x02, 0x00);
    rig.run(4);
    expect(rig.count(0)).toBe(0xffff);
  });

  it('mode 0: a closed gate stops the count where it is', () => {
    const rig = counter2(0, 10);
    rig.run(4);
    rig.out(0x61, 0x00);
    rig.run(100);
    expect(rig.in(0x42)).toBe(7);
    rig.out(0x61, 0x01);
    expect(rig.wave(9)).toBe('000000011');
  });

  it('mode 0: the first of two bytes stops the count and takes OUT low', () => {
    const rig = new Rig();
    rig.out(0x43, 0x30);
    rig.out(0x40, 0x02, 0x00);
    rig.run(5);
    expect(rig.irq.level).toBe(true);
    rig.out(0x40, 0x08);
    expect(rig.irq.level).toBe(false);
    rig.run(100);
    expect(rig.irq.level).toBe(false);
    rig.out(0x40, 0x00);
    rig.run(9);
    expect(rig.irq.level).toBe(true);
  });

  it('mode 1: a rising gate starts a low pulse of N ticks, and starts it over', () => {
    const rig = counter2(1, 3);
    expect(rig.wave(3)).toBe('111');
    rig.out(0x61, 0x00);
    rig.out(0x61, 0x01);
    expect(rig.wave(3)).toBe('100');
    rig.out(0x61, 0x00);
    rig.out(0x61, 0x01);
    expect(rig.wave(6)).toBe('000011');
  });

  it('mode 2: OUT is low for the last tick of each period', () => {
    expect(counter2(2, 4).wave(13)).toBe('1111011101110');
  });

  it('mode 2: a new count waits for the end of the period', () => {
    const rig = counter2(2, 5);
    rig.run(2);
    rig.out(0x42, 3);
    expect(rig.wave(11)).toBe('11101101101');
  });

  it('mode 2: a closed gate takes OUT high, and opening it starts a period', () => {
    const rig = counter2(2, 4);
    rig.run(4);
    expect(rig.out2()).toBe(0);
    rig.out(0x61, 0x00);
    expect(rig.wave(8)).toBe('11111111');
    rig.out(0x61, 0x01);
    expect(rig.wave(6)).toBe('111101');
  });

  it('mode 3: an even count is high for half of the period', () => {
    expect(counter2(3, 4).wave(10)).toBe('1110011001');
  });

  it('mode 3: an odd count is high for one tick longer than low', () => {
    expect(counter2(3, 5).wave(12)).toBe('111100111001');
  });

  it('mode 3: the count goes down by two, odd ones from one below', () => {
    const rig = counter2(3, 5);
    rig.run(1);
    const seen = [];
    for (let tick = 0; tick < 6; tick += 1) {
      seen.push(rig.in(0x42));
      rig.run(1);
    }
    expect(seen).toEqual([4, 2, 0, 4, 2, 4]);
  });

  it('mode 3: a new count waits for the end of the half period', () => {
    const rig = counter2(3, 8);
    rig.run(2);
    rig.out(0x42, 4);
    expect(rig.wave(9)).toBe('111001100');
  });

  it('mode 4: OUT is low for one tick, N + 1 ticks after the write', () => {
    expect(counter2(4, 3).wave(8)).toBe('11110111');
  });

  it('mode 5: OUT is low for one tick, N + 1 ticks after the gate rose', () => {
    const rig = counter2(5, 3);
    expect(rig.wave(8)).toBe('11111111');
    rig.out(0x61, 0x00);
    rig.out(0x61, 0x01);
    expect(rig.wave(7)).toBe('1111011');
  });

  it('takes modes 6 and 7 as 2 and 3', () => {
    expect(counter2(6, 4).wave(9)).toBe(counter2(2, 4).wave(9));
    expect(counter2(7, 4).wave(9)).toBe(counter2(3, 4).wave(9));
  });
});

describe('8254 counts', () => {
  it('takes zero as 65536', () => {
    const rig = new Rig();
    rig.out(0x43, 0x34);
    rig.out(0x40, 0, 0);
    rig.run(2);
    expect(rig.count(0)).toBe(0xffff);
    rig.run(65536);
    expect(rig.irq.rises).toBe(2);
  });

  it('counts in decimal', () => {
    const rig = counter2(0, 0x20, 1);
    rig.run(2);
    expect(rig.in(0x42)).toBe(0x19);
  });

  it('takes zero as 10000 in decimal', () => {
    const rig = new Rig();
    rig.out(0x43, 0x31);
    rig.out(0x40, 0, 0);
    rig.run(2);
    expect(rig.count(0)).toBe(0x9999);
  });

  it('writes the high byte alone with a zero low byte', () => {
    const rig = new Rig();
    rig.out(0x43, 0x20);
    rig.out(0x40, 0x12);
    rig.run(1);
    expect(rig.in(0x40)).toBe(0x12);
    rig.run(1);
    expect(rig.in(0x40)).toBe(0x11);
  });

  it('keeps a latched count until both bytes are read', () => {
    const rig = new Rig();
    rig.out(0x43, 0x34);
    rig.out(0x40, 0x00, 0x10);
    rig.run(1);
    rig.out(0x43, 0x00);
    rig.run(50);
    rig.out(0x43, 0x00);
    expect(rig.count(0)).toBe(0x1000);
    expect(rig.count(0)).toBe(0x1000 - 50);
  });

  it('latches counts of several counters with one read-back command', () => {
    const rig = new Rig();
    rig.out(0x43, 0x34);
    rig.out(0x40, 0x00, 0x10);
    rig.out(0x43, 0x74);
    rig.out(0x41, 0x00, 0x20);
    rig.run(1);
    rig.out(0x43, 0xd6);
    rig.run(50);
    expect([rig.count(0), rig.count(1)]).toEqual([0x1000, 0x2000]);
  });

  it('reads status before count when both are latched', () => {
    const rig = new Rig();
    rig.out(0x43, 0x34);
    rig.out(0x40, 0x00, 0x10);
    rig.run(1);
    rig.out(0x43, 0xc2);
    expect(rig.in(0x40)).toBe(0xb4);
    expect(rig.count(0)).toBe(0x1000);
  });

  it('shows a null count until the written count is loaded', () => {
    const rig = counter2(0, 9);
    rig.out(0x43, 0xe8);
    expect(rig.in(0x42)).toBe(0x50);
    rig.run(1);
    rig.out(0x43, 0xe8);
    expect(rig.in(0x42)).toBe(0x10);
  });
});

describe('8254 in a PC', () => {
  it('raises IRQ 0 100 times a second with the divisor that Linux uses', () => {
    const rig = new Rig();
    rig.out(0x43, 0x34);
    rig.out(0x40, 11932 & 0xff, 11932 >> 8);
    rig.irq.rises = 0;
    rig.clock.advance(1e9);
    expect(rig.irq.rises).toBe(99);
  });

  it('raises IRQ 0 18 times a second in the mode that a BIOS leaves', () => {
    const rig = new Rig();
    rig.out(0x43, 0x36);
    rig.out(0x40, 0, 0);
    rig.irq.rises = 0;
    rig.clock.advance(1e9);
    expect(rig.irq.rises).toBe(18);
  });

  it('gives one interrupt per shot in mode 0, as a one-shot clock event needs', () => {
    const rig = new Rig();
    for (let shot = 1; shot <= 3; shot += 1) {
      rig.out(0x43, 0x30);
      rig.out(0x40, 0x00, 0x01);
      rig.run(256);
      expect(rig.irq.rises).toBe(shot);
      rig.run(1);
      expect(rig.irq.rises).toBe(shot + 1);
    }
  });

  it.each([
    ['mode 2', 0x34, 450],
    ['mode 3, after OUT has fallen again', 0x36, 470],
  ])('makes one edge of several when its timer fires late: %s', (_name, control, lateTick) => {
    const clock = new ManualClock();
    let lag = 0;
    const irq = new ProbeLine();
    const pit = new Pit8254({ clock: { now: () => clock.now() + lag }, timers: clock, irq });
    for (const [port, value] of [
      [0x43, control],
      [0x40, 100],
      [0x40, 0],
    ] as const) {
      pit.writePort(port, 1, value);
    }
    clock.advance(rate.timeOf(20));
    irq.rises = 0;
    lag = rate.timeOf(lateTick) - clock.now();
    pit.readPort(0x40, 1);
    expect([irq.rises, irq.level]).toEqual([1, true]);
    pit.readPort(0x40, 1);
    expect([irq.rises, irq.level]).toEqual([1, true]);
  });

  it('gives at most 100,000 interrupts a second, whatever the count', () => {
    const rig = new Rig();
    rig.out(0x43, 0x36);
    rig.out(0x40, 2, 0);
    rig.irq.rises = 0;
    rig.clock.advance(0.1e9);
    expect(rig.irq.rises).toBeGreaterThan(9000);
    expect(rig.irq.rises).toBeLessThan(10_100);
  });

  it('toggles the refresh bit of port 0x61 every 15 microseconds', () => {
    const rig = new Rig();
    const first = rig.in(0x61) & 0x10;
    rig.run(18);
    expect(rig.in(0x61) & 0x10).toBe(first ^ 0x10);
  });

  it('lets OUT 2 reach the speaker only when port 0x61 says so', () => {
    const rig = new Rig();
    rig.out(0x61, 0x01);
    rig.out(0x43, 0xb6);
    rig.out(0x42, 100, 0);
    rig.run(1000);
    expect(rig.drives.some((drive) => drive.on)).toBe(false);
    rig.out(0x61, 0x03);
    expect(rig.drives.at(-1)).toMatchObject({ on: true, hertz: pitHertz / 100 });
  });

  it('shows errors of the board, and asks for an NMI until their report is switched off', () => {
    const rig = new Rig();
    rig.pit.reportError(systemErrors.channel);
    expect([rig.in(0x61) & 0xc0, rig.nmi.level]).toEqual([0x40, true]);
    rig.out(0x61, 0x08);
    expect([rig.in(0x61) & 0xc0, rig.nmi.level]).toEqual([0, false]);
    rig.pit.reportError(systemErrors.channel);
    expect(rig.nmi.level).toBe(false);
    rig.out(0x61, 0x00);
    rig.pit.reportError(systemErrors.system);
    expect([rig.in(0x61) & 0xc0, rig.nmi.rises]).toEqual([0x80, 2]);
  });

  it('keeps only the low four bits of port 0x61', () => {
    const rig = new Rig();
    rig.out(0x61, 0xff);
    expect(rig.in(0x61) & 0xcf).toBe(0x0f);
  });

  it('continues in the middle of a period from a saved state', () => {
    const rig = new Rig();
    rig.out(0x43, 0x34);
    rig.out(0x40, 0xe8, 0x03);
    rig.run(400);
    const other = new Rig();
    other.clock.advance(rig.clock.now());
    other.tick = rig.tick;
    other.pit.restore(rig.pit.save());
    other.irq.rises = 0;
    other.run(600);
    expect(other.irq.rises).toBe(0);
    other.run(1);
    expect(other.irq.rises).toBe(1);
  });

  it('survives random accesses', () => {
    const clock = new ManualClock();
    fuzzPorts({
      make: () =>
        new Pit8254({
          clock,
          timers: clock,
          irq: new ProbeLine(),
          speaker: { drive: () => undefined },
        }),
      clock,
      advanceBits: 16,
      rounds: 20_000,
    });
  });
});
