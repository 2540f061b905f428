import { describe, expect, it } from 'vitest';
import { fuzzPorts } from '../test-fuzz.ts';
import { Dma8237Pair, type DmaChannel } from './device.ts';

const single = 0x40;
const toMemory = 0x04;
const fromMemory = 0x08;
const startsOver = 0x10;
const down = 0x20;

class Rig {
  readonly bytes = new Uint8Array(0x100_0000);
  readonly dma = new Dma8237Pair({
    memory: {
      read: (physical, target) => {
        target.set(this.bytes.subarray(physical, physical + target.length));
      },
      write: (physical, source) => {
        this.bytes.set(source, physical);
      },
    },
  });

  out(port: number, ...values: number[]): void {
    for (const value of values) this.dma.writePort(port, 1, value);
  }

  in(port: number): number {
    return this.dma.readPort(port, 1);
  }

  /** Programs channel 2 as BIOS does for the floppy. */
  program(mode: number, physical: number, bytes: number): DmaChannel {
    this.out(0x0a, 0x06);
    this.out(0x0c, 0);
    this.out(0x0b, mode | 2);
    this.out(0x04, physical & 0xff, (physical >> 8) & 0xff);
    this.out(0x81, physical >> 16);
    this.out(0x05, (bytes - 1) & 0xff, (bytes - 1) >> 8);
    this.out(0x0a, 0x02);
    return this.dma.channel(2);
  }

  /** Programs channel 5, which moves words. */
  programWords(mode: number, physical: number, words: number): DmaChannel {
    this.out(0xd4, 0x05);
    this.out(0xd8, 0);
    this.out(0xd6, mode | 1);
    const address = (physical >> 1) & 0xffff;
    this.out(0xc4, address & 0xff, address >> 8);
    this.out(0x8b, physical >> 16);
    this.out(0xc6, (words - 1) & 0xff, (words - 1) >> 8);
    this.out(0xd4, 0x01);
    return this.dma.channel(5);
  }
}

const numbers = (count: number, first = 1): Uint8Array =>
  Uint8Array.from({ length: count }, (_nothing, index) => first + index);

describe('8237A transfers', () => {
  it('move bytes to memory up to the terminal count, and mask the channel then', () => {
    const rig = new Rig();
    const channel = rig.program(single | toMemory, 0x1_2345, 6);
    expect(channel.toMemory(numbers(4))).toEqual({ moved: 4, ended: false });
    expect(channel.toMemory(numbers(4, 5))).toEqual({ moved: 2, ended: true });
    expect([...rig.bytes.subarray(0x1_2344, 0x1_234d)]).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 0]);
    expect(channel.toMemory(numbers(1))).toEqual({ moved: 0, ended: false });
    expect([rig.in(0x0f), rig.in(0x08), rig.in(0x08)]).toEqual([0xff, 0x04, 0x00]);
  });

  it('move bytes from memory', () => {
    const rig = new Rig();
    rig.bytes.set(numbers(4), 0x2_0000);
    const target = new Uint8Array(4);
    expect(rig.program(single | fromMemory, 0x2_0000, 4).fromMemory(target).ended).toBe(true);
    expect([...target]).toEqual([1, 2, 3, 4]);
  });

  it('count without data in verify mode', () => {
    const rig = new Rig();
    const channel = rig.program(single, 0x3_0000, 4);
    expect(channel.toMemory(numbers(4))).toEqual({ moved: 4, ended: true });
    expect(rig.bytes[0x3_0000]).toBe(0);
  });

  it('wrap within 64 KiB', () => {
    const rig = new Rig();
    rig.program(single | toMemory, 0x4_fffe, 4).toMemory(numbers(4));
    expect([...rig.bytes.subarray(0x4_fffe, 0x5_0000)]).toEqual([1, 2]);
    expect([...rig.bytes.subarray(0x4_0000, 0x4_0002)]).toEqual([3, 4]);
  });

  it('go down if they are told to', () => {
    const rig = new Rig();
    rig.program(single | toMemory | down, 0x4_0003, 4).toMemory(numbers(4));
    expect([...rig.bytes.subarray(0x4_0000, 0x4_0004)]).toEqual([4, 3, 2, 1]);
  });

  it('start over after the terminal count with autoinitialization', () => {
    const rig = new Rig();
    const channel = rig.program(single | toMemory | startsOver, 0x5_0000, 4);
    expect(channel.toMemory(numbers(4))).toEqual({ moved: 4, ended: true });
    expect(channel.toMemory(numbers(2, 9))).toEqual({ moved: 2, ended: false });
    expect([...rig.bytes.subarray(0x5_0000, 0x5_0004)]).toEqual([9, 10, 3, 4]);
  });

  it('move words at twice the address, within pages of 128 KiB', () => {
    const rig = new Rig();
    const channel = rig.programWords(single | toMemory, 0x5_fffc, 3);
    expect(channel.toMemory(numbers(8))).toEqual({ moved: 6, ended: true });
    expect([...rig.bytes.subarray(0x5_fffc, 0x6_0000)]).toEqual([1, 2, 3, 4]);
    expect([...rig.bytes.subarray(0x4_0000, 0x4_0002)]).toEqual([5, 6]);
  });
});

