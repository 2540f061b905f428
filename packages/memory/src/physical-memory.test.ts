import { describe, expect, it } from 'vitest';
import { Layout } from './layout.ts';
import { MachineMemory } from './machine-memory.ts';
import { MemoryError } from './memory-error.ts';
import { maxMmioRegions, type MmioHandler } from './mmio-regions.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { TraceOwnerId, WriteSource } from './trace-table.ts';

function rig(): { machine: MachineMemory; physical: PhysicalMemory } {
  const machine = new MachineMemory({ ramBytes: 2 << 20, extraBytes: 0x4000 });
  const physical = new PhysicalMemory(machine);
  physical.mapRam(0, 2 << 20, Layout.ram);
  return { machine, physical };
}

/** An MMIO handler that notes its accesses and reads as offset in every byte. */
function recorder(): MmioHandler & { log: string[] } {
  const log: string[] = [];
  return {
    log,
    readMmio: (offset, size) => {
      log.push(`r${size} ${offset.toString(16)}`);
      return offset & 0xff;
    },
    writeMmio: (offset, size, value) =>
      void log.push(`w${size} ${offset.toString(16)}=${value.toString(16)}`),
  };
}

describe('PhysicalMemory accesses', () => {
  it('reads and writes RAM in every size, little-endian', () => {
    const { physical } = rig();
    physical.write32(0x1000, 0x8765_4321);
    expect(physical.read8(0x1003)).toBe(0x87);
    expect(physical.read16(0x1001)).toBe(0x6543);
    expect(physical.read32(0x1000)).toBe(0x8765_4321 | 0);
    physical.write64(0x1008, 1, -2);
    expect([physical.read64(0x1008), physical.high]).toEqual([1, -2]);
    physical.write8(0x1000, 0x1ff);
    physical.write16(0x1002, 0x1_2345);
    expect(physical.read32(0x1000)).toBe(0x2345_43ff);
  });

  it('crosses pages in every size', () => {
    const { machine, physical } = rig();
    physical.map(0x1000, 0x1000, { read: machine.reserve(4096), write: Layout.ram + 0x5000 });
    physical.mapRam(0x1000, 0x1000, Layout.ram + 0x5000);
    physical.write64(0xffd, 0x0403_0201, 0x0807_0605);
    expect([physical.read64(0xffd), physical.high]).toEqual([0x0403_0201, 0x0807_0605]);
    expect(machine.u8[Layout.ram + 0x5000]).toBe(4);
    physical.write16(0xfff, 0xbbaa);
    physical.write32(0x1fff, 0x4433_2211);
    expect(physical.read16(0xfff)).toBe(0xbbaa);
    expect(physical.read32(0x1fff)).toBe(0x4433_2211);
  });

  it('reads holes as all ones and ignores writes to them', () => {
    const { physical } = rig();
    physical.write32(0x8000_0000, 1);
    expect(physical.read32(0x8000_0000)).toBe(-1);
    expect(physical.read8(0x8000_0000)).toBe(0xff);
    expect(physical.read16(0xffff_ffff)).toBe((physical.read8(0) << 8) | 0xff);
  });

  it('ignores writes to ROM', () => {
    const { machine, physical } = rig();
    const rom = machine.reserve(4096);
    machine.u8[rom] = 0x55;
    physical.mapRom(0xffff_f000, 4096, rom);
    physical.write8(0xffff_f000, 0xaa);
    physical.write(0xffff_f000, new Uint8Array(16));
    expect(physical.read8(0xffff_f000)).toBe(0x55);
    expect(physical.writable(0xf_ffff)).toBe(false);
  });

  it('says what stands at a page, so that it can be put back', () => {
    const { machine, physical } = rig();
    const device = recorder();
    const rom = machine.reserve(4096);
    physical.mapMmio(0xfee0_0000, 0x2000, device);
    physical.mapRom(0x1000, 4096, rom);
    const pages = [0xfee01, 1, 2, 0x8_0000];
    const regions = pages.map((page) => physical.region(page));
    expect(regions[0]).toMatchObject({ handler: device, origin: 0xfee0_0000 });
    expect(regions[1]).toEqual({ read: rom, write: 0 });
    pages.forEach((page, index) => {
      physical.unmap(page * 4096, 4096);
      physical.map(page * 4096, 4096, regions[index] ?? {});
    });
    physical.write8(0xfee0_1020, 0x55);
    expect(device.log).toEqual(['w1 1020=55']);
    expect(pages.map((page) => physical.region(page))).toEqual(regions);
  });

  it('passes aligned MMIO accesses to the handler with the offset in its region', () => {
    const { physical } = rig();
    const device = recorder();
    physical.mapMmio(0xfee0_0000, 0x2000, device);
    expect(physical.read32(0xfee0_1020)).toBe(0x20);
    physical.write16(0xfee0_0002, 0x1_ffff);
    physical.write8(0xfee0_0003, 0x1ff);
    expect(device.log).toEqual(['r4 1020', 'w2 2=ffff', 'w1 3=ff']);
  });

  it('splits misaligned MMIO accesses into bytes', () => {
    const { physical } = rig();
    const device = recorder();
    physical.mapMmio(0xfee0_0000, 0x1000, device);
    expect(physical.read32(0xfee0_0011)).toBe(0x1413_1211);
    physical.write16(0xfee0_0001, 0xbbaa);
    expect(device.log.slice(4)).toEqual(['w1 1=aa', 'w1 2=bb']);
  });

  it('keeps devices out of MMIO in bulk transfers', () => {
    const { physical } = rig();
    const device = recorder();
    physical.mapMmio(0x1000, 0x1000, device);
    const bytes = new Uint8Array(0x2000);
    physical.read(0x800, bytes);
    physical.write(0x800, new Uint8Array(0x2000).fill(7));
    expect(bytes[0x7ff]).toBe(0);
    expect(bytes[0x800]).toBe(0xff);
    expect(physical.read8(0x2000)).toBe(7);
    expect(device.log).toEqual([]);
  });

  it('treats bulk transfers at and above 4 GiB as holes', () => {
    const { physical } = rig();
    const bytes = new Uint8Array(8);
    physical.write(2 ** 32 - 4, new Uint8Array(8).fill(9));
    physical.read(2 ** 32 - 4, bytes);
    expect([...bytes]).toEqual(new Array(8).fill(0xff));
    expect(physical.read8(0)).toBe(0);
  });
});

