import { describe, expect, it } from 'vitest';
import type { BlockStorage } from '../block-storage.ts';
import { Random } from '../test-fuzz.ts';
import { capabilitiesOf, TestDriver } from '../virtio-pci/test-driver.ts';
import { VirtioBlock } from './device.ts';

const data = 0x6_0000;
const status = 0x7_0000;
const header = 0x7_1000;

class TestStorage implements BlockStorage {
  readonly content = Uint8Array.from({ length: 0x8000 }, (_, index) => index >> 9);
  readonly bytes = 0x8000;
  readOnly = false;
  flushes = 0;
  /** Completions that wait, where the storage takes its time. */
  late: (() => void)[] | undefined;

  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void {
    this.#finish(done, () => {
      target.set(this.content.subarray(offset, offset + target.length));
    });
  }

  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void {
    this.#finish(done, () => {
      this.content.set(source, offset);
    });
  }

  flush(done: (ok: boolean) => void): void {
    this.#finish(done, () => (this.flushes += 1));
  }

  #finish(done: (ok: boolean) => void, action: () => void): void {
    const finish = (): void => {
      action();
      done(true);
    };
    if (this.late === undefined) finish();
    else this.late.push(finish);
  }
}

const flushFeature = 0x200;

function rig(features: number = flushFeature, withMessages = false) {
  const driver = new TestDriver();
  const storage = new TestStorage();
  const disk = new VirtioBlock({ ...driver.connections(withMessages), storage, identity: 'abc' });
  expect(driver.start(1, features)).toBe(0x0f);
  const request = (type: number, sector: number, bytes: number, indirect = false) => {
    const { view } = driver.memory;
    view.setUint32(header, type, true);
    view.setUint32(header + 8, sector, true);
    view.setUint8(status, 0xee);
    const body = bytes === 0 ? [] : [{ address: data, bytes, writes: type !== 1 }];
    const chain = [
      { address: header, bytes: 16 },
      ...body,
      { address: status, bytes: 1, writes: true },
    ];
    driver.post(0, chain, indirect);
    driver.notify(0);
    return driver.memory.bytes[status];
  };
  return { driver, storage, disk, request };
}

describe('a virtio disk', () => {
  it('shows its capabilities, MSI-X only where messages go somewhere', () => {
    const plain = ['virtio 1', 'virtio 3', 'virtio 4', 'virtio 2', 'virtio 5'];
    expect(capabilitiesOf(rig().disk)).toEqual(plain);
    expect(capabilitiesOf(rig(0, true).disk)).toEqual(['0x11', ...plain]);
    expect(rig().disk.readConfig(0, 4)).toBe(0x1042_1af4);
  });

  it('reads sectors and interrupts until its status is read', () => {
    const { driver, request } = rig();
    expect(request(0, 3, 1024)).toBe(0);
    expect([driver.memory.bytes[data], driver.memory.bytes[data + 512]]).toEqual([3, 4]);
    expect(driver.used(0)).toEqual([1025]);
    expect(driver.irq.level).toBe(true);
    expect(driver.read(0x1000, 1)).toBe(1);
    expect([driver.irq.level, driver.read(0x1000, 1)]).toEqual([false, 0]);
  });

  it('writes sectors, through an indirect table too, and flushes', () => {
    const { driver, storage, request } = rig(0x1000_0200);
    driver.memory.bytes.fill(0xab, data, data + 512);
    expect(request(1, 5, 512, true)).toBe(0);
    expect(storage.content.subarray(0xa00, 0xc00).every((byte) => byte === 0xab)).toBe(true);
    expect(storage.flushes).toBe(0);
    expect(request(4, 0, 0)).toBe(0);
    expect(storage.flushes).toBe(1);
  });

  it('flushes each write of a driver that cannot', () => {
    const { storage, request } = rig(0);
    expect(request(1, 0, 512)).toBe(0);
    expect(storage.flushes).toBe(1);
  });

  it('tells its identity, and what it does not know', () => {
    const { driver, request } = rig();
    expect(request(8, 0, 20)).toBe(0);
    expect(String.fromCharCode(...driver.memory.bytes.subarray(data, data + 3))).toBe('abc');
    expect(request(11, 0, 512)).toBe(2);
  });

  it('fails requests past its end, in parts of sectors, and writes when it is read-only', () => {
    const { storage, request } = rig();
    expect(request(0, 63, 1024)).toBe(1);
    expect(request(0, 0, 100)).toBe(1);
    storage.readOnly = true;
    expect(request(1, 0, 512)).toBe(1);
  });

  it('sends messages instead of interrupts once the driver turns them on', () => {
    const { driver, disk, request } = rig(flushFeature, true);
    driver.write(0x4010, 4, 0xfee0_0000);
    driver.write(0x4018, 4, 0x41);
    driver.write(0x401c, 4, 0);
    disk.writeConfig(0x42, 2, 0x8000);
    driver.write(0x16, 2, 0);
    driver.write(0x1a, 2, 1);
    expect(request(0, 0, 512)).toBe(0);
    expect([driver.messages, driver.irq.level]).toEqual([[[0xfee0_0000, 0x41]], false]);
  });

  it('interrupts with event indices only where the driver asked', () => {
    const { driver, request } = rig(0x2000_0200);
    const usedEvent = 0x3000 + 4 + 2 * 16;
    driver.memory.view.setUint16(usedEvent, 1, true);
    request(0, 0, 512);
    expect(driver.irq.rises).toBe(0);
    request(0, 0, 512);
    expect(driver.irq.rises).toBe(1);
    expect(driver.memory.view.getUint16(0x4000 + 4 + 8 * 16, true)).toBe(2);
  });

  it('completes later where the storage takes time, and forgets with a reset', () => {
    const { driver, storage, request } = rig();
    storage.late = [];
    expect(request(0, 2, 512)).toBe(0xee);
    const saved = storage.late.length;
    storage.late.shift()?.();
    expect([saved, driver.memory.bytes[status], driver.memory.bytes[data]]).toEqual([1, 0, 2]);
    request(0, 7, 512);
    driver.start(1, flushFeature);
    storage.late.shift()?.();
    expect([driver.memory.bytes[status], driver.memory.bytes[data]]).toEqual([0xee, 2]);
    expect(driver.used(0)).toEqual([]);
  });

  it('begins again, when it is restored, what had not come back from the storage', () => {
    const { driver, storage, disk, request } = rig();
    storage.late = [];
    request(0, 9, 512);
    const state: unknown = JSON.parse(JSON.stringify(disk.save()));
    const other = new VirtioBlock({ ...driver.connections(), storage: new TestStorage() });
    other.restore(state);
    expect([driver.memory.bytes[status], driver.memory.bytes[data]]).toEqual([0, 9]);
  });
});

