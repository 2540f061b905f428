/** How the processor reaches the palette: three components in turn, at one port. */
import { hasPalette8 } from './screen.ts';
import type { VgaState } from './state.ts';

/** Reads the next component. */
export function readPalette(state: VgaState): number {
  const value = state.palette[3 * state.paletteIndex + state.paletteComponent] ?? 0;
  goOn(state);
  return value;
}

/** Writes the next component: an entry changes as a whole, when its third one is written. */
export function writePalette(state: VgaState, byte: number): void {
  const { palette, paletteIndex, paletteComponent, paletteWritten } = state;
  const value = byte & (hasPalette8(state) ? 0xff : 0x3f);
  if (paletteComponent === 2) {
    palette[3 * paletteIndex] = paletteWritten[0] ?? 0;
    palette[3 * paletteIndex + 1] = paletteWritten[1] ?? 0;
    palette[3 * paletteIndex + 2] = value;
  } else {
    paletteWritten[paletteComponent] = value;
  }
  goOn(state);
}

function goOn(state: VgaState): void {
  state.paletteComponent += 1;
  if (state.paletteComponent === 3) {
    state.paletteComponent = 0;
    state.paletteIndex = (state.paletteIndex + 1) & 0xff;
  }
}
