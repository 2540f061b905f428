import type { PortBus } from '@ringfence/devices';

import type { BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { wantsGreys } from './video-alternates.ts';

const attributePort = 0x3c0;
const statusPort = 0x3da;
const blinkBit = 8;

/** Writes a register of the attribute controller. */
export function writeAttribute(ports: PortBus, index: number, value: number): void {
  ports.readPort(statusPort, 1);
  ports.writePort(attributePort, 1, index & 0x1f);
  ports.writePort(attributePort, 1, value);
  ports.writePort(attributePort, 1, 0x20);
}

/** Reads a register of the attribute controller. */
export function readAttribute(ports: PortBus, index: number): number {
  ports.readPort(statusPort, 1);
  ports.writePort(attributePort, 1, (index & 0x1f) | 0x20);
  const value = ports.readPort(attributePort + 1, 1);
  ports.readPort(statusPort, 1);
  return value;
}

/** Serves INT 10h, AH = 10h: the registers of the palette. */
export function servePalette(frame: BiosFrame, ports: PortBus, memory: BiosMemory): void {
  const address = frame.at('es', frame.get('edx'));
  switch (frame.al) {
    case 0x00:
      writeAttribute(ports, frame.bl, frame.bh);
      break;
    case 0x01:
      writeAttribute(ports, 0x11, frame.bh);
      break;
    case 0x02:
      for (let index = 0; index < 17; index += 1) {
        writeAttribute(ports, index === 16 ? 0x11 : index, memory.read8(address + index));
      }
      break;
    case 0x03: {
      const mode = readAttribute(ports, 0x10) & ~blinkBit;
      writeAttribute(ports, 0x10, frame.bl !== 0 ? mode | blinkBit : mode);
      break;
    }
    case 0x07:
      frame.set('ebx', (readAttribute(ports, frame.bl) << 8) | frame.bl);
      break;
    case 0x08:
      frame.set('ebx', (readAttribute(ports, 0x11) << 8) | frame.bl);
      break;
    case 0x09:
      for (let index = 0; index < 17; index += 1) {
        memory.write8(address + index, readAttribute(ports, index === 16 ? 0x11 : index));
      }
      break;
    case 0x13: {
      const mode = readAttribute(ports, 0x10);
      if (frame.bl === 0) {
        writeAttribute(ports, 0x10, (mode & 0x7f) | ((frame.bh & 1) << 7));
      } else {
        writeAttribute(ports, 0x14, (mode & 0x80) !== 0 ? frame.bh & 15 : (frame.bh << 2) & 15);
      }
      break;
    }
    case 0x1a: {
      const shows16 = (readAttribute(ports, 0x10) & 0x80) !== 0;
      const page = readAttribute(ports, 0x14);
      frame.set('ebx', ((shows16 ? page & 15 : (page >> 2) & 3) << 8) | (shows16 ? 1 : 0));
      break;
    }
    default:
      serveEntries(frame, ports, memory, address);
  }
}

/** The 256 entries of the palette, one or several. */
function serveEntries(frame: BiosFrame, ports: PortBus, memory: BiosMemory, address: number): void {
  const first = frame.get('ebx') & 0xff;
  const count = Math.min(frame.get('ecx'), 256);
  switch (frame.al) {
    case 0x10:
      ports.writePort(0x3c8, 1, first);
      for (const value of [frame.dh, frame.ch, frame.cl]) {
        ports.writePort(0x3c9, 1, value);
      }
      if (wantsGreys(memory)) greyEntries(ports, first, 1);
      break;
    case 0x12:
      ports.writePort(0x3c8, 1, first);
      for (let index = 0; index < 3 * count; index += 1) {
        ports.writePort(0x3c9, 1, memory.read8(address + index));
      }
      if (wantsGreys(memory)) greyEntries(ports, first, count);
      break;
    case 0x15: {
      ports.writePort(0x3c7, 1, first);
      const red = ports.readPort(0x3c9, 1);
      frame.set('ecx', (ports.readPort(0x3c9, 1) << 8) | ports.readPort(0x3c9, 1));
      frame.set('edx', (red << 8) | frame.dl);
      break;
    }
    case 0x17:
      ports.writePort(0x3c7, 1, first);
      for (let index = 0; index < 3 * count; index += 1) {
        memory.write8(address + index, ports.readPort(0x3c9, 1));
      }
      break;
    case 0x18:
      ports.writePort(0x3c6, 1, frame.bl);
      break;
    case 0x1b:
      greyEntries(ports, first, count);
      break;
    case 0x19:
      frame.set('ebx', (frame.bh << 8) | ports.readPort(0x3c6, 1));
      break;
    default:
      break;
  }
}

/** Replaces entries by greys. */
export function greyEntries(ports: PortBus, first: number, count: number): void {
  for (let index = 0; index < count; index += 1) {
    toGrey(first + index, ports);
  }
}

/** Replaces an entry by a grey of the same brightness: 30 % red, 59 % green, 11 % blue. */
function toGrey(index: number, ports: PortBus): void {
  ports.writePort(0x3c7, 1, index & 0xff);
  const red = ports.readPort(0x3c9, 1);
  const green = ports.readPort(0x3c9, 1);
  const grey = (77 * red + 151 * green + 28 * ports.readPort(0x3c9, 1) + 0x80) >> 8;
  ports.writePort(0x3c8, 1, index & 0xff);
  for (let component = 0; component < 3; component += 1) {
    ports.writePort(0x3c9, 1, Math.min(grey, 0x3f));
  }
}