describe('rings that break the rules', () => {
  it.each<[string, (driver: TestDriver) => void]>([
    ['an index far ahead', ({ memory }) => memory.view.setUint16(0x3002, 17, true)],
    ['a head past the queue', ({ memory }) => memory.view.setUint16(0x3004, 16, true)],
    ['a loop', ({ memory }) => memory.view.setUint16(0x100e, 0, true)],
    ['a next past the queue', ({ memory }) => memory.view.setUint16(0x100e, 99, true)],
    ['readable after writable', ({ memory }) => memory.view.setUint16(0x100c, 3, true)],
    ['an indirect table of no size', ({ memory }) => memory.view.setUint16(0x100c, 4, true)],
  ])('%s makes the device ask for a reset', (_name, damage) => {
    const { driver } = rig();
    const chain = [
      { address: header, bytes: 15 },
      { address: status, bytes: 1, writes: false },
    ];
    driver.post(0, chain);
    damage(driver);
    driver.notify(0);
    expect(driver.read(0x14, 1) & 0x40).toBe(0x40);
    expect(driver.read(0x1000, 1)).toBe(2);
    driver.notify(0);
    expect(driver.start(1, 0)).toBe(0x0f);
  });

  it('end, when a read overwrites the ring that it came from', () => {
    const { driver, storage } = rig();
    storage.content.fill(0xff);
    driver.post(0, [
      { address: header, bytes: 16 },
      { address: 0x3000, bytes: 512, writes: true },
      { address: status, bytes: 1, writes: true },
    ]);
    driver.memory.view.setUint32(header, 0, true);
    driver.notify(0);
    driver.notify(0);
    expect(driver.read(0x14, 1) & 0x40).toBe(0x40);
  });

  it('and registers at random neither throw nor hang, and save small states', () => {
    const random = new Random(0x5eed);
    const { driver, disk } = rig(flushFeature, true);
    for (let round = 0; round < 20_000; round += 1) {
      const size = ([1, 2, 4] as const)[random.below(3)] ?? 1;
      const offset = random.below(4) === 0 ? random.below(0x8000) : random.below(0x40);
      if (random.below(3) === 0) expect(driver.read(offset, size)).toBeGreaterThanOrEqual(0);
      else driver.write(offset, size, random.below(random.below(2) === 0 ? 2 ** 32 : 32));
      if (random.below(10) === 0) {
        const place = random.below(0x5000);
        driver.memory.view.setUint32(
          place,
          random.below(2) === 0 ? random.below(2 ** 32) : 1,
          true,
        );
        driver.notify(0);
      }
      if (random.below(500) === 0) driver.start(1, random.below(2 ** 32));
      if (random.below(100) === 0)
        disk.writeConfig(random.below(256) & ~3, 4, random.below(2 ** 32));
      if (round % 1000 === 0) expect(JSON.stringify(disk.save()).length).toBeLessThan(5000);
    }
  });
});
