import type { VgaWindow } from '@ringfence/devices';
import type { PhysicalMemory } from '@ringfence/memory';

import { systemRom, videoMemory } from './boot/memory-map.ts';

/** Bytes behind the VGA's window: the largest window there is. */
export const videoMemoryBytes = 0x2_0000;

/** The end of the range in which the window can be. */
const windowEnd = systemRom - 0x2_0000;

/**
 * The VGA's memory as text modes see it: plain RAM that shows where the registers say.
 *
 * In other layouts, which graphics modes and the loading of fonts use, nothing shows: reads give
 * ones, writes are ignored, and the text stays as it is.
 */
export class VideoMemory {
  readonly #physical: PhysicalMemory;
  readonly #backing: number;

  /** Reserves the memory; nothing shows yet. */
  constructor(physical: PhysicalMemory) {
    this.#physical = physical;
    this.#backing = physical.machine.reserve(videoMemoryBytes);
  }

  /** Lets the memory show where a window is. */
  show(window: VgaWindow): void {
    this.#physical.unmap(videoMemory, windowEnd - videoMemory);
    if (window.enabled && window.layout === 'linear') {
      this.#physical.mapRam(window.base, window.size, this.#backing);
    }
  }

  /** Returns the bytes that stand behind a window. */
  bytes(window: VgaWindow): Uint8Array {
    return this.#physical.machine.u8.subarray(this.#backing, this.#backing + window.size);
  }

  /** Fills what a window shows with zeros, which text modes show as blanks; traces see it. */
  clear(window: VgaWindow): void {
    this.#physical.write(window.base, new Uint8Array(window.size));
  }
}
