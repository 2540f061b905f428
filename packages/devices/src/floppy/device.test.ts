import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { fuzzPorts } from '../test-fuzz.ts';
import type { FloppyController } from './device.ts';
import { TestImage } from './test-disk.ts';
import { Rig, toMemory } from './test-rig.ts';

describe('82077AA reset', () => {
  it('ends in an interrupt and the status of four drives by polling', () => {
    const rig = new Rig();
    expect(rig.status).toBe(0);
    rig.out(0x3f2, 0x0c);
    expect([rig.irq.level, rig.status]).toEqual([true, 0x80]);
    const statuses = [0, 1, 2, 3].map(() => rig.command(0x08));
    expect(statuses).toEqual([
      [0xc0, 0],
      [0xc1, 0],
      [0xc2, 0],
      [0xc3, 0],
    ]);
    expect([rig.irq.level, rig.command(0x08)]).toEqual([false, [0x80]]);
  });

  it('comes from DSR too', () => {
    const rig = Rig.ready();
    rig.out(0x3f4, 0x80);
    expect([rig.irq.level, rig.command(0x08)]).toEqual([true, [0xc0, 0]]);
  });

  it('raises no interrupt while DOR keeps it back', () => {
    const rig = new Rig();
    rig.out(0x3f2, 0x04);
    expect(rig.irq.level).toBe(false);
    rig.out(0x3f2, 0x0c);
    expect(rig.irq.level).toBe(true);
  });
});

describe('82077AA control commands', () => {
  it('tell the version, and refuse what is none', () => {
    const rig = Rig.ready();
    expect([rig.command(0x10), rig.command(0x18), rig.command(0xd0)]).toEqual([
      [0x90],
      [0x80],
      [0x80],
    ]);
  });

  it('dump the registers', () => {
    const rig = Rig.ready();
    rig.command(0x03, 0xdf, 0x02);
    rig.command(0x13, 0x00, 0x57, 0x00);
    rig.command(0x12, 0x04);
    expect(rig.command(0x94)).toEqual([0x10]);
    expect(rig.command(0x0e)).toEqual([0, 0, 0, 0, 0xdf, 0x02, 0, 0x84, 0x57, 0x00]);
  });

  it('keep the configuration over a reset only if it is locked', () => {
    const rig = Rig.ready();
    rig.command(0x13, 0x00, 0x57, 0x00);
    rig.command(0x94);
    rig.out(0x3f4, 0x80);
    expect(rig.command(0x0e)[8]).toBe(0x57);
    expect(rig.command(0x14)).toEqual([0x00]);
    rig.out(0x3f4, 0x80);
    expect(rig.command(0x0e)[8]).toBe(0);
  });
});

describe('82077AA seeks', () => {
  it('end in an interrupt, with the cylinder', () => {
    const rig = Rig.ready();
    rig.command(0x0f, 0x00, 40);
    expect([rig.status & 0x0f, rig.irq.level]).toEqual([0x01, false]);
    rig.finish();
    expect([rig.command(0x08), rig.status & 0x0f, rig.irq.level]).toEqual([[0x20, 40], 0, false]);
    expect(rig.command(0x04, 0x00)).toEqual([0x28]);
    rig.command(0x07, 0x00);
    rig.finish();
    expect([rig.command(0x08), rig.command(0x04, 0x00)]).toEqual([[0x20, 0], [0x38]]);
  });

  it('go relative to where the head is', () => {
    const rig = Rig.ready();
    rig.seek(0, 10);
    rig.command(0xcf, 0x00, 5);
    rig.finish();
    expect(rig.command(0x08)).toEqual([0x20, 15]);
    rig.command(0x8f, 0x00, 3);
    rig.finish();
    expect(rig.command(0x08)).toEqual([0x20, 12]);
  });

  it('do not find track 0 of a drive that is not there', () => {
    const rig = Rig.ready();
    rig.command(0x07, 0x03);
    rig.finish();
    expect(rig.command(0x08)).toEqual([0x73, 0]);
  });

  it('clear the disk change line when the head moves', () => {
    const rig = Rig.ready();
    expect(rig.in(0x3f7)).toBe(0); // Its first seek was from where the head had been left.
    rig.fdc.insert(0, new TestImage(1440));
    rig.seek(0, 0);
    expect(rig.in(0x3f7)).toBe(0x80);
    rig.seek(0, 1);
    expect(rig.in(0x3f7)).toBe(0);
    rig.fdc.insert(0, undefined);
    rig.seek(0, 2);
    expect(rig.in(0x3f7)).toBe(0x80);
    rig.fdc.insert(0, new TestImage(720));
    rig.seek(0, 3);
    expect(rig.in(0x3f7)).toBe(0);
  });
});

describe('82077AA state and hostility', () => {
  it('continues a read from a saved state', () => {
    const rig = Rig.ready();
    rig.disk.data[0] = 0x31;
    rig.channel(toMemory, 0x1000, 512);
    rig.command(0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    const other = new Rig(rig.disk);
    other.dma.restore(rig.dma.save());
    other.fdc.restore(JSON.parse(JSON.stringify(rig.fdc.save())));
    expect([other.finish()[0], other.memory[0x1000]]).toEqual([0, 0x31]);
  });

  it("is silent after the machine's reset", () => {
    const rig = Rig.ready();
    rig.command(0x0f, 0, 3);
    rig.fdc.reset();
    rig.clock.advance(1e9);
    expect([rig.irq.level, rig.status, rig.in(0x3f2)]).toEqual([false, 0, 0]);
  });

  it('survives random accesses', () => {
    const clock = new ManualClock();
    fuzzPorts({
      make: () => new Rig(new TestImage(360), clock).fdc,
      clock,
      between: (device, random) => {
        const fdc = device as FloppyController;
        // Mostly running, so that commands come through.
        fdc.writePort(0x3f2, 1, 0x1c);
        if (random.below(20) === 0)
          fdc.insert(0, new TestImage(random.below(2) === 0 ? 160 : 1440));
        for (let count = random.below(12); count > 0; count -= 1) {
          fdc.writePort(0x3f5, 1, random.below(4) === 0 ? random.below(256) : random.below(32));
        }
        for (let count = random.below(12); count > 0; count -= 1) fdc.readPort(0x3f5, 1);
      },
    });
  });
});
