import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { fuzzMmio } from '../test-fuzz.ts';
import { messageSignalled } from './message.ts';
import { apicMsr, apicRegister as at } from './registers.ts';
import { Rig } from './test-rig.ts';

const masked = 0x1_0000;

describe('local APIC after reset', () => {
  it('reads as SDM 3A 10.4.7.1 says', () => {
    const rig = new Rig();
    const values = [at.id, at.version, at.spurious, at.destinationFormat, at.taskPriority];
    expect(values.map((offset) => rig.read(offset))).toEqual([0, 0x5_0014, 0xff, 0xffff_ffff, 0]);
    expect([rig.read(at.lvtFirst), rig.read(at.lvtLast)]).toEqual([masked, masked]);
  });

  it('keep their other bytes where less than 32 bits are written', () => {
    const rig = Rig.enabled();
    const write = (offset: number, size: 1 | 2 | 4, value: number): number => {
      rig.apic.writeMmio(at.initialCount + offset, size, value);
      return rig.read(at.initialCount);
    };
    expect([write(0, 4, 0x1234_5678), write(0, 1, 9), write(3, 1, 1)]).toEqual([
      0x1234_5678, 0x1234_5609, 0x134_5609,
    ]);
    // None that crosses, and none behind a register.
    expect([write(2, 2, 7), write(1, 2, 8), write(4, 1, 8), write(3, 2, 8)]).toEqual(
      Array(4).fill(0x7_5609),
    );
  });

  it('stands at 0xfee00000 on the boot processor', () => {
    const rig = new Rig();
    expect(rig.apic.readMsr(apicMsr.base)).toEqual({ low: 0xfee0_0900, high: 0 });
    expect(rig.moves).toEqual([0xfee0_0000]);
  });

  it('passes the 8259s through LINT0 and NMI through LINT1', () => {
    const rig = new Rig();
    rig.external.push(0x38);
    rig.apic.pin(0).set(true);
    rig.apic.pin(1).set(true);
    expect([rig.interrupt.level, rig.apic.acknowledge(), rig.nmis]).toEqual([true, 0x38, 1]);
  });

  it('takes no fixed interrupt before software enables it', () => {
    const rig = new Rig();
    expect([rig.send(0x40), rig.interrupt.level]).toEqual([false, false]);
  });
});

describe('local APIC priorities', () => {
  it('moves an interrupt from IRR to ISR when it is acknowledged, and ends it at EOI', () => {
    const rig = Rig.enabled();
    rig.send(0x41);
    expect([rig.interrupt.level, rig.read(at.requests + 0x20)]).toEqual([true, 0x2]);
    expect(rig.apic.acknowledge()).toBe(0x41);
    expect([rig.read(at.requests + 0x20), rig.read(at.inService + 0x20)]).toEqual([0, 0x2]);
    expect([rig.interrupt.level, rig.read(at.processorPriority)]).toEqual([false, 0x40]);
    rig.write(at.endOfInterrupt, 0);
    expect([rig.read(at.inService + 0x20), rig.read(at.processorPriority)]).toEqual([0, 0]);
  });

  it('gives the highest vector first', () => {
    const rig = Rig.enabled();
    for (const vector of [0x31, 0xe1, 0x80]) rig.send(vector);
    const taken = [0, 1, 2].map(() => {
      const vector = rig.apic.acknowledge();
      rig.write(at.endOfInterrupt, 0);
      return vector;
    });
    expect(taken).toEqual([0xe1, 0x80, 0x31]);
  });

  it('lets only a higher class interrupt a handler', () => {
    const rig = Rig.enabled();
    rig.send(0x45);
    rig.apic.acknowledge();
    rig.send(0x4f);
    expect(rig.interrupt.level).toBe(false);
    rig.send(0x50);
    expect([rig.interrupt.level, rig.apic.acknowledge()]).toEqual([true, 0x50]);
  });

  it('holds back what the task priority covers', () => {
    const rig = Rig.enabled();
    rig.write(at.taskPriority, 0x55);
    rig.send(0x5f);
    expect([rig.interrupt.level, rig.read(at.processorPriority)]).toEqual([false, 0x55]);
    rig.write(at.taskPriority, 0x40);
    expect(rig.interrupt.level).toBe(true);
  });

  it('shows the class of the task priority as CR8', () => {
    const rig = Rig.enabled();
    rig.apic.taskPriorityClass = 9;
    expect([rig.read(at.taskPriority), rig.apic.taskPriorityClass]).toEqual([0x90, 9]);
  });

  it('gives the spurious vector when a request has gone', () => {
    const rig = Rig.enabled();
    rig.write(at.spurious, 0x1ef);
    expect(rig.apic.acknowledge()).toBe(0xef);
    expect(rig.read(at.inService + 0x70)).toBe(0);
  });

  it('tells the I/O APIC of the end of level-triggered interrupts only', () => {
    const rig = Rig.enabled();
    rig.send(0x61, true);
    rig.send(0x71);
    for (let count = 0; count < 2; count += 1) {
      rig.apic.acknowledge();
      rig.write(at.endOfInterrupt, 0);
    }
    expect(rig.ended).toEqual([0x61]);
  });
});

