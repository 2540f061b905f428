import { expect, it } from 'vitest';
import type { MmioDevice, PortDevice } from '../interfaces.ts';
import { fuzzMmio } from '../test-fuzz.ts';
import { PciTestDevice } from './device.ts';

interface Made {
  readonly device: PciTestDevice;
  readonly memory: MmioDevice;
  readonly ports: PortDevice;
}

function made(): Made {
  const found: { memory?: MmioDevice; ports?: PortDevice } = {};
  const mapping = { release: () => undefined };
  const device = new PciTestDevice({
    addressSpace: {
      mapMemory: (_address, _size, memory) => {
        found.memory = memory;
        return mapping;
      },
      mapPorts: (_first, _count, ports) => {
        found.ports = ports;
        return mapping;
      },
    },
    places: [0xf300_0000, 0xc300],
  });
  if (found.memory === undefined || found.ports === undefined) throw new Error('nothing is mapped');
  return { device, memory: found.memory, ports: found.ports };
}

function nameOf({ memory }: Made): string {
  const bytes: number[] = [];
  for (let at = 16; memory.readMmio(at, 1) !== 0; at += 1) bytes.push(memory.readMmio(at, 1));
  return String.fromCharCode(...bytes);
}

it('is known by its numbers', () => {
  const { device } = made();
  expect(device.readConfig(0, 4)).toBe(0x0005_1b36);
  expect([device.readConfig(8, 4), device.readConfig(0x2c, 4)]).toEqual([0x00ff_0000, 0x1100_1af4]);
  expect([device.readConfig(0x10, 4), device.readConfig(0x14, 4)]).toEqual([0xf300_0000, 0xc301]);
  expect(device.readConfig(4, 2)).toBe(3);
});

it('counts the writes to memory that the header of a test describes', () => {
  const one = made();
  const { memory } = one;
  expect(memory.readMmio(0, 4)).toBe(0);
  memory.writeMmio(0, 1, 0);
  expect([0, 4, 8, 12].map((at) => memory.readMmio(at, 4))).toEqual([0x100, 0x800, 0xfa, 0]);
  expect(nameOf(one)).toBe('mmio-no-eventfd');
  for (const data of [0xfa, 0xfb, 0xfa]) memory.writeMmio(0x800, 1, data);
  memory.writeMmio(0x801, 1, 0xfa);
  expect(memory.readMmio(12, 4)).toBe(2);
  memory.writeMmio(0, 1, 0);
  expect(memory.readMmio(12, 4)).toBe(0);
});

it('counts writes to ports', () => {
  const { ports } = made();
  ports.writePort(0, 1, 0);
  expect([0, 4, 8].map((at) => ports.readPort(at, 4))).toEqual([0x103, 0x83, 0xfa]);
  ports.writePort(0x83, 1, 0xfa);
  expect([ports.readPort(12, 4), ports.readPort(0x83, 1)]).toEqual([1, 0]);
});

it('leaves writes to a notifier uncounted, and has no further tests', () => {
  const one = made();
  const { memory } = one;
  memory.writeMmio(0, 1, 1);
  expect([memory.readMmio(4, 4), memory.readMmio(8, 4)]).toEqual([0x801, 0xce]);
  expect(nameOf(one)).toBe('mmio-wildcard-eventfd');
  memory.writeMmio(0x801, 1, 0xce);
  expect(memory.readMmio(12, 4)).toBe(0);
  memory.writeMmio(0, 1, 3);
  expect([memory.readMmio(0, 4), memory.readMmio(4, 4)]).toEqual([0, 0]);
});

it('survives random accesses, and goes on from each saved state', () => {
  const make = () => {
    const { device, memory } = made();
    return {
      readMmio: memory.readMmio.bind(memory),
      writeMmio: memory.writeMmio.bind(memory),
      save: device.save.bind(device),
      restore: device.restore.bind(device),
      reset: device.reset.bind(device),
    };
  };
  fuzzMmio({ make, bytes: 0x1000, rounds: 5000 });
});
