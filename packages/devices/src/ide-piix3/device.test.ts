import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { fuzzPorts } from '../test-fuzz.ts';
import { IdeRig, TestDisk } from './test-rig.ts';

const ready = 0x50;
const disk = (bytes = 0x10_0000) => {
  const storage = new TestDisk(bytes);
  const rig = new IdeRig([{ kind: 'disk', storage, model: 'TEST', serial: '42' }]);
  return { storage, rig };
};
const words = (bytes: Uint8Array): Uint16Array => new Uint16Array(bytes.slice().buffer);

describe('an IDE disk', () => {
  it('identifies itself with names, size and modes', () => {
    const { rig } = disk();
    rig.command(0xec);
    expect([rig.irqs[0].level, rig.status]).toEqual([true, 0x58]);
    expect(rig.irqs[0].level).toBe(false);
    const identity = words(rig.read(512));
    expect([identity[0], identity[47], identity[49]]).toEqual([0x40, 0x8010, 0x0b00]);
    expect([identity[60], identity[61], identity[100]]).toEqual([2048, 0, 2048]);
    expect([identity[27], identity[28]]).toEqual([0x5445, 0x5354]); // "TE", "ST"
    expect(rig.status).toBe(ready);
  });

  it('tells of a cylinder to read from however small it is', () => {
    const { rig } = disk(512);
    rig.command(0xec);
    const identity = words(rig.read(512));
    expect([identity[1], identity[54], identity[60]]).toEqual([2, 2, 1]);
  });

  it('reads sectors by LBA and by CHS, an interrupt for each', () => {
    const { rig, storage } = disk();
    rig.task(0, 2, 5, 0, 0, 0xe0);
    rig.command(0x20);
    expect(rig.status).toBe(0x58);
    expect(rig.read(512)).toEqual(storage.content.subarray(5 * 512, 6 * 512));
    expect(rig.irqs[0].level).toBe(true);
    expect(rig.status).toBe(0x58);
    expect(rig.read(512)).toEqual(storage.content.subarray(6 * 512, 7 * 512));
    expect([rig.status, rig.irqs[0].rises]).toEqual([ready, 2]);
    rig.task(0, 1, 3, 0, 0, 0xa1); // Cylinder 0, head 1, sector 3.
    rig.command(0x20);
    expect(rig.read(512)).toEqual(storage.content.subarray(65 * 512, 66 * 512));
  });

  it('reads several sectors at once after SET MULTIPLE, and not without', () => {
    const { rig, storage } = disk();
    rig.task(0, 4);
    rig.command(0xc6);
    rig.task(0, 6, 0, 0, 0, 0xe0);
    rig.command(0xc4);
    expect(rig.read(2048)).toEqual(storage.content.subarray(0, 2048));
    expect(rig.status).toBe(0x58);
    rig.read(1024);
    expect(rig.status).toBe(ready);
    rig.task(0, 0);
    rig.command(0xc6);
    rig.command(0xc4);
    expect([rig.status, rig.register(1)]).toEqual([0x51, 4]);
  });

  it('writes sectors and flushes', () => {
    const { rig, storage } = disk();
    const data = new Uint8Array(1024).fill(0x5a);
    rig.task(0, 2, 9, 0, 0, 0xe0);
    rig.command(0x30);
    expect([rig.status, rig.irqs[0].rises]).toEqual([0x58, 0]);
    rig.send(data.subarray(0, 512));
    expect(rig.status).toBe(0x58);
    rig.send(data.subarray(512));
    expect([rig.status, rig.irqs[0].rises]).toEqual([ready, 2]);
    expect(storage.content.subarray(9 * 512, 11 * 512)).toEqual(data);
    rig.command(0xe7);
    expect(storage.flushes).toBe(1);
  });

  it('addresses with 48 bits and tells its size', () => {
    const { rig, storage } = disk();
    rig.task(0, 0, 0, 0, 0);
    rig.task(0, 1, 0xff, 7, 0, 0xe0);
    rig.command(0x24);
    expect(rig.read(512)).toEqual(storage.content.subarray(2047 * 512));
    rig.command(0x27);
    expect([rig.register(3), rig.register(4)]).toEqual([0xff, 7]);
  });

  it('refuses what is past its end, unknown commands, and writes when it is read-only', () => {
    const { rig, storage } = disk();
    rig.task(0, 2, 0x00, 8, 0, 0xe0);
    rig.command(0x20);
    expect([rig.status, rig.register(1)]).toEqual([0x51, 0x10]);
    rig.task(0, 2, 0xff, 7, 0, 0xe0);
    rig.command(0x30);
    expect([rig.status, rig.register(1)]).toEqual([0x51, 0x10]);
    rig.command(0xfe);
    expect(rig.register(1)).toBe(4);
    storage.readOnly = true;
    rig.task(0, 1, 0, 0, 0, 0xe0);
    rig.command(0x30);
    expect(rig.status).toBe(0x51);
  });

  it.each([
    ['sector by sector', 0x20, [512, 512]],
    ['in blocks', 0xc4, [1024]],
  ])('reads up to its end %s, and fails behind it', (_name, code, pieces) => {
    const { rig, storage } = disk();
    rig.task(0, 4, 0, 0, 0, 0xe0);
    rig.command(0xc6);
    rig.task(0, 20, 0xfe, 7, 0, 0xe0);
    rig.command(code);
    const data = pieces.flatMap((bytes) => {
      const piece = [...rig.read(bytes)];
      rig.wait();
      return piece;
    });
    expect(data).toEqual([...storage.content.subarray(2046 * 512)]);
    expect([rig.status, rig.register(1), rig.register(3)]).toEqual([0x51, 0x10, 0]);
  });

  it('reports a storage that fails', () => {
    const { rig, storage } = disk();
    storage.fails = true;
    rig.task(0, 1, 0, 0, 0, 0xe0);
    rig.command(0x20);
    expect([rig.status, rig.register(1)]).toEqual([0x51, 0x40]);
  });

  it('lets interrupts be turned off, and forgets its work with a soft reset', () => {
    const { rig } = disk();
    rig.bus.writePort(0x3f6, 1, 2);
    rig.command(0xec);
    expect(rig.irqs[0].level).toBe(false);
    rig.bus.writePort(0x3f6, 1, 4);
    expect(rig.bus.readPort(0x3f6, 1)).toBe(0x80);
    rig.bus.writePort(0x3f6, 1, 0);
    expect([rig.status, rig.register(2), rig.register(3), rig.register(4)]).toEqual([
      0x50, 1, 1, 0,
    ]);
  });

  it('leaves the place of the second drive empty', () => {
    const { rig } = disk();
    rig.task(0, 0, 0, 0, 0, 0xb0);
    expect(rig.status).toBe(0);
    expect(rig.bus.readPort(0x177, 1)).toBe(0xff);
  });
});

