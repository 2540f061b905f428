import { describe, expect, it } from 'vitest';
import { fuzzPorts, ProbeLine } from '../test-fuzz.ts';
import { Pic8259Pair } from './device.ts';

function setUp(): { pic: Pic8259Pair; interrupt: ProbeLine; out: (p: number, v: number) => void } {
  const interrupt = new ProbeLine();
  const pic = new Pic8259Pair({ interrupt });
  const out = (port: number, value: number): void => {
    pic.writePort(port, 1, value);
  };
  return { pic, interrupt, out };
}

/** The initialization that Linux and every PC BIOS do, with vectors 0x30 and 0x38. */
function initialized(icw4 = 0x01): ReturnType<typeof setUp> {
  const rig = setUp();
  rig.out(0x20, 0x11);
  rig.out(0x21, 0x30);
  rig.out(0x21, 0x04);
  rig.out(0x21, icw4);
  rig.out(0xa0, 0x11);
  rig.out(0xa1, 0x38);
  rig.out(0xa1, 0x02);
  rig.out(0xa1, icw4);
  return rig;
}

describe('8259 pair: requests and vectors', () => {
  it('tells which requests would get through, masks and services considered', () => {
    const { pic, out } = initialized();
    const passing = (): number[] => [0, 1, 5, 14, 15].filter((irq) => pic.passes(irq));
    expect(passing()).toEqual([0, 1, 5, 14, 15]);
    out(0xa1, 0x40);
    expect(passing()).toEqual([0, 1, 5, 15]);
    pic.setIrq(1, true);
    pic.acknowledge();
    expect(passing()).toEqual([0]);
    out(0x20, 0x20);
    out(0x21, 0x04);
    expect(passing()).toEqual([0, 1, 5]);
    expect(setUp().pic.passes(0)).toBe(false);
  });

  it('asks for nothing before it is initialized', () => {
    const { pic, interrupt } = setUp();
    pic.setIrq(0, true);
    expect(interrupt.level).toBe(false);
  });

  it('gives vector base plus input for a master request', () => {
    const { pic, interrupt } = initialized();
    pic.setIrq(4, true);
    expect(interrupt.level).toBe(true);
    expect(pic.acknowledge()).toBe(0x34);
    expect(interrupt.level).toBe(false);
  });

  it('gives the slave vector through the cascade and puts both chips in service', () => {
    const { pic, out } = initialized();
    pic.setIrq(12, true);
    expect(pic.acknowledge()).toBe(0x3c);
    out(0x20, 0x0b);
    out(0xa0, 0x0b);
    expect([pic.readPort(0x20, 1), pic.readPort(0xa0, 1)]).toEqual([0x04, 0x10]);
  });

  it('serves the lower input first', () => {
    const { pic } = initialized();
    pic.setIrq(7, true);
    pic.setIrq(3, true);
    expect(pic.acknowledge()).toBe(0x33);
  });

  it('ranks slave inputs between master inputs 1 and 3', () => {
    const { pic } = initialized();
    pic.setIrq(3, true);
    pic.setIrq(15, true);
    expect(pic.acknowledge()).toBe(0x3f);
  });

  it('lets a higher request interrupt a lower service, and holds back lower ones', () => {
    const { pic, interrupt } = initialized();
    pic.setIrq(4, true);
    pic.acknowledge();
    pic.setIrq(5, true);
    expect(interrupt.level).toBe(false);
    pic.setIrq(1, true);
    expect(pic.acknowledge()).toBe(0x31);
  });

  it('drops a request that goes away and then answers with spurious IRQ 7', () => {
    const { pic, interrupt, out } = initialized();
    pic.setIrq(4, true);
    pic.setIrq(4, false);
    expect(interrupt.level).toBe(false);
    expect(pic.acknowledge()).toBe(0x37);
    out(0x20, 0x0b);
    expect(pic.readPort(0x20, 1)).toBe(0);
  });

  it('masks with OCW1 and reads the mask back', () => {
    const { pic, interrupt, out } = initialized();
    out(0x21, 0xfb ^ 0x08);
    pic.setIrq(4, true);
    expect(interrupt.level).toBe(false);
    expect(pic.readPort(0x21, 1)).toBe(0xf3);
    out(0x21, 0x00);
    expect(interrupt.level).toBe(true);
  });

  it('shows requests in the IRR while they are masked', () => {
    const { pic, out } = initialized();
    out(0x21, 0xff);
    pic.setIrq(6, true);
    out(0x20, 0x0a);
    expect(pic.readPort(0x20, 1)).toBe(0x40);
  });

  it('clears the mask and forgets edges on ICW1', () => {
    const { pic, interrupt, out } = initialized();
    out(0x21, 0xff);
    pic.setIrq(4, true);
    out(0x20, 0x11);
    out(0x21, 0x40);
    out(0x21, 0x04);
    out(0x21, 0x01);
    expect(pic.readPort(0x21, 1)).toBe(0);
    expect(interrupt.level).toBe(false);
    pic.setIrq(4, false);
    pic.setIrq(4, true);
    expect(pic.acknowledge()).toBe(0x44);
  });

  it('skips ICW3 in single mode and ICW4 when ICW1 does not ask for it', () => {
    const { pic, out } = setUp();
    out(0x20, 0x12);
    out(0x21, 0x50);
    out(0x21, 0xaa);
    expect(pic.readPort(0x21, 1)).toBe(0xaa);
  });
});

