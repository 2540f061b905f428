/**
 * INT 10h, AH = 12h: how modes are set (lines of text, palette, greys, cursor), and whether the
 * screen shows (IBM PS/2 and PC BIOS Interface Technical Reference).
 *
 *     40:87  bit 0      the cursor is set as programs say, without fitting it to the characters
 *     40:89  bits 7, 4  lines of text modes: 00 350, 01 400, 10 200
 *            bit 3      modes leave the palette as it is
 *            bit 1      palettes become greys
 */
import type { PortBus } from '@ringfence/devices';

import type { BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Bda } from './layout.ts';

const linesMask = 0x90;
/** The bits of 40:89 by AL: 200, 350 and 400 lines. */
const linesCodes = [0x80, 0x00, 0x10] as const;
const keepPalette = 0x08;
const greys = 0x02;
const cursorAsIs = 0x01;
const screenOff = 0x20;
const served = 0x12;

/** Returns how many lines text modes are to have. */
export function textLines(memory: BiosMemory): number {
  const code = memory.read8(Bda.videoFlags) & linesMask;
  return code === linesCodes[0] ? 200 : code === linesCodes[1] ? 350 : 400;
}

/** Returns whether modes leave the palette as it is. */
export function keepsPalette(memory: BiosMemory): boolean {
  return (memory.read8(Bda.videoFlags) & keepPalette) !== 0;
}

/** Returns whether palettes become greys. */
export function wantsGreys(memory: BiosMemory): boolean {
  return (memory.read8(Bda.videoFlags) & greys) !== 0;
}

/** Returns whether the shape of the cursor is fitted to characters of more than eight lines. */
export function fitsCursor(memory: BiosMemory): boolean {
  return (memory.read8(Bda.videoControl) & cursorAsIs) === 0;
}

/** Serves AH = 12h, BL = 10h to 36h. */
export function serveAlternates(frame: BiosFrame, memory: BiosMemory, ports: PortBus): void {
  const { al, bl } = frame;
  if (bl === 0x10) {
    const isMono = memory.read16(Bda.crtcPort) === 0x3b4;
    frame.set('ebx', isMono ? 0x0103 : 0x0003); // 256 KiB.
    frame.set('ecx', 0x0009);
    return;
  }
  const change = (address: number, bits: number, value: number): void => {
    memory.write8(address, (memory.read8(address) & ~bits) | value);
  };
  // All but the first take 0 for yes.
  const no = (bit: number): number => (al === 0 ? 0 : bit);
  const isKnown = bl === 0x30 ? al < linesCodes.length : bl >= 0x31 && bl <= 0x36 && al <= 1;
  switch (isKnown ? bl : 0) {
    case 0x30:
      change(Bda.videoFlags, linesMask, linesCodes[al] ?? 0);
      break;
    case 0x31:
      change(Bda.videoFlags, keepPalette, no(keepPalette));
      break;
    case 0x33:
      change(Bda.videoFlags, greys, al === 0 ? greys : 0);
      break;
    case 0x34:
      change(Bda.videoControl, cursorAsIs, no(cursorAsIs));
      break;
    case 0x36: {
      ports.writePort(0x3c4, 1, 1);
      const clocking = ports.readPort(0x3c5, 1) & ~screenOff;
      ports.writePort(0x3c5, 1, clocking | no(screenOff));
      break;
    }
    default:
      break;
  }
  frame.al = isKnown ? served : bl >= 0x30 && bl <= 0x36 ? 0 : al;
}
