import { describe, expect, it } from 'vitest';
import type { AccessSize, MmioDevice, PortDevice } from '../interfaces.ts';
import { PortBus } from '../port-bus.ts';
import { fuzzPorts, ProbeLine, Random } from '../test-fuzz.ts';
import { PciBus } from './device.ts';
import { PciConfigSpace, type PciAddressSpace } from './function.ts';
import { HostBridge, type ShadowSegment } from './host-bridge.ts';
import { IsaBridge, pirqOf } from './isa-bridge.ts';
import { mapPciPorts } from './port-space.ts';
import { PowerManagementFunction } from './power-management.ts';

/** A device that reads as its offset, on both kinds of bus. */
const offsets: PortDevice & MmioDevice = {
  readPort: (port: number, _size: AccessSize) => port,
  writePort: () => undefined,
  readMmio: (address: number) => address,
  writeMmio: () => undefined,
};

class Rig {
  readonly bus = new PortBus();
  resets = 0;
  readonly irqs = Array.from({ length: 16 }, () => new ProbeLine());
  readonly shadows: ShadowSegment[] = [];
  readonly memory = new Map<number, number>();
  readonly addressSpace: PciAddressSpace = {
    mapPorts: (first, count, device) => mapPciPorts(this.bus, first, count, device),
    mapMemory: (address, size) => {
      this.memory.set(address, size);
      return { release: () => this.memory.delete(address) };
    },
  };
  readonly pci = new PciBus({ requestReset: () => (this.resets += 1) });
  readonly hostBridge = new HostBridge({ shadowChanged: (segment) => this.shadows.push(segment) });
  readonly isaBridge = new IsaBridge({ irqLines: this.irqs });
  readonly power = new PowerManagementFunction({
    registers: offsets,
    addressSpace: this.addressSpace,
  });
  readonly card = new PciConfigSpace({
    vendor: 0x1af4,
    device: 0x1001,
    classCode: 0x01_0000,
    subsystem: [0x1af4, 2],
    interruptPin: 1,
    bars: {
      0: { kind: 'ports', size: 64, device: offsets },
      1: { kind: 'memory', size: 4096, device: offsets },
      2: { kind: 'memory64', size: 0x10_0000, device: offsets, prefetchable: true },
    },
    addressSpace: this.addressSpace,
  });

  constructor() {
    this.bus.attach(this.pci);
    this.pci.add(0, 0, this.hostBridge);
    this.pci.add(1, 0, this.isaBridge);
    this.pci.add(1, 3, this.power);
    this.pci.add(4, 0, this.card);
  }

  read(device: number, functionNumber: number, offset: number, size: AccessSize): number {
    this.#select(device, functionNumber, offset);
    return this.bus.readPort(0xcfc + (offset & 3), size);
  }

  write(device: number, fn: number, offset: number, size: AccessSize, value: number): void {
    this.#select(device, fn, offset);
    this.bus.writePort(0xcfc + (offset & 3), size, value);
  }

  #select(device: number, functionNumber: number, offset: number): void {
    const address = 0x8000_0000 + device * 0x800 + functionNumber * 0x100 + (offset & 0xfc);
    this.bus.writePort(0xcf8, 4, address);
  }
}

