import { describe, expect, it } from 'vitest';

import { ManualClock } from '../manual-clock.ts';
import { Vga } from './device.ts';
import { textStoreBytes } from './window.ts';

const videoBytes = 0x4_0000;

class Rig {
  readonly memory = new Uint8Array(videoBytes + textStoreBytes);
  readonly vga = new Vga({ clock: new ManualClock(), memory: this.memory });

  /** Opens all planes one by one at 0xa0000, as mode 12h does. */
  constructor() {
    this.set(0x3c4, 4, 0x06);
    this.set(0x3c4, 2, 0x0f);
    this.set(0x3ce, 5, 0x00);
    this.set(0x3ce, 6, 0x05);
  }

  set(port: number, index: number, value: number): void {
    this.vga.writePort(port, 1, index);
    this.vga.writePort(port + 1, 1, value);
  }

  write(offset: number, value: number): void {
    this.vga.writeMmio(offset, 1, value);
  }

  read(offset: number): number {
    return this.vga.readMmio(offset, 1);
  }

  /** The bytes of the four planes at an offset. */
  planes(offset: number): number[] {
    return [...this.memory.subarray(4 * offset, 4 * offset + 4)];
  }
}

describe('write mode 0', () => {
  it('writes the planes of the map mask', () => {
    const rig = new Rig();
    rig.set(0x3c4, 2, 0x05);
    rig.write(7, 0xa5);
    expect(rig.planes(7)).toEqual([0xa5, 0, 0xa5, 0]);
  });

  it('takes set/reset for the planes where that is enabled', () => {
    const rig = new Rig();
    rig.set(0x3ce, 0, 0x02);
    rig.set(0x3ce, 1, 0x06);
    rig.write(0, 0x3c);
    expect(rig.planes(0)).toEqual([0x3c, 0xff, 0x00, 0x3c]);
  });

  it('keeps the bits outside the mask from the latches, not from memory', () => {
    const rig = new Rig();
    rig.write(0, 0xff);
    rig.write(1, 0x00);
    rig.read(1);
    rig.set(0x3ce, 8, 0x0f);
    rig.write(0, 0xff);
    expect(rig.planes(0)).toEqual([0x0f, 0x0f, 0x0f, 0x0f]);
  });

  it.each([
    [1, 0x88],
    [2, 0xee],
    [3, 0x66],
  ])('combines with the latches by operation %i', (operation, result) => {
    const rig = new Rig();
    rig.write(0, 0xcc);
    rig.read(0);
    rig.set(0x3ce, 3, operation << 3);
    rig.write(0, 0xaa);
    expect(rig.planes(0)).toEqual([result, result, result, result]);
  });

  it('rotates to the right', () => {
    const rig = new Rig();
    rig.set(0x3ce, 3, 3);
    rig.write(0, 0b1001_0110);
    expect(rig.planes(0)[0]).toBe(0b1101_0010);
  });
});

describe('write modes 1 to 3', () => {
  it('copies the latches, whatever is written', () => {
    const rig = new Rig();
    rig.memory.set([1, 2, 3, 4], 40);
    rig.set(0x3ce, 5, 1);
    rig.read(10);
    rig.write(20, 0xff);
    expect(rig.planes(20)).toEqual([1, 2, 3, 4]);
  });

  it('takes the data as a colour in mode 2', () => {
    const rig = new Rig();
    rig.set(0x3ce, 5, 2);
    rig.set(0x3ce, 8, 0xf0);
    rig.write(0, 0x09);
    expect(rig.planes(0)).toEqual([0xf0, 0, 0, 0xf0]);
  });

  it('takes the data as a mask in mode 3', () => {
    const rig = new Rig();
    rig.set(0x3ce, 5, 3);
    rig.set(0x3ce, 0, 0x06);
    rig.set(0x3ce, 8, 0x3f);
    rig.write(0, 0xcc);
    expect(rig.planes(0)).toEqual([0, 0x0c, 0x0c, 0]);
  });
});

describe('reads', () => {
  it('give the plane of the read map', () => {
    const rig = new Rig();
    rig.memory.set([1, 2, 3, 4], 0);
    expect([0, 1, 2, 3].map((plane) => (rig.set(0x3ce, 4, plane), rig.read(0)))).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it('compare colours in read mode 1, in the planes that matter', () => {
    const rig = new Rig();
    rig.memory.set([0b1100, 0b1010, 0, 0xff], 0);
    rig.set(0x3ce, 5, 0x08);
    rig.set(0x3ce, 2, 0x01);
    rig.set(0x3ce, 7, 0x03);
    expect(rig.read(0)).toBe(0b0100);
  });
});

describe('chained addresses', () => {
  it('spread bytes over the planes in 256-colour modes, under the map mask', () => {
    const rig = new Rig();
    rig.set(0x3c4, 4, 0x0e);
    rig.set(0x3c4, 2, 0x0d);
    rig.vga.writeMmio(4, 4, 0x0403_0201);
    expect(rig.planes(1)).toEqual([1, 0, 3, 4]);
    expect(rig.vga.readMmio(4, 4)).toBe(0x0403_0001);
  });

  it('alternate between even and odd planes in text modes', () => {
    const rig = new Rig();
    rig.set(0x3c4, 4, 0x02);
    rig.write(6, 0x41);
    rig.write(7, 0x07);
    expect(rig.planes(3)).toEqual([0x41, 0x07, 0x41, 0x07]);
  });

  it('show what text modes wrote to planes 0 and 1 once they are opened', () => {
    const rig = new Rig();
    rig.vga.reset();
    rig.memory.set([0x41, 0x07], videoBytes + 2);
    rig.set(0x3c4, 4, 0x06);
    expect(rig.planes(1)).toEqual([0x41, 0x07, 0, 0]);
    rig.set(0x3c4, 2, 0x0f);
    rig.write(1, 0x42);
    rig.set(0x3c4, 2, 0x03);
    rig.set(0x3c4, 4, 0x02);
    expect([...rig.memory.subarray(videoBytes + 2, videoBytes + 4)]).toEqual([0x42, 0x42]);
  });
});