describe('8237A registers', () => {
  it('show the current address and count, low byte first', () => {
    const rig = new Rig();
    rig.program(single | toMemory, 0x1_2345, 0x200).toMemory(new Uint8Array(0x10));
    rig.out(0x0c, 0);
    const read = [rig.in(0x04), rig.in(0x04), rig.in(0x05), rig.in(0x05)];
    expect(read).toEqual([0x55, 0x23, 0xef, 0x01]);
  });

  it('mask, unmask and clear masks', () => {
    const rig = new Rig();
    rig.out(0x0f, 0x05);
    rig.out(0x0a, 0x05);
    expect(rig.in(0x0f)).toBe(0xf7);
    rig.out(0x0e, 0);
    expect(rig.in(0x0f)).toBe(0xf0);
    rig.out(0x0d, 0);
    expect(rig.in(0x0f)).toBe(0xff);
  });

  it('keep all page registers', () => {
    const rig = new Rig();
    for (let port = 0x81; port < 0x90; port += 1) rig.out(port, port);
    for (let port = 0x81; port < 0x90; port += 1) expect(rig.in(port)).toBe(port);
  });

  it('let nothing through while the controller is off', () => {
    const rig = new Rig();
    const channel = rig.program(single | toMemory, 0x1_0000, 4);
    rig.out(0x08, 0x04);
    expect(channel.toMemory(numbers(4)).moved).toBe(0);
  });
});

describe('8237A requests', () => {
  it('are served at once on an open channel, and show in the status', () => {
    const rig = new Rig();
    const channel = rig.program(single | toMemory, 0x1_0000, 4);
    let served = 0;
    channel.connect(() => (served += 1));
    channel.request(true);
    expect([served, rig.in(0x08)]).toEqual([1, 0x40]);
    channel.request(false);
    expect(rig.in(0x08)).toBe(0);
  });

  it('wait on a masked channel until it is unmasked', () => {
    const rig = new Rig();
    const channel = rig.dma.channel(2);
    let served = 0;
    channel.connect(() => {
      served += 1;
      channel.request(false);
    });
    channel.request(true);
    expect(served).toBe(0);
    rig.program(single | toMemory, 0x1_0000, 4);
    expect(served).toBe(1);
  });
});

describe('8237A state and hostility', () => {
  it('continues from a saved state', () => {
    const rig = new Rig();
    rig.program(single | toMemory, 0x1_0000, 4).toMemory(numbers(2));
    const other = new Rig();
    other.dma.restore(JSON.parse(JSON.stringify(rig.dma.save())));
    expect(other.dma.channel(2).toMemory(numbers(4, 3))).toEqual({ moved: 2, ended: true });
    expect([...other.bytes.subarray(0x1_0000, 0x1_0004)]).toEqual([0, 0, 3, 4]);
  });

  it('survives random accesses and transfers', () => {
    fuzzPorts({
      make: () => new Rig().dma,
      between: (device, random) => {
        const channel = (device as Dma8237Pair).channel(random.below(8));
        channel.request(random.below(2) === 0);
        const data = new Uint8Array(random.below(1024));
        expect(channel.toMemory(data).moved).toBeLessThanOrEqual(data.length);
        expect(channel.fromMemory(data).moved).toBeLessThanOrEqual(data.length);
      },
    });
  });
});
