import { describe, expect, it } from 'vitest';

import { GuestPorts } from './guest-ports.ts';
import { begun } from './test-begun.ts';

describe('ports of a paravirtual guest', () => {
  it('keep the index of the CMOS memory, also as part of a wider access', () => {
    const ports = new GuestPorts();
    ports.write(0x6d, 4, 0xc512_3456);
    expect(ports.cmosIndex).toBe(0x45);
    expect([ports.read(0x70, 1), ports.read(0x6f, 2), ports.read(0x70, 4)]).toEqual([
      ...[0x45, 0x45ff, 0xffff_ff45],
    ]);
    ports.write(0x71, 4, 0);
    ports.write(0x6e, 2, 0);
    expect(ports.cmosIndex).toBe(0x45);
  });

  it('keep an address in configuration space that is written as a whole', () => {
    const ports = new GuestPorts();
    ports.write(0xcf8, 4, 0x8000_0000 | 0);
    for (const [port, bytes] of [
      [0xcf8, 1],
      [0xcf8, 2],
      [0xcf7, 4],
      [0xcfc, 4],
    ] as const) {
      ports.write(port, bytes, 0);
    }
    expect([ports.read(0xcf8, 4), ports.read(0xcf8, 2), ports.read(0xcfc, 4)]).toEqual([
      ...[0x8000_0000, 0xffff, 0xffff_ffff],
    ]);
  });

  it('are saved with the guest', () => {
    const { abi } = begun();
    const { ports } = abi.guest;
    ports.write(0x70, 1, 9);
    ports.write(0xcf8, 4, 0x1234);
    const saved = JSON.stringify(abi.save());
    ports.reset();
    abi.restore(JSON.parse(saved));
    expect([ports.cmosIndex, ports.configurationAddress]).toEqual([9, 0x1234]);
  });
});
