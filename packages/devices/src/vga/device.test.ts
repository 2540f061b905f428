import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { fuzzPorts } from '../test-fuzz.ts';
import { codePage437 } from './code-page-437.ts';
import { Vga } from './device.ts';
import { textStoreBytes, type VgaWindow } from './window.ts';

class Rig {
  readonly clock = new ManualClock();
  readonly windows: VgaWindow[] = [];
  /** Video memory of 256 KiB, then the text store. */
  readonly all = new Uint8Array(0x4_0000 + textStoreBytes);
  readonly memory = this.all.subarray(0x4_0000);
  readonly vga = new Vga({
    clock: this.clock,
    memory: this.all,
    windowChanged: (window) => this.windows.push(window),
  });

  in(port: number): number {
    return this.vga.readPort(port, 1);
  }

  out(port: number, value: number): void {
    this.vga.writePort(port, 1, value);
  }

  set(indexPort: number, index: number, value: number): void {
    this.out(indexPort, index);
    this.out(indexPort + 1, value);
  }

  get(indexPort: number, index: number): number {
    this.out(indexPort, index);
    return this.in(indexPort + 1);
  }

  print(cell: number, text: string): void {
    for (const [index, character] of [...text].entries()) {
      this.memory[2 * (cell + index)] = character.charCodeAt(0);
      this.memory[2 * (cell + index) + 1] = 0x07;
    }
  }
}

describe('VGA registers', () => {
  it('starts in mode 3', () => {
    const rig = new Rig();
    expect(rig.in(0x3cc)).toBe(0x67);
    expect(rig.vga.geometry).toEqual({ columns: 80, rows: 25, pitch: 80, start: 0 });
    expect(rig.vga.window).toEqual({
      base: 0xb8000,
      size: 0x8000,
      enabled: true,
      layout: 'text',
      offset: 0x4_0000,
    });
  });

  it('takes attribute index and data in turn, and starts over after input status 1', () => {
    const rig = new Rig();
    rig.in(0x3da);
    rig.out(0x3c0, 0x01);
    rig.out(0x3c0, 0x3e);
    rig.out(0x3c0, 0x02);
    rig.in(0x3da);
    rig.out(0x3c0, 0x21);
    expect([rig.in(0x3c0), rig.in(0x3c1)]).toEqual([0x21, 0x3e]);
  });

  it('protects CRTC registers 0 to 7 but for one bit', () => {
    const rig = new Rig();
    rig.set(0x3d4, 0x00, 0xff);
    rig.set(0x3d4, 0x07, 0x00);
    expect([rig.get(0x3d4, 0x00), rig.get(0x3d4, 0x07)]).toEqual([0x5f, 0x0f]);
    rig.set(0x3d4, 0x11, 0x0e);
    rig.set(0x3d4, 0x00, 0xff);
    expect(rig.get(0x3d4, 0x00)).toBe(0xff);
  });

  it('reads and writes the palette three components at a time', () => {
    const rig = new Rig();
    rig.out(0x3c8, 0x10);
    for (const value of [1, 2, 0xff, 4, 5, 6]) {
      rig.out(0x3c9, value);
    }
    rig.out(0x3c7, 0x10);
    expect(rig.in(0x3c7)).toBe(0x03);
    expect(Array.from({ length: 6 }, () => rig.in(0x3c9))).toEqual([1, 2, 0x3f, 4, 5, 6]);
  });

  it('changes an entry of the palette as a whole, with its third component', () => {
    const rig = new Rig();
    rig.out(0x3c8, 0x10);
    for (const value of [1, 2, 3, 40, 50]) rig.out(0x3c9, value);
    const saved = rig.vga.save();
    const read = (): number[] => {
      rig.out(0x3c7, 0x10);
      return Array.from({ length: 6 }, () => rig.in(0x3c9));
    };
    const before = read();
    expect(before.slice(0, 3)).toEqual([1, 2, 3]);
    expect(before.slice(3)).not.toContain(40);
    rig.vga.restore(saved);
    rig.out(0x3c9, 60);
    expect(read()).toEqual([1, 2, 3, 40, 50, 60]);
  });

  it('answers at the monochrome ports when miscellaneous output says so', () => {
    const rig = new Rig();
    expect(rig.in(0x3b4)).toBe(0xff);
    rig.out(0x3c2, 0x66);
    rig.out(0x3b4, 0x0a);
    expect([rig.in(0x3b5), rig.in(0x3d5)]).toEqual([0x0d, 0xff]);
  });

  it('takes a word as index and data', () => {
    const rig = new Rig();
    rig.out(0x3ce, 0x05);
    rig.out(0x3cf, 0x40);
    expect(rig.get(0x3ce, 0x05)).toBe(0x40);
  });

  it('has no registers past the last', () => {
    const rig = new Rig();
    rig.set(0x3c4, 0x07, 0xff);
    rig.set(0x3d4, 0x1f, 0xff);
    expect([rig.get(0x3c4, 0x07), rig.get(0x3d4, 0x1f)]).toEqual([0, 0]);
  });
});

describe('VGA timing', () => {
  it('has 70 vertical retraces a second of two lines each in mode 3', () => {
    const rig = new Rig();
    let retraces = 0;
    let highs = 0;
    let before = 0;
    for (let step = 0; step < 100_000; step += 1) {
      const level = rig.in(0x3da) & 0x08;
      retraces += level > before ? 1 : 0;
      highs += level > 0 ? 1 : 0;
      before = level;
      rig.clock.advance(10_000);
    }
    expect(retraces).toBe(70);
    expect(highs / 100_000).toBeCloseTo(2 / 449, 3);
  });

  it('shows the blank between lines', () => {
    const rig = new Rig();
    expect(rig.in(0x3da) & 1).toBe(0);
    rig.clock.advance(28_000);
    expect(rig.in(0x3da) & 1).toBe(1);
  });
});

