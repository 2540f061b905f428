/**
 * The data area of a BIOS at 0x400 and its extension below 640 KiB, as far as they do not depend on
 * what services there are: what kernels look up that are started without a BIOS, too.
 */
import { Bda, conventionalKib, ebdaSegment } from '../built-in-bios/layout.ts';
import { serialPorts } from '../firmware.ts';

/** Memory, as far as the data area needs it. */
export interface DataAreaMemory {
  write(physical: number, source: Uint8Array): void;
  write8(physical: number, value: number): void;
  write16(physical: number, value: number): void;
}

/** A coprocessor, a mouse, colour text of 80 columns, four serial ports and a parallel one. */
const equipmentAlways = 0x0002 | 0x0004 | 0x0020 | 0x0800 | 0x4000;
const parallelPort = 0x378;
const timeouts = { parallel: 0x14, serial: 0x0a } as const;
const keyBuffer = { start: 0x1e, end: 0x3e } as const;
const dataAreaBytes = 0x100;
/** Of text mode 3: its number, 80 columns and 25 rows, bytes of a page, cursor, CRTC, font. */
const textMode = { mode: 3, columns: 80, pageBytes: 0x1000, cursorShape: 0x0607 } as const;
const textPort = { crtc: 0x3d4, lastRow: 24, characterHeight: 16, control: 0x60 } as const;

/** Writes both areas anew; returns the equipment word. */
export function writeBiosDataArea(memory: DataAreaMemory, floppies: number): number {
  const equipment = (floppies > 0 ? 1 | (Math.min(floppies - 1, 3) << 6) : 0) | equipmentAlways;
  memory.write(Bda.serialPorts, new Uint8Array(dataAreaBytes));
  for (const [index, [port]] of serialPorts.entries()) {
    memory.write16(Bda.serialPorts + 2 * index, port);
  }
  memory.write16(Bda.parallelPorts, parallelPort);
  memory.write8(Bda.parallelTimeouts, timeouts.parallel);
  memory.write(Bda.serialTimeouts, new Uint8Array(serialPorts.length).fill(timeouts.serial));
  memory.write8(Bda.diskControl, 0xc0);
  memory.write8(Bda.videoFlags, 0x51); // A VGA, its text of 400 lines.
  memory.write8(Bda.floppyDrives, [0, 0x07, 0x77][Math.min(floppies, 2)] ?? 0);
  memory.write16(Bda.equipment, equipment);
  memory.write16(Bda.memoryKib, conventionalKib);
  memory.write16(Bda.ebdaSegment, ebdaSegment);
  memory.write(ebdaSegment * 16, new Uint8Array(0x400));
  memory.write8(ebdaSegment * 16, 1);
  memory.write16(Bda.keyHead, keyBuffer.start);
  memory.write16(Bda.keyTail, keyBuffer.start);
  memory.write16(Bda.keyBufferStart, keyBuffer.start);
  memory.write16(Bda.keyBufferEnd, keyBuffer.end);
  memory.write8(Bda.keyFlags, 0x10);
  return equipment;
}

/** Writes what the area says of the text screen where no video services do so. */
export function writeTextMode(memory: DataAreaMemory): void {
  memory.write8(Bda.videoMode, textMode.mode);
  memory.write16(Bda.columns, textMode.columns);
  memory.write16(Bda.pageBytes, textMode.pageBytes);
  memory.write16(Bda.cursorShape, textMode.cursorShape);
  memory.write16(Bda.crtcPort, textPort.crtc);
  memory.write8(Bda.lastRow, textPort.lastRow);
  memory.write16(Bda.characterHeight, textPort.characterHeight);
  memory.write8(Bda.videoControl, textPort.control);
}
