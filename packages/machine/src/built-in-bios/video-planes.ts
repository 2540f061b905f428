/** The registers of the graphics controller, and what they draw in the four planes. */
import type { PortBus } from '@ringfence/devices';

import type { BiosMemory } from './bios-memory.ts';

/** Writes a register of the graphics controller. */
export function setGraphics(ports: PortBus, index: number, value: number): void {
  ports.writePort(0x3ce, 1, index);
  ports.writePort(0x3cf, 1, value);
}

/** Writes a colour to the pixels of a byte of the planes that `mask` names. */
export function writePlanes(
  memory: BiosMemory,
  ports: PortBus,
  address: number,
  mask: number,
  colour: number,
  isXor: boolean,
): void {
  setGraphics(ports, 5, 2);
  setGraphics(ports, 3, isXor ? 0x18 : 0);
  setGraphics(ports, 8, mask);
  memory.read8(address);
  memory.write8(address, colour & 15);
  setGraphics(ports, 8, 0xff);
  setGraphics(ports, 3, 0);
  setGraphics(ports, 5, 0);
}

/** Which of the eight dots of a line of a character have ink. */
export function dotsOf(bits: number): boolean[] {
  return Array.from({ length: 8 }, (_, dot) => ((bits >> (7 - dot)) & 1) !== 0);
}