describe('local APIC trigger modes', () => {
  it('show in TMR from when a vector is accepted until it is accepted in the other mode', () => {
    const rig = Rig.enabled();
    const serve = (level: boolean): number[] => {
      rig.send(0x61, level);
      const accepted = rig.read(at.triggerMode + 0x30);
      rig.apic.acknowledge();
      rig.write(at.endOfInterrupt, 0);
      return [accepted, rig.read(at.triggerMode + 0x30)];
    };
    expect([serve(true), serve(true), serve(false), serve(true)].flat()).toEqual([
      ...[2, 2, 2, 2, 0, 0, 2, 2],
    ]);
    expect(rig.ended).toEqual([0x61, 0x61, 0x61]);
  });
});

describe('local APIC messages', () => {
  it('takes physical, logical flat, logical cluster and broadcast destinations', () => {
    const rig = Rig.enabled({ id: 3 });
    const reaches = (destination: number, logical: boolean): boolean =>
      rig.apic.receive({ destination, logical, mode: 0, vector: 0x40, level: false });
    expect([reaches(3, false), reaches(2, false), reaches(0xff, false)]).toEqual([
      true,
      false,
      true,
    ]);
    rig.write(at.logicalDestination, 0x1200_0000);
    expect([reaches(0x02, true), reaches(0x04, true)]).toEqual([true, false]);
    rig.write(at.destinationFormat, 0x0fff_ffff);
    expect([reaches(0x12, true), reaches(0x22, true), reaches(0x11, true)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('sends itself an interrupt by shorthand and by identifier', () => {
    const rig = Rig.enabled();
    rig.write(at.commandLow, 0x4_00f3);
    expect(rig.apic.acknowledge()).toBe(0xf3);
    rig.write(at.endOfInterrupt, 0);
    rig.write(at.commandHigh, 0);
    rig.write(at.commandLow, 0x0000_00f2);
    expect(rig.apic.acknowledge()).toBe(0xf2);
  });

  it('sends itself an NMI by shorthand, as QEMU and KVM do', () => {
    const rig = new Rig();
    rig.write(at.commandLow, 0x4_4400);
    rig.write(at.commandLow, 0x8_4400);
    rig.write(at.commandLow, 0xc_4400);
    expect(rig.nmis).toBe(2);
  });

  it('sends itself an interrupt of lowest priority by shorthand', () => {
    const rig = Rig.enabled();
    rig.write(at.commandLow, 0x4_4142);
    expect(rig.apic.acknowledge()).toBe(0x42);
  });

  it('sends itself nothing with "all but self"', () => {
    const rig = Rig.enabled();
    rig.write(at.commandLow, 0xc_00f3);
    expect(rig.interrupt.level).toBe(false);
  });

  it('notes illegal vectors in ESR, which a write makes readable', () => {
    const rig = Rig.enabled();
    rig.write(at.commandLow, 0x4_0005);
    expect(rig.read(at.errors)).toBe(0);
    rig.write(at.errors, 0);
    expect(rig.read(at.errors)).toBe(0x20);
    rig.send(0x0f);
    rig.write(at.errors, 0);
    expect(rig.read(at.errors)).toBe(0x40);
    rig.write(at.errors, 0);
    expect(rig.read(at.errors)).toBe(0);
  });

  it('delivers the error interrupt for a register that is none', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtLast, 0xfe);
    rig.read(0x2f0);
    expect(rig.apic.acknowledge()).toBe(0xfe);
  });

  it('reads a message-signalled interrupt from address and data (SDM 3A 10.11)', () => {
    expect(messageSignalled(0xfee0_1000, 0x0041)).toEqual({
      destination: 1,
      logical: false,
      mode: 0,
      vector: 0x41,
      level: false,
    });
    expect(messageSignalled(0xfeef_f00c, 0xc131)).toMatchObject({
      destination: 0xff,
      logical: true,
      mode: 1,
      level: true,
    });
  });

  it('passes an NMI on', () => {
    const rig = new Rig();
    rig.apic.receive({ destination: 0, logical: false, mode: 4, vector: 0, level: false });
    expect(rig.nmis).toBe(1);
  });
});

describe('local APIC local vector table', () => {
  it('masks every entry while software has it off', () => {
    const rig = Rig.enabled();
    rig.write(at.lvtFirst, 0x30);
    rig.write(at.spurious, 0xff);
    expect(rig.read(at.lvtFirst)).toBe(0x30 | masked);
    rig.write(at.lvtFirst, 0x31);
    expect(rig.read(at.lvtFirst)).toBe(0x31 | masked);
  });

  it('keeps only the bits that an entry has', () => {
    const rig = Rig.enabled();
    for (let index = 0; index < 6; index += 1) rig.write(at.lvtFirst + 16 * index, 0xffff_ffff);
    const entries = Array.from({ length: 6 }, (_nothing, index) => {
      return rig.read(at.lvtFirst + 16 * index);
    });
    expect(entries).toEqual([0x7_00ff, 0x1_07ff, 0x1_07ff, 0x1_a7ff, 0x1_a7ff, 0x1_00ff]);
  });

  it('takes LINT0 as a fixed interrupt, at its rising edge', () => {
    const rig = Rig.enabled();
    rig.write(0x350, 0x52);
    rig.apic.pin(0).set(true);
    rig.apic.pin(0).set(true);
    expect(rig.apic.acknowledge()).toBe(0x52);
    rig.write(at.endOfInterrupt, 0);
    expect(rig.interrupt.level).toBe(false);
  });

  it('keeps the 8259s out while LINT0 is masked', () => {
    const rig = Rig.enabled();
    rig.write(0x350, 0x700 | masked);
    rig.apic.pin(0).set(true);
    expect(rig.interrupt.level).toBe(false);
    rig.write(0x350, 0x700);
    expect(rig.interrupt.level).toBe(true);
  });
});

describe('IA32_APIC_BASE', () => {
  it('switches the APIC off and on, which resets it', () => {
    const rig = Rig.enabled();
    rig.send(0x40);
    expect(rig.apic.writeMsr(apicMsr.base, 0xfee0_0000, 0)).toBe('handled');
    expect([rig.apic.enabled, rig.interrupt.level, rig.moves.at(-1)]).toEqual([
      false,
      false,
      undefined,
    ]);
    rig.external.push(0x20);
    rig.apic.pin(0).set(true);
    expect(rig.apic.acknowledge()).toBe(0x20);
    rig.apic.writeMsr(apicMsr.base, 0xfee0_0800, 0);
    expect([rig.read(at.spurious), rig.moves.at(-1)]).toEqual([0xff, 0xfee0_0000]);
  });

  it('moves the page', () => {
    const rig = new Rig();
    rig.apic.writeMsr(apicMsr.base, 0xfec8_0900, 0);
    expect(rig.moves.at(-1)).toBe(0xfec8_0000);
  });

  it('refuses reserved bits, and x2APIC mode where there is none', () => {
    const rig = new Rig();
    expect(rig.apic.writeMsr(apicMsr.base, 0xfee0_0901, 0)).toBe('fault');
    expect(rig.apic.writeMsr(apicMsr.base, 0xfee0_0d00, 0)).toBe('fault');
    expect([rig.apic.writeMsr(0x80b, 0, 0), rig.apic.readMsr(0x802)]).toEqual(['fault', undefined]);
    expect(rig.apic.writeMsr(0x1c, 0, 0)).toBe('absent');
  });

  it('has x2APIC mode where it is asked for, with the registers as MSRs', () => {
    const rig = Rig.enabled({ x2Apic: true, id: 0x12 });
    expect(rig.apic.writeMsr(apicMsr.base, 0xfee0_0d00, 0)).toBe('handled');
    expect(rig.moves.at(-1)).toBe(undefined);
    expect(rig.apic.readMsr(0x802)).toEqual({ low: 0x12, high: 0 });
    expect(rig.apic.readMsr(0x80d)).toEqual({ low: 0x1_0004, high: 0 });
    expect(rig.apic.writeMsr(0x83f, 0x77, 0)).toBe('handled');
    expect(rig.apic.acknowledge()).toBe(0x77);
    expect([rig.apic.writeMsr(0x80b, 1, 0), rig.apic.writeMsr(0x80b, 0, 0)]).toEqual([
      'fault',
      'handled',
    ]);
    expect(rig.apic.writeMsr(0x830, 0x88, 0x12)).toBe('handled');
    expect(rig.apic.acknowledge()).toBe(0x88);
    expect(rig.apic.writeMsr(apicMsr.base, 0xfee0_0900, 0)).toBe('fault');
    expect([rig.apic.writeMsr(0x802, 0, 0), rig.apic.writeMsr(0x80e, 0, 0)]).toEqual([
      'fault',
      'fault',
    ]);
  });
});

describe('local APIC MSRs', () => {
  it.each([
    ['TPR', 0x808, 0xff, 0x100],
    ['EOI', 0x80b, 0, 1],
    ['SVR, with the bit that Linux sets', 0x80f, 0x3ff, 0x2000],
    ['ESR', 0x828, 0, 1],
    ['ICR', 0x830, 0xc_cfff, 0x1_0000],
    ['LVT timer', 0x832, 0x7_10ff, 0x8_0000],
    ['LVT thermal', 0x833, 0x1_17ff, 0x800],
    ['LVT LINT0', 0x835, 0x1_f7ff, 0x800],
    ['LVT error', 0x837, 0x1_10ff, 0x100],
    ['initial count', 0x838, 0xffff_ffff, 0],
    ['divide', 0x83e, 0xb, 4],
    ['SELF IPI', 0x83f, 0xff, 0x100],
  ])('take only what is not reserved: %s', (_name, number, good, bad) => {
    const rig = Rig.enabled({ x2Apic: true });
    rig.apic.writeMsr(apicMsr.base, 0xfee0_0d00, 0);
    expect(rig.apic.writeMsr(number, good, 0)).toBe('handled');
    if (bad !== 0) expect(rig.apic.writeMsr(number, bad, 0)).toBe('fault');
    const isCommand = number === 0x830;
    expect(rig.apic.writeMsr(number, good, 1)).toBe(isCommand ? 'handled' : 'fault');
  });
});

describe('local APIC state and hostility', () => {
  it('continues from a saved state, its timer too', () => {
    const rig = Rig.enabled();
    rig.send(0x33);
    rig.write(at.lvtFirst, 0x40);
    rig.write(at.divide, 0xb);
    rig.write(at.initialCount, 1_000_000);
    rig.clock.advance(400_000);
    const other = new Rig();
    other.clock.advance(400_000);
    other.apic.restore(JSON.parse(JSON.stringify(rig.apic.save())));
    expect([other.interrupt.level, other.read(at.currentCount)]).toEqual([true, 600_000]);
    other.clock.advance(600_000);
    expect(other.apic.acknowledge()).toBe(0x40);
  });

  it('refuses a damaged state and stays as it was', () => {
    const rig = Rig.enabled();
    const before = rig.apic.save();
    const registers = { ...before.registers, requests: [0] };
    expect(() => {
      rig.apic.restore({ ...before, registers });
    }).toThrow(/local-apic\.requests: expected 8\.\.8 items/);
    expect(rig.apic.save()).toEqual(before);
  });

  it('survives random accesses, messages and acknowledges', () => {
    const clock = new ManualClock();
    fuzzMmio({
      make: () => Rig.enabled({ clock, timers: clock, x2Apic: true }).apic,
      bytes: 0x400,
      clock,
      advanceBits: 20,
      between: (apic, random) => {
        const [vector, mode] = [random.below(256), random.below(8)];
        apic.receive({ destination: 0xff, logical: false, mode, vector, level: vector % 2 === 0 });
        apic.pin(random.below(2) === 0 ? 0 : 1).set(random.below(2) === 0);
        apic.writeMsr(0x800 + random.below(64), random.below(2 ** 32), 0);
        if (apic.requested && random.below(2) === 0) {
          expect(apic.acknowledge()).toBeLessThan(256);
        }
        if (random.below(50) === 0) {
          apic.writeMsr(apicMsr.base, random.below(2 ** 32) & 0xffff_fd00, 0);
        }
      },
    });
  });
});
