import { describe, expect, it } from 'vitest';
import type { AccessSize, PortDevice } from './interfaces.ts';
import { PortBus, portCount } from './port-bus.ts';

/** A device that logs its accesses and reads as the low bits of the port in each byte. */
class Log implements PortDevice {
  readonly lines: string[] = [];

  readPort(port: number, size: AccessSize): number {
    this.lines.push(`in ${port.toString(16)}/${String(size)}`);
    return Math.floor(0x0101_0101 / 2 ** (32 - 8 * size)) * (port & 0x7f);
  }

  writePort(port: number, size: AccessSize, value: number): void {
    this.lines.push(`out ${port.toString(16)}/${String(size)} ${value.toString(16)}`);
  }
}

describe('PortBus', () => {
  it('reads all ones where nobody answers', () => {
    const bus = new PortBus();
    expect([bus.readPort(0x80, 1), bus.readPort(0x80, 2), bus.readPort(0x80, 4)]).toEqual([
      0xff, 0xffff, 0xffffffff,
    ]);
  });

  it('passes an access on to the device of the port', () => {
    const bus = new PortBus();
    const device = new Log();
    bus.claim({ first: 0x60, count: 1, device });
    expect(bus.readPort(0x60, 1)).toBe(0x60);
    bus.writePort(0x60, 1, 0x1ff);
    expect(device.lines).toEqual(['in 60/1', 'out 60/1 ff']);
  });

  it('splits wide accesses to an 8-bit device into bytes, low byte first', () => {
    const bus = new PortBus();
    const device = new Log();
    bus.claim({ first: 0x10, count: 4, device });
    expect(bus.readPort(0x10, 4)).toBe(0x13121110);
    bus.writePort(0x10, 2, 0xbeef);
    expect(device.lines.slice(4)).toEqual(['out 10/1 ef', 'out 11/1 be']);
  });

  it('keeps wide accesses whole for a device that takes them', () => {
    const bus = new PortBus();
    const device = new Log();
    bus.claim({ first: 0x10, count: 4, device, widest: 4 });
    bus.writePort(0x10, 4, -1);
    expect(device.lines).toEqual(['out 10/4 ffffffff']);
  });

  it('splits an access that leaves the range of its device', () => {
    const bus = new PortBus();
    const [low, high] = [new Log(), new Log()];
    bus.claim({ first: 0x10, count: 2, device: low, widest: 4 });
    bus.claim({ first: 0x12, count: 2, device: high, widest: 4 });
    bus.writePort(0x10, 4, 0x11223344);
    expect([low.lines, high.lines]).toEqual([['out 10/2 3344'], ['out 12/2 1122']]);
  });

  it('reads ones past the last port', () => {
    const bus = new PortBus();
    bus.claim({ first: 0xffff, count: 1, device: new Log() });
    expect(bus.readPort(0xffff, 4)).toBe(0xffffff7f);
  });

  it('refuses a range that is taken and names both', () => {
    const bus = new PortBus();
    bus.claim({ first: 0x3f8, count: 8, device: new Log() });
    expect(() => bus.claim({ first: 0x3fc, count: 8, device: new Log() })).toThrow(
      'ports 0x3fc..0x403 overlap 0x3f8..0x3ff',
    );
  });

  it('refuses ranges outside the port space', () => {
    const bus = new PortBus();
    expect(() => bus.claim({ first: 0xfff8, count: 9, device: new Log() })).toThrow(/ends past/);
    expect(() => bus.claim({ first: -1, count: 2, device: new Log() })).toThrow(/is none/);
  });

  it('lets a yielding range show where the earlier one is released', () => {
    const bus = new PortBus();
    const [early, late] = [new Log(), new Log()];
    const claim = bus.claim({ first: 0x10, count: 1, device: early });
    bus.claim({ first: 0x10, count: 2, device: late, overlap: 'yield' });
    bus.writePort(0x10, 2, 0);
    claim.release();
    claim.release();
    bus.writePort(0x10, 1, 0);
    expect([early.lines.length, late.lines]).toEqual([1, ['out 11/1 0', 'out 10/1 0']]);
  });

  it('gives a released slot to the next claim', () => {
    const bus = new PortBus();
    for (let round = 0; round < 5000; round += 1) {
      bus.claim({ first: round % portCount, count: 1, device: new Log() }).release();
    }
    expect(bus.readPort(0x10, 1)).toBe(0xff);
  });
});
