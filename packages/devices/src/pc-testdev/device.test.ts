import { describe, expect, it } from 'vitest';
import type { IrqLine } from '../interfaces.ts';
import { PortBus } from '../port-bus.ts';
import { fuzzMmio, fuzzPorts, ProbeLine } from '../test-fuzz.ts';
import { PcTestDevice } from './device.ts';

const nowhere = (): IrqLine => ({ set: () => undefined });
const make = (): PcTestDevice => new PcTestDevice({ irq: nowhere });

function onBus(device: PcTestDevice): PortBus {
  const bus = new PortBus();
  bus.attach(device);
  return bus;
}

describe('pc-testdev', () => {
  it('keeps a register of which bytes and words can be accessed', () => {
    const bus = onBus(make());
    bus.writePort(0xe0, 4, 0x1234_5678);
    expect([bus.readPort(0xe0, 4), bus.readPort(0xe2, 2)]).toEqual([0x1234_5678, 0x1234]);
    bus.writePort(0xe1, 1, 0xab);
    bus.writePort(0xe2, 2, 0x9988);
    expect(bus.readPort(0xe0, 4)).toBe(0x9988_ab78);
    bus.writePort(0xe8, 1, 0x44);
    expect([bus.readPort(0xe0, 4), bus.readPort(0xea, 1)]).toEqual([0x9988_ab44, 0x88]);
    bus.writePort(0xe4, 4, 0x1000);
    expect(bus.readPort(0xe4, 4)).toBe(0);
  });

  it('drives interrupt requests', () => {
    const lines = Array.from({ length: 16 }, () => new ProbeLine());
    const bus = onBus(new PcTestDevice({ irq: (request) => lines[request] ?? nowhere() }));
    bus.writePort(0x200e, 1, 2);
    expect(lines.map(({ level }) => level).indexOf(true)).toBe(14);
    bus.writePort(0x200e, 1, 0);
    expect([lines[14]?.level, lines[14]?.rises, bus.readPort(0x200e, 1)]).toEqual([false, 1, 0]);
  });

  it('keeps what is written to memory', () => {
    const device = make();
    device.writeMmio(0, 4, 0xdead_beef);
    device.writeMmio(2, 1, 0x11);
    device.writeMmio(0xfffc, 4, 7);
    expect([0, 2, 0xfffc].map((at) => device.readMmio(at, 2))).toEqual([0xbeef, 0xde11, 7]);
  });

  it('survives random accesses', () => {
    fuzzPorts({ make, rounds: 5000 });
    fuzzMmio({ make, bytes: 0x1000, rounds: 5000 });
  });
});
