import { describe, expect, it } from 'vitest';
import type { ApicMessage } from '../local-apic/message.ts';
import { fuzzMmio } from '../test-fuzz.ts';
import { IoApic } from './device.ts';

const level = 0x8000;
const masked = 0x1_0000;
const remoteIrr = 0x4000;

class Rig {
  readonly messages: ApicMessage[] = [];
  takes = true;
  readonly chip = new IoApic({
    id: 1,
    bus: {
      deliver: (message) => {
        this.messages.push(message);
        return this.takes;
      },
    },
  });

  read(register: number): number {
    this.chip.writeMmio(0x00, 4, register);
    return this.chip.readMmio(0x10, 4);
  }

  write(register: number, value: number): void {
    this.chip.writeMmio(0x00, 4, register);
    this.chip.writeMmio(0x10, 4, value);
  }

  /** Sets the redirection of a pin. */
  redirect(pin: number, low: number, high = 0): void {
    this.write(0x11 + 2 * pin, high);
    this.write(0x10 + 2 * pin, low);
  }

  get vectors(): number[] {
    return this.messages.map((message) => message.vector);
  }
}

describe('82093AA registers', () => {
  it('identify a chip of 24 entries', () => {
    const rig = new Rig();
    expect([rig.read(0), rig.read(1), rig.read(2)]).toEqual([
      0x0100_0000, 0x0017_0020, 0x0100_0000,
    ]);
  });

  it('mask every pin after reset', () => {
    const rig = new Rig();
    for (let pin = 0; pin < 24; pin += 1) expect(rig.read(0x10 + 2 * pin)).toBe(masked);
    rig.chip.setPin(4, true);
    expect(rig.messages).toEqual([]);
  });

  it('keep what can be written of a redirection', () => {
    const rig = new Rig();
    rig.redirect(5, 0xffff_ffff, 0xffff_ffff);
    expect([rig.read(0x1a), rig.read(0x1b)]).toEqual([0x1_afff, 0xff00_0000]);
  });

  it('read as zero past the last entry', () => {
    const rig = new Rig();
    rig.write(0x40, 0xffff_ffff);
    expect([rig.read(0x40), rig.read(0xff)]).toEqual([0, 0]);
  });
});

describe('82093AA edge-triggered pins', () => {
  it('send one message for each rising edge', () => {
    const rig = new Rig();
    rig.redirect(4, 0x34);
    rig.chip.setPin(4, true);
    rig.chip.setPin(4, true);
    rig.chip.setPin(4, false);
    rig.chip.setPin(4, true);
    expect(rig.vectors).toEqual([0x34, 0x34]);
  });

  it('send what the redirection says', () => {
    const rig = new Rig();
    rig.redirect(1, 0x0931, 0x0300_0000);
    rig.chip.setPin(1, true);
    expect(rig.messages).toEqual([
      { destination: 3, logical: true, mode: 1, vector: 0x31, level: false },
    ]);
  });

  it('lose an edge while they are masked', () => {
    const rig = new Rig();
    rig.redirect(4, 0x34 | masked);
    rig.chip.setPin(4, true);
    rig.redirect(4, 0x34);
    expect(rig.vectors).toEqual([]);
  });
});

describe('82093AA level-triggered pins', () => {
  it('wait for the end of the interrupt, then ask again while the pin is high', () => {
    const rig = new Rig();
    rig.redirect(10, 0x3a | level);
    rig.chip.setPin(10, true);
    expect([rig.vectors, rig.read(0x24)]).toEqual([[0x3a], 0x3a | level | remoteIrr]);
    rig.chip.endOfInterrupt(0x3b);
    expect(rig.vectors).toEqual([0x3a]);
    rig.chip.endOfInterrupt(0x3a);
    expect(rig.vectors).toEqual([0x3a, 0x3a]);
    rig.chip.setPin(10, false);
    rig.chip.endOfInterrupt(0x3a);
    expect([rig.vectors, rig.read(0x24)]).toEqual([[0x3a, 0x3a], 0x3a | level]);
  });

  it('ask when they are unmasked while high', () => {
    const rig = new Rig();
    rig.redirect(10, 0x3a | level | masked);
    rig.chip.setPin(10, true);
    rig.redirect(10, 0x3a | level);
    expect(rig.vectors).toEqual([0x3a]);
  });

  it('forget their remote IRR when they become edge-triggered', () => {
    const rig = new Rig();
    rig.redirect(10, 0x3a | level);
    rig.chip.setPin(10, true);
    rig.redirect(10, 0x3a | level | masked);
    expect(rig.read(0x24) & remoteIrr).toBe(remoteIrr);
    rig.redirect(10, 0x3a | masked);
    expect(rig.read(0x24) & remoteIrr).toBe(0);
  });

  it('end by the EOI register too', () => {
    const rig = new Rig();
    rig.redirect(10, 0x3a | level);
    rig.chip.setPin(10, true);
    rig.chip.setPin(10, false);
    rig.chip.writeMmio(0x40, 4, 0x3a);
    expect(rig.read(0x24) & remoteIrr).toBe(0);
  });

  it('do not wait for an end when nobody took the message', () => {
    const rig = new Rig();
    rig.takes = false;
    rig.redirect(10, 0x3a | level);
    rig.chip.setPin(10, true);
    expect(rig.read(0x24) & remoteIrr).toBe(0);
  });
});

describe('82093AA state and hostility', () => {
  it('continues from a saved state', () => {
    const rig = new Rig();
    rig.redirect(10, 0x3a | level);
    rig.chip.setPin(10, true);
    const other = new Rig();
    other.chip.restore(JSON.parse(JSON.stringify(rig.chip.save())));
    expect(other.messages).toEqual([]);
    other.chip.setPin(10, true);
    expect(other.messages).toEqual([]);
    other.chip.endOfInterrupt(0x3a);
    expect(other.vectors).toEqual([0x3a]);
  });

  it('survives random accesses and pins', () => {
    fuzzMmio({
      make: () => new Rig().chip,
      bytes: 0x50,
      between: (chip, random) => {
        chip.setPin(random.below(30) - 3, random.below(2) === 0);
        chip.endOfInterrupt(random.below(256));
      },
    });
  });
});