describe('the bus master', () => {
  it('moves a read over scattered pieces, whichever side begins', () => {
    const { rig, storage } = disk();
    rig.task(0, 4, 1, 0, 0, 0xe0);
    rig.command(0xc8);
    expect(rig.irqs[0].level).toBe(false);
    rig.startMaster([[0x8000, 512], [0xa000, 1536]], true); // prettier-ignore
    expect([rig.irqs[0].level, rig.masterStatus]).toEqual([true, 0x04]);
    expect(rig.status).toBe(ready);
    expect(rig.memory.bytes.subarray(0x8000, 0x8200)).toEqual(storage.content.subarray(512, 1024));
    expect(rig.memory.bytes.subarray(0xa000, 0xa600)).toEqual(storage.content.subarray(1024, 2560));
    rig.startMaster([[0xc000, 512]], true);
    rig.task(0, 1, 3, 0, 0, 0xe0);
    rig.command(0xc8);
    expect(rig.memory.bytes[0xc000]).toBe(3);
  });

  it('moves a write larger than its piece, and stays active while memory is left', () => {
    const { rig, storage } = disk();
    rig.memory.bytes.fill(0x77, 0x1_0000, 0x4_0000);
    rig.task(0, 0, 0, 0, 0, 0xe0); // 256 sectors.
    rig.command(0xca);
    rig.startMaster([[0x1_0000, 0], [0x2_0000, 0], [0x3_0000, 512]], false); // prettier-ignore
    expect([rig.masterStatus, rig.status]).toEqual([0x05, ready]);
    expect(storage.content.subarray(0, 0x2_0000).every((byte) => byte === 0x77)).toBe(true);
  });

  it('stops where the table ends before the drive does, and goes on with another', () => {
    const { rig, storage } = disk();
    rig.task(0, 2, 0, 0, 0, 0xe0);
    rig.command(0xc8);
    rig.startMaster([[0x8000, 512]], true);
    expect([rig.masterStatus, rig.irqs[0].level, rig.status & 0x88]).toEqual([0, false, 0x08]);
    rig.startMaster([[0x9000, 512]], true);
    expect([rig.masterStatus, rig.irqs[0].level]).toEqual([0x04, true]);
    expect(rig.memory.bytes.subarray(0x9000, 0x9200)).toEqual(storage.content.subarray(512, 1024));
  });

  it('waits for a storage that takes its time, and drops what a reset made old', () => {
    const { rig, storage } = disk();
    storage.late = true;
    rig.task(0, 1, 6, 0, 0, 0xe0);
    rig.command(0xc8);
    rig.startMaster([[0x8000, 512]], true);
    expect(rig.status).toBe(0x80);
    storage.finish();
    rig.wait();
    expect([rig.status, rig.memory.bytes[0x8000]]).toEqual([ready, 6]);
    rig.command(0xc8);
    rig.startMaster([[0x9000, 512]], true);
    rig.bus.writePort(0x3f6, 1, 4);
    rig.bus.writePort(0x3f6, 1, 0);
    storage.finish();
    rig.wait();
    expect([rig.status, rig.memory.bytes[0x9000]]).toEqual([ready, 0]);
  });
});

