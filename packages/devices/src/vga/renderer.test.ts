import { describe, expect, it } from 'vitest';

import { ManualClock } from '../manual-clock.ts';
import { Vga } from './device.ts';
import { vbeRegister } from './vbe.ts';
import { textStoreBytes } from './window.ts';

const videoBytes = 0x10_0000;
const black = [0, 0, 0, 255];
const grey = [0xaa, 0xaa, 0xaa, 255];

class Rig {
  readonly clock = new ManualClock();
  readonly memory = new Uint8Array(videoBytes + textStoreBytes);
  readonly vga = new Vga({
    clock: this.clock,
    memory: this.memory,
    // Character 1 is a line to the right edge in its first row.
    font: Uint8Array.from({ length: 4096 }, (_, index) => (index === 16 ? 0x0f : 0)),
  });

  set(port: number, index: number, value: number): void {
    this.vga.writePort(port, 1, index);
    this.vga.writePort(port + 1, 1, value);
  }

  attribute(index: number, value: number): void {
    this.vga.readPort(0x3da, 1);
    this.vga.writePort(0x3c0, 1, index | 0x20);
    this.vga.writePort(0x3c0, 1, value);
  }

  colour(entry: number, red: number, green: number, blue: number): void {
    this.vga.writePort(0x3c8, 1, entry);
    for (const value of [red, green, blue]) {
      this.vga.writePort(0x3c9, 1, value);
    }
  }

  vbe(register: number, value: number): void {
    this.vga.writePort(0x1ce, 2, register);
    this.vga.writePort(0x1cf, 2, value);
  }

  mode(width: number, height: number, depth: number): void {
    this.vbe(vbeRegister.width, width);
    this.vbe(vbeRegister.height, height);
    this.vbe(vbeRegister.depth, depth);
    this.vbe(vbeRegister.enable, 0x41);
  }

  /** Sets mode 13h, or the like with planes of their own. */
  bytes(): void {
    this.set(0x3c4, 1, 0x01);
    this.set(0x3c4, 2, 0x0f);
    this.set(0x3c4, 4, 0x0e);
    this.set(0x3ce, 5, 0x40);
    this.set(0x3ce, 6, 0x05);
    this.set(0x3d4, 0x11, 0x0e);
    this.set(0x3d4, 0x09, 0x41);
    this.set(0x3d4, 0x14, 0x40);
    this.set(0x3d4, 0x17, 0xa3);
    this.attribute(0x10, 0x41);
    this.attribute(0x13, 0);
  }

  /** Sets mode 12h's registers, but for the timing. */
  planar(): void {
    this.set(0x3c4, 1, 0x01);
    this.set(0x3c4, 2, 0x0f);
    this.set(0x3c4, 4, 0x06);
    this.set(0x3ce, 5, 0x00);
    this.set(0x3ce, 6, 0x05);
    this.set(0x3d4, 0x11, 0x0e);
    this.set(0x3d4, 0x09, 0x40);
    this.set(0x3d4, 0x17, 0xe3);
    this.attribute(0x10, 0x01);
    this.attribute(0x13, 0);
  }

