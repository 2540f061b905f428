import { expect, it } from 'vitest';
import { TestDriver } from '../virtio-pci/test-driver.ts';
import { VirtioEntropy } from './device.ts';

it('fills buffers, however odd their sizes, up to a bound', () => {
  const driver = new TestDriver();
  let word = 0;
  const random32 = (): number => (word += 0x0101_0101);
  new VirtioEntropy({ ...driver.connections(), random32 });
  driver.start(1, 0);
  driver.post(0, [{ address: 0x9_0000, bytes: 7, writes: true }]);
  driver.notify(0);
  expect([...driver.memory.bytes.subarray(0x9_0000, 0x9_0008)]).toEqual([1, 1, 1, 1, 2, 2, 2, 0]);
  driver.post(0, [{ address: 0x9_0000, bytes: 0xffff_ffff, writes: true }]);
  driver.notify(0);
  expect(driver.used(0)).toEqual([7, 4096]);
});

it('continues from a saved state, and waits for the driver after a reset', () => {
  const driver = new TestDriver();
  const device = new VirtioEntropy({ ...driver.connections(), random32: () => 1 });
  driver.start(1, 0);
  const other = new VirtioEntropy({ ...driver.connections(), random32: () => 2 });
  other.restore(JSON.parse(JSON.stringify(device.save())));
  driver.post(0, [{ address: 0x9_0000, bytes: 4, writes: true }]);
  driver.notify(0);
  expect(driver.memory.bytes[0x9_0000]).toBe(2);
  other.reset();
  driver.post(0, [{ address: 0x9_0010, bytes: 4, writes: true }]);
  driver.notify(0);
  expect(driver.memory.bytes[0x9_0010]).toBe(0);
});