describe('a saved controller', () => {
  it('goes on in the middle of a PIO read, a PIO write and a DMA that waits', () => {
    for (const code of [0x20, 0x30, 0xc8]) {
      const { rig, storage } = disk();
      rig.task(0, 1, 4, 0, 0, 0xe0);
      rig.command(code);
      if (code === 0x20) rig.bus.readPort(0x1f0, 2);
      if (code === 0x30) rig.bus.writePort(0x1f0, 2, 0x1111);
      const state: unknown = JSON.parse(JSON.stringify(rig.ide.save()));
      const other = new IdeRig([{ kind: 'disk', storage }]);
      other.ide.restore(state);
      if (code === 0x20) expect(other.read(510)).toEqual(storage.content.subarray(2050, 2560));
      if (code === 0x30) {
        other.send(new Uint8Array(510).fill(0x22));
        expect([...storage.content.subarray(2048, 2052)]).toEqual([0x11, 0x11, 0x22, 0x22]);
      }
      if (code === 0xc8) {
        other.startMaster([[0x8000, 512]], true);
        expect(other.memory.bytes[0x8000]).toBe(4);
      }
      expect(other.status).toBe(ready);
    }
  });
});

describe('random accesses', () => {
  it('do no harm to two drives', () => {
    const clock = new ManualClock();
    const make = () => {
      const drives = [
        { kind: 'disk', storage: new TestDisk(0x8000) },
        { kind: 'cdrom', storage: new TestDisk(0x8000) },
      ] as const;
      return new IdeRig([...drives, ...drives], clock).ide;
    };
    fuzzPorts({ make, clock, rounds: 10_000, advanceBits: 14 });
  });
});
