/** Where video memory shows in the guest's memory, and how addresses there reach the planes. */
import * as reg from './registers.ts';
import type { VgaState } from './state.ts';

/** The memory between 0xa0000 and 0xbffff as the registers map it. */
export interface VgaWindow {
  /** The first guest-physical address. */
  readonly base: number;
  /** The number of bytes. */
  readonly size: number;
  /** Whether memory answers at all. */
  readonly enabled: boolean;
  /**
   * How bytes are stored:
   * - `linear`: one after the other, so that plain RAM can stand behind the window; text modes;
   * - `odd-even`, `planar`, `chain-4`: through the planes, latches and write modes.
   */
  readonly layout: 'linear' | 'odd-even' | 'planar' | 'chain-4';
}

/** Returns the window that the registers describe. */
export function vgaWindow(state: VgaState): VgaWindow {
  const select = ((state.graphics[reg.graphics.misc] ?? 0) >> 2) & 3;
  const [base, size] = reg.memoryWindows[select] ?? [0xb_8000, 0x8000];
  return { base, size, enabled: (state.misc & reg.misc.memory) !== 0, layout: layoutOf(state) };
}

/** Returns whether two windows are the same. */
export function sameWindow(a: VgaWindow, b: VgaWindow): boolean {
  return a.base === b.base && a.size === b.size && a.enabled === b.enabled && a.layout === b.layout;
}

function layoutOf(state: VgaState): VgaWindow['layout'] {
  const memoryMode = state.sequencer[reg.sequencer.memoryMode] ?? 0;
  if ((memoryMode & reg.memoryChain4) !== 0) {
    return 'chain-4';
  }
  if ((memoryMode & reg.memorySequential) !== 0) {
    return 'planar';
  }
  // Text: characters go to plane 0 and attributes to plane 1, and nothing alters them on the way.
  const at = (index: number): number => state.graphics[index] ?? 0;
  const plain =
    ((state.sequencer[reg.sequencer.mapMask] ?? 0) & 0x03) === 0x03 &&
    at(reg.graphics.enableSetReset) === 0 &&
    at(reg.graphics.rotate) === 0 &&
    (at(reg.graphics.mode) & 0x0b) === 0 &&
    at(reg.graphics.bitMask) === 0xff;
  return plain ? 'linear' : 'odd-even';
}