describe('PhysicalMemory traces', () => {
  it('tells traces after every kind of write, once, with what was written', () => {
    const { physical } = rig();
    const log: string[] = [];
    physical.traces.setOwner(TraceOwnerId.code, {
      written: (at, size) => {
        const source = physical.traces.source === WriteSource.device ? 'device' : 'guest';
        log.push(`${at.toString(16)}+${size} ${source} ${physical.read8(at)}`);
      },
    });
    physical.traces.addRange(TraceOwnerId.code, 1, 0, 4096);
    physical.write8(0x1000, 1);
    physical.write16(0x1010, 2);
    physical.write32(0x1020, 3);
    physical.write64(0x1030, 4, 0);
    physical.write(0xffe, Uint8Array.of(5, 6, 7, 8));
    expect(log).toEqual([
      '1000+1 guest 1',
      '1010+2 guest 2',
      '1020+4 guest 3',
      '1030+8 guest 4',
      '1000+2 device 7',
    ]);
  });

  it('calls a traced page not writable until the trace is gone', () => {
    const { physical } = rig();
    expect(physical.writable(1)).toBe(true);
    physical.traces.addRange(TraceOwnerId.device, 1, 0, 1);
    expect(physical.writable(1)).toBe(false);
    physical.traces.remove(TraceOwnerId.device, 1, -1, -1);
    expect(physical.writable(1)).toBe(true);
  });
});

