import { describe, expect, it } from 'vitest';

import { DeviceError } from '../error.ts';
import { ManualClock } from '../manual-clock.ts';
import { fuzzPorts } from '../test-fuzz.ts';
import { FwCfg } from './device.ts';
import { itemNumber, itemText } from './items.ts';
import { fwCfgKey, fwCfgPort } from './registers.ts';

class Rig {
  readonly ram = new Uint8Array(0x2000).fill(0xcc);
  readonly device = new FwCfg({
    items: new Map([[fwCfgKey.processors, itemNumber(1, 2)]]),
    files: [
      { name: 'opt/b', bytes: Uint8Array.of(4, 5, 6) },
      { name: 'etc/a', bytes: itemText('hello') },
    ],
    memory: {
      read: (physical, target) => {
        target.fill(0xff);
        target.set(this.ram.subarray(physical, physical + target.length));
      },
      write: (physical, source) => {
        const room = Math.max(0, this.ram.length - physical);
        this.ram.set(source.subarray(0, room), Math.min(physical, this.ram.length));
      },
    },
  });

  item(selector: number, bytes: number): number[] {
    this.device.writePort(fwCfgPort.selector, 2, selector);
    return Array.from({ length: bytes }, () => this.device.readPort(fwCfgPort.data, 1));
  }

  /** Runs a DMA transfer whose access structure is at 0x100; returns its control word after. */
  dma(control: number, length: number, address: number): number {
    const view = new DataView(this.ram.buffer, 0x100);
    view.setUint32(0, control);
    view.setUint32(4, length);
    view.setUint32(8, 0);
    view.setUint32(12, address);
    this.device.writePort(fwCfgPort.dmaHigh, 4, 0);
    this.device.writePort(fwCfgPort.dmaLow, 4, 0x0001_0000); // 0x100, big-endian
    return view.getUint32(0);
  }
}

describe('FwCfg', () => {
  it('signs as QEMU and offers both interfaces', () => {
    const rig = new Rig();
    expect(String.fromCharCode(...rig.item(0, 4))).toBe('QEMU');
    expect(rig.item(1, 4)).toEqual([3, 0, 0, 0]);
    expect(rig.device.readPort(fwCfgPort.dmaHigh, 4)).toBe(0x554d_4551);
  });

  it('reads an item from its start at each selection, and zeros after its end', () => {
    const rig = new Rig();
    expect(rig.item(fwCfgKey.processors, 3)).toEqual([1, 0, 0]);
    expect(rig.item(fwCfgKey.processors, 1)).toEqual([1]);
    expect(rig.item(0x1234, 2)).toEqual([0, 0]);
  });

  it('lists files by name, with selectors that read them', () => {
    const rig = new Rig();
    const directory = new DataView(Uint8Array.from(rig.item(fwCfgKey.fileDirectory, 132)).buffer);
    expect(directory.getUint32(0)).toBe(2);
    expect([directory.getUint32(4), directory.getUint16(8)]).toEqual([6, 0x20]);
    expect([directory.getUint32(68), directory.getUint16(72)]).toEqual([3, 0x21]);
    const name = new Uint8Array(directory.buffer, 76, 6);
    expect(String.fromCharCode(...name)).toBe('opt/b\0');
    expect(rig.item(0x21, 3)).toEqual([4, 5, 6]);
  });

  it('copies an item to memory, select and read in one transfer', () => {
    const rig = new Rig();
    expect(rig.dma((0x21 << 16) | 0x0a, 2, 0x200)).toBe(0);
    expect([...rig.ram.subarray(0x200, 0x204)]).toEqual([4, 5, 0xcc, 0xcc]);
    expect(rig.dma(0x02, 3, 0x210)).toBe(0);
    expect([...rig.ram.subarray(0x210, 0x214)]).toEqual([6, 0, 0, 0xcc]);
  });

  it('skips without writing', () => {
    const rig = new Rig();
    rig.dma((0x21 << 16) | 0x0c, 2, 0x200);
    expect(rig.ram[0x200]).toBe(0xcc);
    expect(rig.device.readPort(fwCfgPort.data, 1)).toBe(6);
  });

  it('refuses writes to items, and transfers far past their ends', () => {
    const rig = new Rig();
    expect(rig.dma((0x21 << 16) | 0x18, 1, 0x200)).toBe(1);
    expect(rig.dma((0x21 << 16) | 0x0a, 0xffff_ffff, 0x200)).toBe(1);
  });

  it('refuses file names that have no room', () => {
    const make = (name: string): unknown =>
      new FwCfg({
        items: new Map(),
        files: [{ name, bytes: new Uint8Array(1) }],
        memory: { read: () => undefined, write: () => undefined },
      });
    expect(() => make('x'.repeat(56))).toThrow(DeviceError);
    expect(() => make('')).toThrow(DeviceError);
  });

  it('continues from a saved state', () => {
    const rig = new Rig();
    rig.item(0x21, 1);
    const other = new Rig();
    other.device.restore(rig.device.save());
    expect(other.device.readPort(fwCfgPort.data, 1)).toBe(5);
  });

  it('survives random accesses', () => {
    const clock = new ManualClock();
    fuzzPorts({ make: () => new Rig().device, clock, between: () => undefined });
  });
});
