import { expect, it } from 'vitest';

import { XenPlatform } from './device.ts';

function made() {
  const calls = { disks: 0 };
  const mapping = { release: () => undefined };
  const addressSpace = { mapPorts: () => mapping, mapMemory: () => mapping };
  const device = new XenPlatform({
    addressSpace,
    places: [0xc000, 0xf200_0000],
    unplugDisks: () => {
      calls.disks += 1;
    },
  });
  return { device, calls };
}

it('is known by its numbers, its magic and the version of its protocol', () => {
  const { device } = made();
  expect(device.readConfig(0, 4)).toBe(0x0001_5853);
  expect([device.readConfig(0x10, 4), device.readConfig(0x14, 4)]).toEqual([0xc001, 0xf200_0008]);
  expect([device.readPort(0x10, 2), device.readPort(0x12, 1)]).toEqual([0x49d2, 1]);
  expect(device.readPort(0x10, 1)).toBe(0xff);
});

it('takes disks away when it is asked for them, and again in a restored machine', () => {
  const { device, calls } = made();
  device.writePort(0x12, 2, 0xffff);
  device.writePort(0x10, 4, 1);
  device.writePort(0x10, 2, 2);
  expect(calls.disks).toBe(0);
  device.writePort(0x10, 2, 1);
  expect(calls.disks).toBe(1);
  const other = made();
  other.device.restore(JSON.parse(JSON.stringify(device.save())));
  expect(other.calls.disks).toBe(1);
  device.reset();
  made().device.restore(device.save());
  expect(calls.disks).toBe(1);
});