describe('PhysicalMemory map', () => {
  it('reads from one backing and writes to another, as shadow RAM does', () => {
    const { machine, physical } = rig();
    const rom = machine.reserve(4096);
    machine.u8[rom] = 0x11;
    physical.map(0xe_0000, 4096, { read: rom, write: Layout.ram + 0xe_0000 });
    physical.write8(0xe_0000, 0x22);
    expect(physical.read8(0xe_0000)).toBe(0x11);
    physical.mapRam(0xe_0000, 4096, Layout.ram + 0xe_0000);
    expect(physical.read8(0xe_0000)).toBe(0x22);
  });

  it('gives writes to a handler and reads to memory, as flash does', () => {
    const { machine, physical } = rig();
    const device = recorder();
    physical.map(0xfff0_0000, 4096, { read: machine.reserve(4096), handler: device });
    expect(physical.read8(0xfff0_0000)).toBe(0);
    physical.write8(0xfff0_0001, 0x40);
    expect(device.log).toEqual(['w1 1=40']);
  });

  it('says where a page is backed', () => {
    const { physical } = rig();
    physical.mapMmio(0x3000, 0x1000, recorder());
    expect(physical.backing(2)).toBe(Layout.ram + 0x2000);
    expect(physical.backing(3)).toBe(-1);
    expect(physical.backing(0xf_ffff)).toBe(-1);
  });

  it('announces the pages that change, and nothing when nothing does', () => {
    const { physical } = rig();
    const log: string[] = [];
    physical.addObserver({
      remapped: (first, count) => void log.push(`${first}+${count}`),
      gateChanged: () => void log.push('gate'),
    });
    physical.mapRam(0, 2 << 20, Layout.ram);
    physical.unmap(0x8000_0000, 0x1000);
    const device = recorder();
    physical.mapMmio(0x3000, 0x2000, device);
    physical.mapMmio(0x3000, 0x2000, device);
    physical.unmap(0x2000, 0x2000);
    physical.setA20(false);
    physical.setA20(false);
    expect(log).toEqual(['3+2', '2+2', 'gate']);
  });

  it('clears address bit 20 while the A20 gate is closed', () => {
    const { physical } = rig();
    physical.write8(0x10_0010, 1);
    physical.setA20(false);
    expect(physical.read8(0x10_0010)).toBe(0);
    physical.write8(0x10_0010, 2);
    expect(physical.canonical(0x100)).toBe(0);
    physical.setA20(true);
    expect([physical.read8(0x10), physical.read8(0x10_0010)]).toEqual([2, 1]);
  });

  it('tells traces of the canonical page while the A20 gate is closed', () => {
    const { physical } = rig();
    const log: number[] = [];
    physical.traces.setOwner(TraceOwnerId.code, { written: (at) => void log.push(at) });
    physical.traces.addRange(TraceOwnerId.code, 0, 0, 4096);
    physical.setA20(false);
    physical.write32(0x10_0020, 5);
    physical.write(0x10_0040, Uint8Array.of(1));
    expect(log).toEqual([0x20, 0x40]);
  });

  it('refuses ranges and backings that are not whole pages or out of bounds', () => {
    const { physical } = rig();
    const bad = [
      (): void => physical.mapRam(0x10, 4096, Layout.ram),
      (): void => physical.mapRam(0, 4095, Layout.ram),
      (): void => physical.mapRam(0xffff_f000, 8192, Layout.ram),
      (): void => physical.mapRam(0, 4096, 0x1000),
      (): void => physical.mapRam(0, 1 << 30, Layout.ram),
      (): void => physical.unmap(0, 0),
    ];
    for (const action of bad) expect(action).toThrow(MemoryError);
  });

  it('reuses the places of MMIO regions that are gone and names its limit', () => {
    const { physical } = rig();
    const device = recorder();
    for (let round = 0; round < 3 * maxMmioRegions; round += 1) {
      physical.mapMmio(0x4000_0000, 0x1000, device);
      physical.unmap(0x4000_0000, 0x1000);
    }
    for (let index = 0; index < maxMmioRegions; index += 1) {
      physical.mapMmio(0x5000_0000 + index * 4096, 0x1000, recorder());
    }
    expect(() => physical.mapMmio(0x7000_0000, 0x1000, recorder())).toThrow(/1024 MMIO regions/);
  });
});
