import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { Pit8254 } from '../pit-8254/index.ts';
import { ProbeLine } from '../test-fuzz.ts';
import { PcSpeaker } from './device.ts';

class Rig {
  readonly clock = new ManualClock();
  readonly events: string[] = [];
  readonly speaker = new PcSpeaker({
    clock: this.clock,
    sound: {
      tone: (hertz, atNs) => this.events.push(`${hertz.toFixed(0)} Hz at ${String(atNs / 1e6)} ms`),
      level: (high, atNs) => this.events.push(`${high ? 'out' : 'in'} at ${String(atNs / 1e6)} ms`),
    },
  });
  readonly pit = new Pit8254({
    clock: this.clock,
    timers: this.clock,
    irq: new ProbeLine(),
    speaker: this.speaker,
  });

  out(port: number, ...values: number[]): void {
    for (const value of values) this.pit.writePort(port, 1, value);
  }

  /** Programs counter 2 for a square wave. */
  wave(count: number): void {
    this.out(0x43, 0xb6);
    this.out(0x42, count & 0xff, count >> 8);
  }
}

describe('PC speaker', () => {
  it('makes a tone while port 0x61 has gate and speaker on', () => {
    const rig = new Rig();
    rig.wave(1193);
    expect(rig.events).toEqual([]);
    rig.clock.advance(1e6);
    rig.out(0x61, 0x03);
    rig.clock.advance(10e6);
    rig.out(0x61, 0x00);
    expect(rig.events).toEqual(['1000 Hz at 1 ms', '0 Hz at 11 ms']);
  });

  it('tells of a new frequency once the whole count is written', () => {
    const rig = new Rig();
    rig.wave(1193);
    rig.out(0x61, 0x03);
    rig.clock.advance(5e6);
    rig.out(0x42, 0x54);
    expect(rig.events).toEqual(['1000 Hz at 0 ms']);
    rig.out(0x42, 0x02);
    expect(rig.events).toEqual(['1000 Hz at 0 ms', '2002 Hz at 5 ms']);
  });

  it('takes no time of the machine for a tone', () => {
    const rig = new Rig();
    rig.out(0x61, 0x03);
    rig.wave(1193);
    expect(rig.clock.nextDeadlineNs()).toBe(Infinity);
  });

  it('follows a program that moves the cone by hand', () => {
    const rig = new Rig();
    rig.wave(1193); // The gate is closed, and holds OUT 2 high.
    rig.out(0x61, 0x02);
    rig.clock.advance(1e6);
    rig.out(0x61, 0x00);
    rig.clock.advance(1e6);
    rig.out(0x61, 0x02);
    expect(rig.events).toEqual(['out at 0 ms', 'in at 1 ms', 'out at 2 ms']);
  });

  it('follows pulses of counter 2, as programs that play samples make them', () => {
    const rig = new Rig();
    rig.out(0x61, 0x03);
    rig.out(0x43, 0x90);
    rig.events.length = 0;
    rig.out(0x42, 119);
    rig.clock.advance(1e6);
    expect(rig.events).toHaveLength(1);
    expect(rig.events[0]).toMatch(/^out at 0\.1/);
  });

  it('has no tone for a frequency that nobody hears', () => {
    const rig = new Rig();
    rig.wave(20);
    rig.out(0x61, 0x03);
    expect(rig.events).toEqual([]);
  });

  it('is silent after a reset, and is heard again after a restore', () => {
    const rig = new Rig();
    rig.out(0x61, 0x03);
    rig.wave(1193);
    const [pit, speaker] = [rig.pit.save(), rig.speaker.save()];
    rig.pit.reset();
    expect(rig.speaker.hertz).toBe(0);
    const other = new Rig();
    other.speaker.restore(speaker);
    other.pit.restore(pit);
    expect(other.events).toEqual(['1000 Hz at 0 ms']);
  });
});
