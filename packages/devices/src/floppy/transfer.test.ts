import { describe, expect, it } from 'vitest';
import { TestImage } from './test-disk.ts';
import { fromMemory, Rig, sectorAt, toMemory } from './test-rig.ts';

describe('82077AA reads by DMA', () => {
  it('give a sector, and the next one in the result', () => {
    const rig = Rig.ready();
    rig.disk.data.fill(0xa5, sectorAt(0, 1, 3), sectorAt(0, 1, 4));
    rig.channel(toMemory, 0x1000, 512);
    rig.command(0xe6, 0x04, 0, 1, 3, 2, 18, 0x1b, 0xff);
    expect(rig.status & 0x10).toBe(0x10);
    expect(rig.finish()).toEqual([0x04, 0, 0, 0, 1, 4, 2]);
    expect([rig.memory[0x1000], rig.memory[0x11ff], rig.memory[0x1200]]).toEqual([0xa5, 0xa5, 0]);
  });

  it('go on over both heads, up to the terminal count', () => {
    const rig = Rig.ready();
    for (let index = 0; index < 36; index += 1) {
      rig.disk.data[sectorAt(5, 0, 1) + index * 512] = index + 1;
    }
    rig.seek(0, 5);
    rig.channel(toMemory, 0x2000, 36 * 512);
    rig.command(0xe6, 0x00, 5, 0, 1, 2, 18, 0x1b, 0xff);
    expect(rig.finish()).toEqual([0x04, 0, 0, 6, 0, 1, 2]);
    const first = Array.from({ length: 36 }, (_nothing, index) => rig.memory[0x2000 + index * 512]);
    expect(first).toEqual(Array.from({ length: 36 }, (_nothing, index) => index + 1));
  });

  it('end abnormally behind the last sector without a terminal count', () => {
    const rig = Rig.ready();
    rig.channel(toMemory, 0x2000, 4096);
    rig.command(0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff);
    expect(rig.finish()).toEqual([0x40, 0x80, 0, 1, 0, 1, 2]);
  });

  it('wait for a channel that is masked', () => {
    const rig = Rig.ready();
    rig.disk.data[0] = 0x77;
    rig.command(0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    rig.clock.advance(1e9);
    expect(rig.irq.level).toBe(false);
    rig.channel(toMemory, 0x3000, 512);
    expect([rig.finish()[0], rig.memory[0x3000]]).toEqual([0, 0x77]);
  });

  it("tell of a wrong cylinder, a missing sector, and a rate that is not the disk's", () => {
    const rig = Rig.ready();
    const read = (cylinder: number, sector: number): number[] => {
      rig.channel(toMemory, 0x1000, 512);
      rig.command(0xe6, 0x00, cylinder, 0, sector, 2, 18, 0x1b, 0xff);
      return rig.finish().slice(0, 3);
    };
    expect([read(3, 1), read(0, 19)]).toEqual([
      [0x40, 0x04, 0x10],
      [0x40, 0x04, 0],
    ]);
    rig.out(0x3f7, 2);
    expect(read(0, 1)).toEqual([0x40, 0x01, 0]);
  });

  it('seek first if they are told to', () => {
    const rig = Rig.ready();
    rig.command(0x13, 0x00, 0x57, 0x00);
    rig.disk.data[sectorAt(30, 0, 1)] = 0x42;
    rig.channel(toMemory, 0x1000, 512);
    rig.command(0xe6, 0x00, 30, 0, 1, 2, 18, 0x1b, 0xff);
    expect([rig.finish()[0], rig.memory[0x1000]]).toEqual([0, 0x42]);
  });

  it('fail without a disk, and from one that cannot be read', () => {
    const rig = Rig.ready();
    rig.channel(toMemory, 0x1000, 512);
    rig.command(0xe6, 0x01, 0, 0, 1, 2, 18, 0x1b, 0xff);
    expect(rig.finish().slice(0, 3)).toEqual([0x41, 0x01, 0]);
    rig.disk.fails = true;
    rig.command(0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    expect(rig.finish().slice(0, 3)).toEqual([0x40, 0x20, 0]);
  });

  it('go on with the next track where the last sector is said to be beyond its end', () => {
    const rig = Rig.ready();
    const places = [
      [0, 0, 17],
      [0, 0, 18],
      [0, 1, 1],
    ] as const;
    for (const [index, [track, head, sector]] of places.entries()) {
      rig.disk.data[sectorAt(track, head, sector)] = index + 1;
    }
    rig.channel(toMemory, 0x1000, 3 * 512);
    rig.command(0xe6, 0x00, 0, 0, 17, 2, 19, 0x1b, 0xff);
    expect(rig.finish().slice(0, 3)).toEqual([4, 0, 0]); // Head 1.
    expect([0x1000, 0x1200, 0x1400].map((at) => rig.memory[at])).toEqual([1, 2, 3]);
    rig.disk.data[sectorAt(0, 1, 18)] = 4;
    rig.disk.data[sectorAt(1, 0, 1)] = 5;
    rig.channel(toMemory, 0x1000, 2 * 512);
    rig.command(0xe6, 0x04, 0, 1, 18, 2, 19, 0x1b, 0xff);
    expect(rig.finish()[1]).toBe(0);
    expect([0x1000, 0x1200].map((at) => rig.memory[at])).toEqual([4, 5]);
  });

  it('find sectors behind the end of an image that is cut off empty', () => {
    const rig = Rig.ready(new TestImage(1300));
    rig.seek(0, 79);
    rig.memory[0x1000] = 1;
    rig.channel(toMemory, 0x1000, 512);
    rig.command(0xe6, 0x00, 79, 0, 18, 2, 18, 0x1b, 0xff);
    expect([rig.finish()[0], rig.memory[0x1000]]).toEqual([0, 0]);
  });
});

describe('82077AA reads and writes without DMA', () => {
  it('ask for each byte by RQM and interrupt', () => {
    const rig = Rig.ready();
    for (let index = 0; index < 512; index += 1) rig.disk.data[index] = index & 0xff;
    rig.command(0x03, 0xdf, 0x03);
    rig.command(0x46, 0x00, 0, 0, 1, 2, 1, 0x1b, 0xff);
    rig.clock.advance(1e6);
    expect([rig.status, rig.irq.level]).toEqual([0xf0, true]);
    const bytes = Array.from({ length: 512 }, () => rig.in(0x3f5));
    expect(bytes).toEqual(Array.from({ length: 512 }, (_nothing, index) => index & 0xff));
    expect(rig.finish()).toEqual([0x40, 0x80, 0, 1, 0, 1, 2]);
  });

  it('take each byte', () => {
    const rig = Rig.ready();
    rig.command(0x03, 0xdf, 0x03);
    rig.command(0x45, 0x00, 0, 0, 2, 2, 2, 0x1b, 0xff);
    for (let index = 0; index < 512; index += 1) {
      expect(rig.status).toBe(0xb0);
      rig.out(0x3f5, 0xee);
    }
    expect(rig.status & 0x80).toBe(0);
    rig.finish();
    expect([...rig.disk.data.subarray(511, 1025)]).toEqual([0, ...Array(512).fill(0xee), 0]);
  });
});

describe('82077AA writes and formats', () => {
  it('write sectors from memory', () => {
    const rig = Rig.ready();
    rig.memory.fill(0x5a, 0x1000, 0x1400);
    rig.channel(fromMemory, 0x1000, 1024);
    rig.command(0xc5, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff);
    expect(rig.finish()).toEqual([0x04, 0, 0, 0, 1, 2, 2]);
    const [from, to] = [sectorAt(0, 0, 18), sectorAt(0, 1, 2)];
    expect(rig.disk.data.subarray(from, to).every((byte) => byte === 0x5a)).toBe(true);
    expect([rig.disk.data[from - 1], rig.disk.data[to]]).toEqual([0, 0]);
  });

  it('fill a sector that the terminal count cuts off with zeros', () => {
    const rig = Rig.ready();
    rig.disk.data.fill(0xff, 0, 512);
    rig.memory.fill(0x11, 0x1000, 0x1004);
    rig.channel(fromMemory, 0x1000, 4);
    rig.command(0xc5, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    expect(rig.finish()[0]).toBe(0);
    expect([...rig.disk.data.subarray(0, 6)]).toEqual([0x11, 0x11, 0x11, 0x11, 0, 0]);
  });

  it('refuse a protected disk, which SENSE DRIVE STATUS shows', () => {
    const rig = Rig.ready(new TestImage(1440, true));
    rig.channel(fromMemory, 0x1000, 512);
    rig.command(0xc5, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    expect(rig.finish().slice(0, 3)).toEqual([0x40, 0x02, 0]);
    expect(rig.command(0x04, 0x00)).toEqual([0x78]);
  });

  it('format a track by the identifiers that the host gives', () => {
    const rig = Rig.ready();
    rig.disk.data.fill(0xff);
    rig.seek(0, 2);
    for (let sector = 1; sector <= 18; sector += 1) {
      rig.memory.set([2, 1, sector, 2], 0x1000 + 4 * (sector - 1));
    }
    rig.channel(fromMemory, 0x1000, 72);
    rig.command(0x4d, 0x04, 2, 18, 0x54, 0xf6);
    expect(rig.finish().slice(0, 3)).toEqual([0x04, 0, 0]);
    const [from, to] = [sectorAt(2, 1, 1), sectorAt(3, 0, 1)];
    expect(rig.disk.data.subarray(from, to).every((byte) => byte === 0xf6)).toBe(true);
    expect([rig.disk.data[from - 1], rig.disk.data[to]]).toEqual([0xff, 0xff]);
  });

  it('verify sectors without moving data', () => {
    const rig = Rig.ready();
    rig.command(0xf6, 0x80, 0, 0, 1, 2, 18, 0x1b, 20);
    expect(rig.finish()).toEqual([0x04, 0, 0, 0, 1, 3, 2]);
    rig.command(0x56, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    expect(rig.finish()[0]).toBe(0);
  });

  it('read identifiers as they pass by', () => {
    const rig = Rig.ready();
    rig.seek(0, 7);
    const sectors = [0, 1, 2].map(() => {
      rig.command(0x4a, 0x04);
      return rig.finish();
    });
    expect(sectors.map((result) => result.slice(3))).toEqual([
      [7, 1, 1, 2],
      [7, 1, 2, 2],
      [7, 1, 3, 2],
    ]);
  });
});

describe('82077AA and images', () => {
  it.each([
    [160, 39, 0, 8, 1],
    [360, 39, 1, 9, 2],
    [720, 79, 1, 9, 2],
    [1200, 79, 1, 15, 0],
    [2880, 79, 1, 36, 3],
  ])('reads the last sector of %i KiB', (kib, track, head, sector, rate) => {
    const rig = Rig.ready(new TestImage(kib));
    rig.disk.data[kib * 1024 - 512] = 0x99;
    rig.out(0x3f7, rate);
    rig.seek(0, track);
    rig.channel(toMemory, 0x1000, 512);
    rig.command(0x46, head << 2, track, head, sector, 2, sector, 0x1b, 0xff);
    expect([rig.finish()[0], rig.memory[0x1000]]).toEqual([head << 2, 0x99]);
  });

  it('refuses an image that no disk could be', () => {
    const rig = new Rig();
    expect(rig.fdc.insert(0, new TestImage(4096))).toBe(false);
    expect(rig.fdc.insert(3, new TestImage(1440))).toBe(false);
  });

  it('waits for an image that takes its time, and forgets it after a reset', () => {
    const rig = Rig.ready();
    rig.disk.isSlow = true;
    rig.channel(toMemory, 0x1000, 512);
    rig.command(0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    rig.clock.advance(1e9);
    expect([rig.irq.level, rig.disk.waiting.length]).toEqual([false, 1]);
    rig.out(0x3f4, 0x80);
    rig.disk.waiting.shift()?.();
    expect(rig.command(0x08)).toEqual([0xc0, 0]);
    rig.command(0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    rig.clock.advance(1e9);
    rig.disk.waiting.shift()?.();
    expect(rig.finish()[0]).toBe(0);
  });
});