  pixel(x: number, y: number): number[] {
    const { width, rgba } = this.vga.image();
    return [...rgba.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
  }
}

describe('text', () => {
  it('has cells of 9 by 16 dots from the font in plane 2', () => {
    const rig = new Rig();
    rig.memory.set([1, 0x07], videoBytes + 2 * 81);
    const { width, height } = rig.vga.image();
    expect([width, height]).toEqual([720, 400]);
    expect([8, 12, 13, 16, 17].map((x) => rig.pixel(x, 16))).toEqual([
      black,
      black,
      grey,
      grey,
      black,
    ]);
  });

  it('shows the cursor, and hides it for as long', () => {
    const rig = new Rig();
    rig.memory.set([0x20, 0x07], videoBytes);
    const before = rig.pixel(0, 14);
    // 16 frames of 449 lines at 31.47 kHz.
    rig.clock.advance(240e6);
    expect([before, rig.pixel(0, 14)]).toEqual([grey, black]);
  });
});

describe('graphics', () => {
  it('shows four planes as a colour', () => {
    const rig = new Rig();
    rig.planar();
    rig.memory.set([0x80, 0x00, 0x80, 0x00], 4 * (80 * 2 + 1));
    expect([rig.vga.image().width, rig.pixel(8, 2)]).toEqual([640, [0xaa, 0x00, 0xaa, 255]]);
    expect(rig.pixel(9, 2)).toEqual(black);
  });

  it('shows mode 13h twice as wide and high, from the start address on', () => {
    const rig = new Rig();
    rig.bytes();
    rig.colour(200, 0x3f, 0x20, 0);
    rig.memory[320 + 4 + 5] = 200;
    rig.set(0x3d4, 0x0d, 1);
    const { width, height } = rig.vga.image();
    expect([width, height]).toEqual([640, 400]);
    const lit = [255, 0x82, 0, 255];
    expect([rig.pixel(10, 2), rig.pixel(11, 3), rig.pixel(12, 2)]).toEqual([lit, lit, black]);
  });

  it('shows mode X, whose bytes the guest wrote plane by plane', () => {
    const rig = new Rig();
    rig.bytes();
    rig.colour(5, 0x3f, 0, 0);
    rig.set(0x3c4, 4, 0x06);
    rig.set(0x3d4, 0x14, 0x00);
    rig.set(0x3d4, 0x17, 0xe3);
    rig.set(0x3c4, 2, 0x04);
    rig.vga.writeMmio(80 * 10 + 3, 1, 5);
    expect(rig.pixel(2 * (4 * 3 + 2), 20)).toEqual([255, 0, 0, 255]);
  });

  it('shows the two halves of a CGA picture line by line', () => {
    const rig = new Rig();
    rig.planar();
    rig.set(0x3c4, 4, 0x02);
    rig.set(0x3c4, 2, 0x03);
    rig.set(0x3ce, 5, 0x30);
    rig.set(0x3ce, 6, 0x0f);
    rig.set(0x3d4, 0x09, 0xc1);
    rig.set(0x3d4, 0x13, 0x14);
    rig.set(0x3d4, 0x17, 0xa2);
    rig.memory[videoBytes] = 0b1100_0000;
    rig.memory[videoBytes + 0x2000] = 0b0000_0100;
    // Lines 0 and 1 of the picture are two lines of the screen each.
    const colours = [rig.pixel(0, 0), rig.pixel(2, 2), rig.pixel(0, 2), rig.pixel(2, 0)];
    expect(colours).toEqual([[0, 0xaa, 0xaa, 255], [0, 0, 0xaa, 255], black, black]);
  });

  it('starts again at address 0 after the line of the compare register', () => {
    const rig = new Rig();
    rig.planar();
    rig.set(0x3d4, 0x0c, 0x40);
    rig.set(0x3d4, 0x07, 0x0f);
    rig.set(0x3d4, 0x09, 0x00);
    rig.set(0x3d4, 0x18, 99);
    rig.memory.set([0xff, 0, 0, 0], 0);
    expect([rig.pixel(0, 99), rig.pixel(0, 100)]).toEqual([black, [0, 0, 0xaa, 255]]);
  });

  it('moves a line to the left by the panning register', () => {
    const rig = new Rig();
    rig.planar();
    rig.memory.set([0x10, 0, 0, 0], 0);
    rig.attribute(0x13, 3);
    expect(rig.pixel(0, 0)).toEqual([0, 0, 0xaa, 255]);
  });

  it('is black while the display is off', () => {
    const rig = new Rig();
    rig.planar();
    rig.memory.fill(0xff, 0, 400);
    expect(rig.pixel(0, 0)).not.toEqual(black);
    rig.set(0x3c4, 1, 0x21);
    expect(rig.pixel(0, 0)).toEqual(black);
  });
});

describe('the VBE extension', () => {
  it.each([
    [8, [0x2a], [0xaa, 0, 0xaa, 255]],
    [15, [0x1f, 0x7c], [255, 0, 255, 255]],
    [16, [0xe0, 0x07], [0, 255, 0, 255]],
    [24, [0x10, 0x20, 0x30], [0x30, 0x20, 0x10, 255]],
    [32, [0x10, 0x20, 0x30, 0x77], [0x30, 0x20, 0x10, 255]],
  ])('shows pixels of %i bits', (depth, bytes, pixel) => {
    const rig = new Rig();
    rig.colour(0x2a, 0x2a, 0, 0x2a);
    rig.mode(320, 200, depth);
    rig.memory.set(bytes, bytes.length * (320 * 3 + 7));
    const { width, height } = rig.vga.image();
    expect([width, height, rig.pixel(7, 3)]).toEqual([320, 200, pixel]);
  });

  it('shows part of a larger picture, as far as memory goes', () => {
    const rig = new Rig();
    rig.mode(320, 200, 32);
    rig.vbe(vbeRegister.virtualWidth, 512);
    rig.vbe(vbeRegister.xOffset, 100);
    rig.vbe(vbeRegister.yOffset, 50);
    rig.memory.set([1, 2, 3], 4 * (512 * 60 + 110));
    expect(rig.pixel(10, 10)).toEqual([3, 2, 1, 255]);
    rig.vbe(vbeRegister.yOffset, 400);
    expect(rig.pixel(10, 10)).toEqual([3, 2, 1, 255]);
  });

  it('refuses modes that memory has no room for', () => {
    const rig = new Rig();
    rig.mode(1600, 1200, 32);
    expect(rig.vga.image().width).toBe(720);
  });

  it('opens banks of 64 KiB at 0xa0000, and clears memory as a mode starts', () => {
    const rig = new Rig();
    rig.memory[5] = 1;
    rig.mode(640, 480, 8);
    expect(rig.memory[5]).toBe(0);
    rig.vbe(vbeRegister.bank, 3);
    expect(rig.vga.window).toMatchObject({ base: 0xa_0000, layout: 'linear', offset: 0x3_0000 });
  });
});
