import { expect, it } from 'vitest';
import { TestDriver } from '../virtio-pci/test-driver.ts';
import { VirtioConsole } from './device.ts';

function rig() {
  const driver = new TestDriver();
  let text = '';
  const output = { write: (byte: number): void => void (text += String.fromCharCode(byte)) };
  const device = new VirtioConsole({ ...driver.connections(), output });
  driver.start(2, 0);
  return { driver, device, text: () => text };
}

it('sends what the guest writes, up to a bound for each chain', () => {
  const { driver, text } = rig();
  driver.memory.bytes.set([0x68, 0x69], 0x9_0000);
  driver.post(1, [{ address: 0x9_0000, bytes: 2 }]);
  driver.notify(1);
  expect([text(), driver.used(1)]).toEqual(['hi', [0]]);
  driver.post(1, [{ address: 0, bytes: 0xffff_ffff }]);
  driver.notify(1);
  expect(text().length).toBe(2 + 0x1_0000);
});

it('puts input into the buffers that the guest offers, and no further', () => {
  const { driver, device } = rig();
  expect(device.receive(Uint8Array.of(1, 2, 3))).toBe(0);
  driver.post(0, [{ address: 0x9_0000, bytes: 2, writes: true }]);
  expect(device.receive(Uint8Array.of(1, 2, 3))).toBe(2);
  expect([...driver.memory.bytes.subarray(0x9_0000, 0x9_0003)]).toEqual([1, 2, 0]);
  expect([driver.used(0), driver.irq.level]).toEqual([[2], true]);
});

it('continues from a saved state', () => {
  const { driver, device } = rig();
  driver.post(0, [{ address: 0x9_0000, bytes: 8, writes: true }]);
  const other = new VirtioConsole({ ...driver.connections(), output: { write: () => undefined } });
  other.restore(JSON.parse(JSON.stringify(device.save())));
  expect(other.receive(Uint8Array.of(5))).toBe(1);
  expect(driver.memory.bytes[0x9_0000]).toBe(5);
});
