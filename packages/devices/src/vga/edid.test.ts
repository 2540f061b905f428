import { describe, expect, it } from 'vitest';

import { ManualClock } from '../manual-clock.ts';
import type { MmioDevice } from '../interfaces.ts';
import { Vga } from './device.ts';
import { edidBlock } from './edid.ts';
import { VgaFunction } from './pci-function.ts';
import { textStoreBytes } from './window.ts';

describe('the display', () => {
  it('has a block about itself whose bytes add up to zero', () => {
    const block = edidBlock();
    expect(block).toHaveLength(128);
    expect(block.reduce((sum, byte) => (sum + byte) & 0xff, 0)).toBe(0);
    const [low = 0, , high = 0] = block.subarray(0x36 + 2);
    const [lines = 0, , upper = 0] = block.subarray(0x36 + 5);
    // The preferred timing: pixels and lines have their upper four bits elsewhere.
    expect(low + ((high & 0xf0) << 4)).toBe(0x400);
    expect(lines + ((upper & 0xf0) << 4)).toBe(0x300);
  });

  it('shows it at the start of the registers in memory', () => {
    let registers: MmioDevice | undefined;
    const vga = new Vga({
      clock: new ManualClock(),
      memory: new Uint8Array(0x4_0000 + textStoreBytes),
      windowChanged: () => undefined,
    });
    const display = new VgaFunction({
      vga,
      addressSpace: {
        mapPorts: () => ({ release: () => undefined }),
        mapMemory: (_, __, device) => {
          registers = device;
          return { release: () => undefined };
        },
      },
      mapFrameBuffer: () => ({ release: () => undefined }),
    });
    display.writeConfig(0x18, 4, 0xfe00_0000);
    display.writeConfig(0x04, 2, 0x0002);
    const block = new DataView(edidBlock().buffer);
    expect(registers?.readMmio(0, 1)).toBe(0);
    expect(registers?.readMmio(1, 1)).toBe(0xff);
    expect(registers?.readMmio(0x38, 4)).toBe(block.getUint32(0x38, true));
    expect(registers?.readMmio(0x7e, 4)).toBe(block.getUint16(0x7e, true));
    expect(registers?.readMmio(0x200, 4)).toBe(0);
    registers?.writeMmio(1, 1, 0);
    expect(registers?.readMmio(1, 1)).toBe(0xff);
  });
});