describe('VGA text', () => {
  it('reads the screen from memory, in code page 437', () => {
    const rig = new Rig();
    rig.print(0, 'Hello');
    rig.print(80 * 24 + 78, 'ok');
    rig.memory[2 * 80] = 0xc9;
    rig.memory[2 * 81] = 0x01;
    const rows = rig.vga.text();
    expect([rows.length, rows[0], rows[1], rows[24]]).toEqual([
      25,
      'Hello',
      '╔☺',
      `${' '.repeat(78)}ok`,
    ]);
  });

  it('follows the start address and wraps after 32,768 cells', () => {
    const rig = new Rig();
    rig.set(0x3ce, 0x06, 0x02); // 128 KiB at 0xa0000
    rig.print(0x7fff, '!');
    rig.print(0, 'next');
    rig.set(0x3d4, 0x0c, 0x7f);
    rig.set(0x3d4, 0x0d, 0xff);
    expect(rig.vga.text()[0]).toBe('!next');
  });

  it('has 50 rows with an 8-line font and 40 columns in narrow modes', () => {
    const rig = new Rig();
    rig.set(0x3d4, 0x09, 0x47);
    expect(rig.vga.geometry?.rows).toBe(50);
    rig.set(0x3d4, 0x11, 0x00);
    rig.set(0x3d4, 0x01, 0x27);
    rig.set(0x3d4, 0x13, 0x14);
    expect(rig.vga.geometry).toMatchObject({ columns: 40, pitch: 40 });
  });

  it('has no text in a graphics mode', () => {
    const rig = new Rig();
    rig.set(0x3ce, 0x06, 0x05);
    expect([rig.vga.text(), rig.vga.geometry]).toEqual([[], undefined]);
  });

  it('tells where the cursor is and whether it shows', () => {
    const rig = new Rig();
    rig.set(0x3d4, 0x0e, (80 * 3 + 7) >> 8);
    rig.set(0x3d4, 0x0f, (80 * 3 + 7) & 0xff);
    expect(rig.vga.cursor).toEqual({ column: 7, row: 3, visible: true });
    rig.set(0x3d4, 0x0a, 0x20);
    expect(rig.vga.cursor.visible).toBe(false);
  });

  it('has the sixteen colours of a PC', () => {
    const { colours } = new Rig().vga;
    expect([colours[0], colours[4], colours[6], colours[7], colours[14]]).toEqual([
      0x000000, 0xaa0000, 0xaa5500, 0xaaaaaa, 0xffff55,
    ]);
  });

  it('has a character for each code', () => {
    expect(codePage437.length).toBe(256);
    expect([codePage437[0x41], codePage437[0x80], codePage437[0xb0], codePage437[0xe0]]).toEqual([
      'A',
      'Ç',
      '░',
      'α',
    ]);
  });
});

describe('VGA memory window', () => {
  it('tells of a font load and of the return to text, as Linux does them', () => {
    const rig = new Rig();
    rig.set(0x3c4, 0x02, 0x04);
    rig.set(0x3c4, 0x04, 0x07);
    rig.set(0x3ce, 0x06, 0x00);
    expect(rig.vga.window).toEqual({
      base: 0xa0000,
      size: 0x20000,
      enabled: true,
      layout: 'planes',
      offset: 0,
    });
    rig.set(0x3c4, 0x02, 0x03);
    rig.set(0x3c4, 0x04, 0x03);
    rig.set(0x3ce, 0x06, 0x0e);
    expect(rig.windows.at(-1)).toEqual({
      base: 0xb8000,
      size: 0x8000,
      enabled: true,
      layout: 'text',
      offset: 0x4_0000,
    });
  });

  it('knows chain-4 and plane-altering modes', () => {
    const rig = new Rig();
    rig.set(0x3ce, 0x08, 0x0f);
    expect(rig.vga.window.layout).toBe('planes');
    rig.set(0x3ce, 0x08, 0xff);
    rig.set(0x3c4, 0x02, 0x0f);
    rig.set(0x3c4, 0x04, 0x0e);
    expect(rig.vga.window).toMatchObject({ layout: 'linear', offset: 0 });
    rig.set(0x3c4, 0x02, 0x01);
    expect(rig.vga.window.layout).toBe('planes');
  });

  it('says when memory is off', () => {
    const rig = new Rig();
    rig.out(0x3c2, 0x65);
    expect(rig.windows.at(-1)?.enabled).toBe(false);
  });
});

describe('VGA state and hostility', () => {
  it('continues from a saved state, and tells its window', () => {
    const rig = new Rig();
    rig.set(0x3ce, 0x06, 0x05);
    rig.out(0x3c0, 0x05);
    const other = new Rig();
    other.vga.restore(rig.vga.save());
    expect(other.windows.length).toBe(1);
    other.out(0x3c0, 0x2a);
    other.out(0x3c0, 0x05);
    expect(other.in(0x3c1)).toBe(0x2a);
  });

  it('survives random accesses, and its screen can always be read', () => {
    const clock = new ManualClock();
    const memory = new Uint8Array(0x4_0000 + textStoreBytes).fill(0x41);
    fuzzPorts({
      make: () => new Vga({ clock, memory }),
      clock,
      between: (device, random) => {
        if (random.below(50) === 0) {
          const rows = (device as Vga).text();
          expect(rows.length).toBeLessThanOrEqual(120);
          expect((device as Vga).cursor.row).toBeGreaterThanOrEqual(0);
          const { width, height, rgba } = (device as Vga).image();
          expect(rgba.length).toBe(4 * width * height);
          expect((device as Vga).colours.length).toBe(16);
        }
      },
    });
  });
});