describe('8259 pair: trigger modes', () => {
  it('takes one interrupt per edge', () => {
    const { pic, interrupt, out } = initialized();
    pic.setIrq(4, true);
    pic.acknowledge();
    out(0x20, 0x20);
    expect(interrupt.level).toBe(false);
  });

  it('asks again after the end of interrupt while a level-triggered input is high', () => {
    const { pic, interrupt, out } = initialized();
    out(0x4d1, 0x08);
    pic.setIrq(11, true);
    expect(pic.acknowledge()).toBe(0x3b);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    expect(interrupt.level).toBe(true);
    pic.setIrq(11, false);
    expect(interrupt.level).toBe(false);
  });

  it('keeps timer, keyboard, cascade, RTC and FPU inputs edge-triggered (82371AB 4.2.5)', () => {
    const { pic, out } = setUp();
    out(0x4d0, 0xff);
    out(0x4d1, 0xff);
    expect([pic.readPort(0x4d0, 1), pic.readPort(0x4d1, 1)]).toEqual([0xf8, 0xde]);
  });

  it('delivers a second slave request that waited behind the first', () => {
    const { pic, out } = initialized();
    pic.setIrq(9, true);
    pic.setIrq(10, true);
    expect(pic.acknowledge()).toBe(0x39);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    expect(pic.acknowledge()).toBe(0x3a);
  });
});

