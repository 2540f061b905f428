import { expect } from 'vitest';
import { Dma8237Pair } from '../dma-8237/index.ts';
import { ManualClock } from '../manual-clock.ts';
import { ProbeLine } from '../test-fuzz.ts';
import { FloppyController } from './device.ts';
import { TestImage } from './test-disk.ts';

/** Modes of DMA channel 2. */
export const toMemory = 0x46;
export const fromMemory = 0x4a;

/** A controller with its DMA channel, driven as a driver drives it. */
export class Rig {
  readonly clock: ManualClock;
  readonly irq: ProbeLine = new ProbeLine();
  readonly memory: Uint8Array = new Uint8Array(0x2_0000);
  readonly dma: Dma8237Pair = new Dma8237Pair({
    memory: {
      read: (physical, target) => {
        target.set(this.memory.subarray(physical, physical + target.length));
      },
      write: (physical, source) => {
        this.memory.set(source, physical);
      },
    },
  });
  readonly fdc: FloppyController;
  readonly disk: TestImage;

  constructor(disk: TestImage = new TestImage(1440), clock: ManualClock = new ManualClock()) {
    this.clock = clock;
    this.disk = disk;
    this.fdc = new FloppyController({
      clock,
      timers: clock,
      irq: this.irq,
      dma: this.dma.channel(2),
    });
    this.fdc.insert(0, disk);
  }

  /** A controller out of reset, its four statuses read, at 500 kbit/s, its heads on track 0. */
  static ready(disk?: TestImage): Rig {
    const rig = new Rig(disk);
    rig.out(0x3f2, 0x1c);
    for (let count = 0; count < 4; count += 1) rig.command(0x08);
    for (let drive = 0; drive < 2; drive += 1) rig.seek(drive, 0);
    return rig;
  }

  in(port: number): number {
    return this.fdc.readPort(port, 1);
  }

  out(port: number, value: number): void {
    this.fdc.writePort(port, 1, value);
  }

  get status(): number {
    return this.in(0x3f4);
  }

  /** Writes a command; returns what can be read of its result at once. */
  command(...bytes: number[]): number[] {
    for (const byte of bytes) {
      expect(this.status & 0xc0).toBe(0x80);
      this.out(0x3f5, byte);
    }
    return this.result();
  }

  result(): number[] {
    const result: number[] = [];
    while ((this.status & 0xd0) === 0xd0) result.push(this.in(0x3f5));
    return result;
  }

  /** Waits for the interrupt, at most 2 seconds, and reads the result. */
  finish(): number[] {
    for (let count = 0; count < 2000 && !this.irq.level; count += 1) this.clock.advance(1e6);
    expect(this.irq.level).toBe(true);
    return this.result();
  }

  seek(drive: number, cylinder: number): number[] {
    this.command(0x0f, drive, cylinder);
    this.finish();
    return this.command(0x08);
  }

  channel(mode: number, physical: number, bytes: number): void {
    const out = (port: number, ...values: number[]): void => {
      for (const value of values) this.dma.writePort(port, 1, value);
    };
    out(0x0a, 6);
    out(0x0c, 0);
    out(0x0b, mode);
    out(0x04, physical & 0xff, (physical >> 8) & 0xff);
    out(0x81, physical >> 16);
    out(0x05, (bytes - 1) & 0xff, (bytes - 1) >> 8);
    out(0x0a, 2);
  }
}

/** Where a sector of a disk of 1440 KiB stands in its image. */
export const sectorAt = (track: number, head: number, sector: number): number =>
  ((track * 2 + head) * 18 + sector - 1) * 512;