describe('configuration mechanism 1', () => {
  it('finds the chips of an i440FX PC', () => {
    const rig = new Rig();
    expect(rig.read(0, 0, 0, 4)).toBe(0x1237_8086);
    expect(rig.read(1, 0, 0, 4)).toBe(0x7000_8086);
    for (const number of [0, 3]) {
      expect(rig.read(1, number, 0x2c, 4)).toBe(0x1100_1af4);
    }
    expect(rig.read(1, 3, 0, 4)).toBe(0x7113_8086);
    expect([rig.read(0, 0, 8, 4), rig.read(1, 0, 8, 4)]).toEqual([0x0600_0002, 0x0601_0000]);
  });

  it('reads all ones where there is no function, and on other buses', () => {
    const rig = new Rig();
    expect(rig.read(2, 0, 0, 4)).toBe(0xffff_ffff);
    rig.bus.writePort(0xcf8, 4, 0x8001_0000);
    expect(rig.bus.readPort(0xcfc, 2)).toBe(0xffff);
  });

  it('passes the test for mechanism 1 that Linux makes', () => {
    const rig = new Rig();
    rig.bus.writePort(0xcfb, 1, 0x01);
    rig.bus.writePort(0xcf8, 4, 0x8000_0000);
    expect(rig.bus.readPort(0xcf8, 4)).toBe(0x8000_0000);
  });

  it('takes no data access while the enable bit is clear', () => {
    const rig = new Rig();
    rig.bus.writePort(0xcf8, 4, 0x0000_0000);
    expect(rig.bus.readPort(0xcfc, 4)).toBe(0xffff_ffff);
  });

  it('reads single bytes and words', () => {
    const rig = new Rig();
    expect([rig.read(0, 0, 1, 1), rig.read(0, 0, 2, 2)]).toEqual([0x80, 0x1237]);
  });

  it('says that the ISA bridge has several functions', () => {
    expect(new Rig().read(1, 0, 0x0e, 1)).toBe(0x80);
  });

  it('resets when bit 2 of reset control becomes set', () => {
    const rig = new Rig();
    rig.bus.writePort(0xcf9, 1, 0x02);
    rig.bus.writePort(0xcf9, 1, 0x06);
    rig.bus.writePort(0xcf9, 1, 0x06);
    expect([rig.resets, rig.bus.readPort(0xcf9, 1)]).toEqual([1, 0x06]);
  });

  it('resets by the low byte of a wider write to reset control', () => {
    const rig = new Rig();
    rig.bus.writePort(0xcf9, 2, 0xff06);
    expect([rig.resets, rig.bus.readPort(0xcf9, 2)]).toEqual([1, 0xff06]);
    rig.bus.writePort(0xcf8, 4, 0x8000_0400);
    rig.bus.writePort(0xcf8, 2, 0x0400);
    expect(rig.resets).toBe(1);
  });

  it('refuses two functions in one place', () => {
    const rig = new Rig();
    expect(() => {
      rig.pci.add(1, 3, rig.card);
    }).toThrow('PCI 00:1.3 is taken');
  });
});

describe('PCI function header', () => {
  it('keeps identity and class whatever is written', () => {
    const rig = new Rig();
    rig.write(4, 0, 0x00, 4, 0xffff_ffff);
    rig.write(4, 0, 0x08, 4, 0xffff_ffff);
    rig.write(4, 0, 0x2c, 4, 0);
    expect([rig.read(4, 0, 0, 4), rig.read(4, 0, 8, 4)]).toEqual([0x1001_1af4, 0x0100_0000]);
    expect(rig.read(4, 0, 0x2c, 4)).toBe(0x0002_1af4);
  });

  it('answers sizing of its base addresses (PCI 2.1, section 6.2.5.1)', () => {
    const rig = new Rig();
    const sizes = [0, 1, 2, 3, 4].map((bar) => {
      rig.write(4, 0, 0x10 + 4 * bar, 4, 0xffff_ffff);
      return rig.read(4, 0, 0x10 + 4 * bar, 4);
    });
    expect(sizes).toEqual([0xffff_ffc1, 0xffff_f000, 0xfff0_000c, 0xffff_ffff, 0]);
  });

  it('maps ports where the base address says, with offsets for the device', () => {
    const rig = new Rig();
    rig.write(4, 0, 0x10, 4, 0xc001);
    expect(rig.bus.readPort(0xc004, 1)).toBe(0xff);
    rig.write(4, 0, 0x04, 2, 0x0001);
    expect(rig.bus.readPort(0xc004, 1)).toBe(0x04);
    rig.write(4, 0, 0x10, 4, 0xd001);
    expect([rig.bus.readPort(0xc004, 1), rig.bus.readPort(0xd004, 1)]).toEqual([0xff, 0x04]);
  });

  it('maps memory while the command register says so', () => {
    const rig = new Rig();
    rig.write(4, 0, 0x14, 4, 0xfeb0_0000);
    rig.write(4, 0, 0x18, 4, 0xe000_0000);
    rig.write(4, 0, 0x04, 2, 0x0002);
    expect([...rig.memory]).toEqual([
      [0xfeb0_0000, 4096],
      [0xe000_0000, 0x10_0000],
    ]);
    rig.write(4, 0, 0x04, 2, 0x0000);
    expect(rig.memory.size).toBe(0);
  });

  it('maps nothing at zero, at the top, or above 4 GiB', () => {
    const rig = new Rig();
    rig.write(4, 0, 0x04, 2, 0x0003);
    rig.write(4, 0, 0x14, 4, 0xffff_ffff);
    rig.write(4, 0, 0x18, 4, 0xe000_0000);
    rig.write(4, 0, 0x1c, 4, 0x0000_0001);
    expect([...rig.memory]).toEqual([[0xe000_0000, 0x10_0000]].slice(1));
  });

  it('leaves ports that others have to them', () => {
    const rig = new Rig();
    rig.write(4, 0, 0x04, 2, 0x0001);
    rig.write(4, 0, 0x10, 4, 0x0cc1);
    expect(rig.read(0, 0, 0, 4)).toBe(0x1237_8086);
  });

  it('unmaps on reset', () => {
    const rig = new Rig();
    rig.write(4, 0, 0x14, 4, 0xfeb0_0000);
    rig.write(4, 0, 0x04, 2, 0x0002);
    rig.card.reset();
    expect(rig.memory.size).toBe(0);
  });

  it('refuses a base address whose size is no power of two', () => {
    expect(
      () =>
        new PciConfigSpace({
          vendor: 1,
          device: 1,
          classCode: 0,
          bars: { 0: { kind: 'ports', size: 48, device: offsets } },
          addressSpace: new Rig().addressSpace,
        }),
    ).toThrow(/power of two/);
  });
});

