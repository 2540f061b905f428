/** Where video memory shows in the guest's memory, and what stands behind it. */
import * as reg from './registers.ts';
import type { VgaState } from './state.ts';
import { vbeBank, vbeMode } from './vbe.ts';

/** The memory between 0xa0000 and 0xbffff as the registers map it. */
export interface VgaWindow {
  /** The first guest-physical address. */
  readonly base: number;
  /** The number of bytes. */
  readonly size: number;
  /** Whether memory answers at all. */
  readonly enabled: boolean;
  /**
   * What stands behind it:
   * - `text`: the text store, plain memory;
   * - `linear`: video memory, plain memory;
   * - `planes`: latches and write modes, so that each access is one of `Vga.readMmio`,
   *   `Vga.writeMmio`.
   */
  readonly layout: 'text' | 'linear' | 'planes';
  /** The byte of the adapter's memory that shows first. */
  readonly offset: number;
}

/** Bytes of the text store, which stands behind the video memory: the largest window. */
export const textStoreBytes = 0x2_0000;

/** Returns the window that the registers describe, with video memory of a size. */
export function vgaWindow(state: VgaState, memoryBytes: number): VgaWindow {
  const select = ((state.graphics[reg.graphics.misc] ?? 0) >> 2) & 3;
  const [base, size] = reg.memoryWindows[select] ?? [0xb_8000, 0x8000];
  const enabled = (state.misc & reg.misc.memory) !== 0;
  const mode = vbeMode(state);
  if (mode !== undefined && mode.depth > 4) {
    const bank = Math.min(vbeBank(state), memoryBytes - 0x1_0000);
    return { base: 0xa_0000, size: 0x1_0000, enabled: true, layout: 'linear', offset: bank };
  }
  const layout = layoutOf(state);
  const offset = layout === 'text' ? memoryBytes : 0;
  return { base, size, enabled, layout, offset };
}

/** Returns whether two windows are the same. */
export function sameWindow(a: VgaWindow, b: VgaWindow): boolean {
  return (
    a.base === b.base &&
    a.size === b.size &&
    a.enabled === b.enabled &&
    a.layout === b.layout &&
    a.offset === b.offset
  );
}

function layoutOf(state: VgaState): VgaWindow['layout'] {
  const at = (index: number): number => state.graphics[index] ?? 0;
  const memoryMode = state.sequencer[reg.sequencer.memoryMode] ?? 0;
  const planes = state.sequencer[reg.sequencer.mapMask] ?? 0;
  // Bytes arrive in memory as they are.
  const plain =
    at(reg.graphics.enableSetReset) === 0 &&
    at(reg.graphics.rotate) === 0 &&
    (at(reg.graphics.mode) & 0x0b) === 0 &&
    at(reg.graphics.bitMask) === 0xff;
  if ((memoryMode & reg.memoryChain4) !== 0) {
    return plain && (planes & 0x0f) === 0x0f ? 'linear' : 'planes';
  }
  // Text: characters go to plane 0 and attributes to plane 1.
  const isText =
    (memoryMode & reg.memorySequential) === 0 &&
    (planes & 0x0f) === 0x03 &&
    (at(reg.graphics.readMap) & 2) === 0;
  return plain && isText ? 'text' : 'planes';
}
