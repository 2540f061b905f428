/** What the services draw in where a mode of the VBE extension is set. */
import { vbeRegister } from '@ringfence/devices';
import type { PortBus } from '@ringfence/devices';

import type { BiosMemory } from './bios-memory.ts';
import { VbePixels } from './vbe-pixels.ts';
import { VbePlanes } from './vbe-planes.ts';
import { VbeRegisters } from './vbe-registers.ts';

const isOn = 1;

/** The pixels of such a mode. */
export interface VbeSurface {
  /** Draws pixels of the sixteen colours from a place to the right; others of 256 as they are. */
  put(x: number, y: number, colours: readonly number[]): void;
  /** Returns the colour of a pixel: 0 for one that is none of the sixteen. */
  get(x: number, y: number): number;
  /** Copies pixels of a line to another. */
  copy(x: number, from: number, to: number, count: number): void;
}

/** Returns the surface that the display shows, if the extension is on. */
export function shownSurface(memory: BiosMemory, ports: PortBus): VbeSurface | undefined {
  const registers = new VbeRegisters(ports);
  if ((registers.read(vbeRegister.enable) & isOn) === 0) {
    return undefined;
  }
  return registers.read(vbeRegister.depth) === 4
    ? new VbePlanes(memory, ports, registers)
    : new VbePixels(memory, registers);
}