describe('82441FX host bridge', () => {
  it('tells which segments PAM registers switch between ROM and memory', () => {
    const rig = new Rig();
    rig.write(0, 0, 0x59, 1, 0x30);
    rig.write(0, 0, 0x5a, 1, 0x21);
    expect(rig.shadows).toEqual([
      { start: 0xf0000, size: 0x10000, reads: true, writes: true },
      { start: 0xc0000, size: 0x4000, reads: true, writes: false },
      { start: 0xc4000, size: 0x4000, reads: false, writes: true },
    ]);
  });

  it('covers 0xc0000 to 0xfffff without a gap', () => {
    let next = 0xc_0000;
    for (const segment of new Rig().hostBridge.segments()) {
      expect(segment.start).toBe(next);
      next += segment.size;
    }
    expect(next).toBe(0x10_0000);
  });

  it('sends all segments back to the ROM on reset', () => {
    const rig = new Rig();
    rig.write(0, 0, 0x58, 4, 0x3333_3333);
    rig.shadows.length = 0;
    rig.hostBridge.reset();
    expect(rig.shadows.length).toBe(5);
    expect(rig.shadows.every((segment) => !segment.reads && !segment.writes)).toBe(true);
  });
});

describe('82371SB ISA bridge', () => {
  it('routes nothing after reset', () => {
    const rig = new Rig();
    expect(rig.read(1, 0, 0x60, 4)).toBe(0x8080_8080);
    rig.isaBridge.interruptPin(4, 1).set(true);
    expect(rig.irqs.some((irq) => irq.level)).toBe(false);
  });

  it('drives the request to which a pin is routed, high while any pin is', () => {
    const rig = new Rig();
    rig.write(1, 0, 0x60 + pirqOf(4, 1), 1, 11);
    rig.write(1, 0, 0x60 + pirqOf(5, 1), 1, 11);
    const [first, second] = [rig.isaBridge.interruptPin(4, 1), rig.isaBridge.interruptPin(5, 1)];
    first.set(true);
    second.set(true);
    first.set(false);
    expect(rig.irqs[11]?.level).toBe(true);
    second.set(false);
    expect(rig.irqs[11]?.level).toBe(false);
  });

  it('moves a request that is high when its route is changed', () => {
    const rig = new Rig();
    rig.write(1, 0, 0x60 + pirqOf(4, 1), 1, 11);
    rig.isaBridge.interruptPin(4, 1).set(true);
    rig.write(1, 0, 0x60 + pirqOf(4, 1), 1, 5);
    expect([rig.irqs[11]?.level, rig.irqs[5]?.level]).toEqual([false, true]);
  });

  it('never drives the requests of timer, keyboard, clock and FPU', () => {
    const rig = new Rig();
    rig.isaBridge.interruptPin(4, 1).set(true);
    for (const irq of [0, 1, 2, 8, 13]) {
      rig.write(1, 0, 0x60 + pirqOf(4, 1), 1, irq);
      expect(rig.irqs[irq]?.level).toBe(false);
    }
  });

  it('rotates pins by the slot', () => {
    expect([pirqOf(1, 1), pirqOf(2, 1), pirqOf(3, 1), pirqOf(4, 1), pirqOf(4, 2)]).toEqual([
      0, 1, 2, 3, 0,
    ]);
  });
});