describe('8259 pair: end of interrupt and priority modes', () => {
  it('ends the highest service with a nonspecific EOI', () => {
    const { pic, out } = initialized();
    pic.setIrq(5, true);
    pic.acknowledge();
    pic.setIrq(1, true);
    pic.acknowledge();
    out(0x20, 0x20);
    out(0x20, 0x0b);
    expect(pic.readPort(0x20, 1)).toBe(0x20);
  });

  it('ends the named service with a specific EOI', () => {
    const { pic, out } = initialized();
    pic.setIrq(5, true);
    pic.acknowledge();
    pic.setIrq(1, true);
    pic.acknowledge();
    out(0x20, 0x65);
    out(0x20, 0x0b);
    expect(pic.readPort(0x20, 1)).toBe(0x02);
  });

  it('moves the ended input to the bottom with rotate on nonspecific EOI', () => {
    const { pic, out } = initialized();
    pic.setIrq(4, true);
    pic.acknowledge();
    out(0x20, 0xa0);
    pic.setIrq(4, false);
    pic.setIrq(4, true);
    pic.setIrq(6, true);
    expect(pic.acknowledge()).toBe(0x36);
  });

  it('sets priorities with OCW2 110: the input after the named one comes first', () => {
    const { pic, out } = initialized();
    out(0x20, 0xc4);
    pic.setIrq(0, true);
    pic.setIrq(5, true);
    expect(pic.acknowledge()).toBe(0x35);
  });

  it('leaves nothing in service with automatic EOI', () => {
    const { pic, out } = initialized(0x03);
    pic.setIrq(5, true);
    pic.acknowledge();
    out(0x20, 0x0b);
    expect(pic.readPort(0x20, 1)).toBe(0);
  });

  it('rotates at each automatic EOI when told to', () => {
    const { pic, out } = initialized(0x03);
    out(0x20, 0x80);
    pic.setIrq(3, true);
    pic.acknowledge();
    pic.setIrq(3, false);
    pic.setIrq(3, true);
    pic.setIrq(4, true);
    expect(pic.acknowledge()).toBe(0x34);
  });

  it('lets lower requests through a masked service in special mask mode', () => {
    const { pic, interrupt, out } = initialized();
    pic.setIrq(3, true);
    pic.acknowledge();
    pic.setIrq(6, true);
    expect(interrupt.level).toBe(false);
    out(0x21, 0x08);
    out(0x20, 0x68);
    expect(pic.acknowledge()).toBe(0x36);
  });

  it('leaves a masked service alone on a nonspecific EOI in special mask mode', () => {
    const { pic, out } = initialized();
    pic.setIrq(3, true);
    pic.acknowledge();
    out(0x21, 0x08);
    out(0x20, 0x68);
    out(0x20, 0x20);
    out(0x20, 0x0b);
    expect(pic.readPort(0x20, 1)).toBe(0x08);
  });

  it('lets the slave ask again while it is in service in special fully nested mode', () => {
    const { pic, interrupt } = initialized(0x11);
    pic.setIrq(12, true);
    pic.acknowledge();
    pic.setIrq(8, true);
    expect(interrupt.level).toBe(true);
    expect(pic.acknowledge()).toBe(0x38);
  });

  it('holds the slave back while it is in service in fully nested mode', () => {
    const { pic, interrupt } = initialized();
    pic.setIrq(12, true);
    pic.acknowledge();
    pic.setIrq(8, true);
    expect(interrupt.level).toBe(false);
  });
});

describe('8259 pair: poll', () => {
  it('acknowledges by reading after a poll command', () => {
    const { pic, interrupt, out } = initialized();
    pic.setIrq(5, true);
    out(0x20, 0x0c);
    expect(pic.readPort(0x20, 1)).toBe(0x85);
    expect(interrupt.level).toBe(false);
    out(0x20, 0x0b);
    expect(pic.readPort(0x20, 1)).toBe(0x20);
  });

  it('reads a poll without a request as no interrupt', () => {
    const { pic, out } = initialized();
    out(0x20, 0x0c);
    expect(pic.readPort(0x20, 1) & 0x80).toBe(0);
  });
});

describe('8259 pair: state and hostility', () => {
  it('continues from a saved state', () => {
    const { pic } = initialized();
    pic.setIrq(4, true);
    const saved = pic.save();
    const other = setUp();
    other.pic.restore(saved);
    expect(other.interrupt.level).toBe(true);
    expect(other.pic.acknowledge()).toBe(0x34);
  });

  it('refuses the state of another device and stays as it was', () => {
    const { pic } = initialized();
    const before = pic.save();
    expect(() => {
      pic.restore({ ...before, device: 'pit-8254' });
    }).toThrow(/expected one of pic-8259, found pit-8254/);
    expect(pic.save()).toEqual(before);
  });

  it('survives random accesses', () => {
    fuzzPorts({
      make: () => new Pic8259Pair({ interrupt: new ProbeLine() }),
      between: (device, random) => {
        const pic = device as Pic8259Pair;
        pic.setIrq(random.below(16), random.below(2) === 0);
        if (pic.pending && random.below(2) === 0) {
          const vector = pic.acknowledge();
          expect(vector).toBeLessThan(256);
        }
      },
    });
  });
});