describe('82371AB power management function', () => {
  it('puts its ports where PMBASE says once they are enabled', () => {
    const rig = new Rig();
    rig.write(1, 3, 0x40, 4, 0xb001);
    expect(rig.bus.readPort(0xb008, 1)).toBe(0xff);
    rig.write(1, 3, 0x80, 1, 1);
    expect(rig.bus.readPort(0xb008, 1)).toBe(0x08);
    expect(rig.read(1, 3, 0x40, 4)).toBe(0xb001);
  });

  it('stands at a given base without firmware', () => {
    const rig = new Rig();
    const power = new PowerManagementFunction({
      registers: offsets,
      addressSpace: rig.addressSpace,
      base: 0x600,
    });
    expect(rig.bus.readPort(0x608, 1)).toBe(0x08);
    power.writeConfig(0x80, 1, 0);
    expect(rig.bus.readPort(0x608, 1)).toBe(0xff);
    power.reset();
    expect(rig.bus.readPort(0x608, 1)).toBe(0x08);
  });
});

describe('PCI state and hostility', () => {
  it('restores configuration spaces, with what they map', () => {
    const rig = new Rig();
    rig.write(0, 0, 0x59, 1, 0x30);
    rig.write(1, 3, 0x40, 4, 0xb001);
    rig.write(1, 3, 0x80, 1, 1);
    rig.write(1, 0, 0x60, 1, 5);
    const other = new Rig();
    other.hostBridge.restore(rig.hostBridge.save());
    other.power.restore(rig.power.save());
    other.isaBridge.restore(rig.isaBridge.save());
    other.pci.restore(rig.pci.save());
    expect([other.shadows.length, other.bus.readPort(0xb008, 1)]).toEqual([1, 8]);
    expect(other.bus.readPort(0xcfc, 1)).toBe(5);
  });

  it('survives random accesses to all functions', () => {
    const rig = new Rig();
    fuzzPorts({
      make: () => new PciBus({ requestReset: () => undefined }),
      rounds: 5000,
    });
    fuzzPorts({
      make: () => {
        const { pci } = new Rig();
        return pci;
      },
      between: (device, random) => {
        const slot = [0x00, 0x08, 0x0b, 0x20][random.below(4)] ?? 0;
        device.writePort(0xcf8, 4, 0x8000_0000 + slot * 256 + random.below(64) * 4);
      },
    });
    expect(rig.memory.size).toBe(0);
  });

  it('keeps one mapping per base address and restores each function after random writes', () => {
    const rig = new Rig();
    const random = new Random(0x5eed);
    for (let round = 0; round < 20_000; round += 1) {
      const slot = (
        [
          [0, 0],
          [1, 0],
          [1, 3],
          [4, 0],
        ] as const
      )[random.below(4)] ?? [0, 0];
      rig.write(slot[0], slot[1], random.below(256) & 0xfc, 4, random.below(2 ** 32));
      rig.isaBridge.interruptPin(random.below(32), 1 + random.below(4)).set(round % 2 === 0);
      expect(rig.memory.size).toBeLessThanOrEqual(2);
    }
    const other = new Rig();
    for (const [from, to] of [
      [rig.hostBridge, other.hostBridge],
      [rig.isaBridge, other.isaBridge],
      [rig.power, other.power],
    ] as const) {
      to.restore(JSON.parse(JSON.stringify(from.save())));
      expect(to.save()).toEqual(from.save());
    }
  });
});
