/** What the BIOS does after reset: chips, vectors, data areas. */
import type { PortBus } from '@ringfence/devices';

import { writeBiosDataArea } from '../boot/bios-data-area.ts';
import { biosPortWrites } from '../boot/handover.ts';
import { facsAddress, facsTable } from '../firmware.ts';
import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { DiskServices } from './disk-services.ts';
import { Bda, diskTables, ebdaSegment, Rom } from './layout.ts';
import { setUpPci } from './pci-setup.ts';
import type { BiosProgram } from './program.ts';

/** Writes to ports beside those of every BIOS: timer, clock, A20. */
const portWrites: readonly (readonly [port: number, value: number])[] = [
  // Counter 2 is the speaker's.
  [0x43, 0xb6],
  [0x42, 0x33],
  [0x42, 0x05],
  // Clock: 32,768 Hz, 24 hours, no interrupts.
  [0x70, 0x0a],
  [0x71, 0x26],
  [0x70, 0x0b],
  [0x71, 0x02],
  [0x92, 0x02],
];

const vectorCount = 256;
/** Vectors for programs, which are zero (IBM PS/2 and PC BIOS Interface, "Interrupts"). */
const freeVectors: readonly number[] = [0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x79];
const ticksPerSecond = 1_193_182 / 65_536;
/** Which display there is: in CMOS RAM none of those before the EGA. */
const equipmentDisplay = 0x30;
const cmosEquipment = 0x14;
/** Ports of the floppy controller, and what is written there: no motor, interrupts and DMA on. */
const floppy = { output: 0x3f2, data: 0x3f5, running: 0x0c, senseInterrupt: 0x08 } as const;

/** Sets up chips and memory. */
export function startBios(board: BiosBoard, program: BiosProgram, disk: DiskServices): void {
  const { memory, ports } = board;
  startFloppyController(ports);
  for (const [port, value] of [...biosPortWrites, ...portWrites]) {
    ports.writePort(port, 1, value);
  }
  setUpPci(ports);
  for (let vector = 0; vector < vectorCount; vector += 1) {
    const offset = program.vectors.get(vector) ?? program.ignore;
    const isFree = freeVectors.includes(vector);
    memory.write32(4 * vector, isFree ? 0 : (Rom.segment << 16) | offset);
  }
  const equipment = writeBiosDataArea(memory, disk.numbers('floppy').length);
  memory.write32(Bda.videoTables, (Rom.segment << 16) | program.videoTables);
  memory.write(facsAddress, facsTable());
  writeDiskTables(memory, disk);
  memory.write8(Bda.disks, disk.numbers('disk').length);
  memory.write32(Bda.ticks, Math.floor(secondsOfDay(board) * ticksPerSecond));
  ports.writePort(0x70, 1, cmosEquipment);
  ports.writePort(0x71, 1, equipment & 0xff & ~equipmentDisplay);
}

/**
 * Takes the floppy controller out of reset, as programs that drive it by its ports find it: each of
 * four drives says that it is polled (82077AA data sheet, section 4.1).
 */
function startFloppyController(ports: PortBus): void {
  ports.writePort(floppy.output, 1, floppy.running);
  for (let drive = 0; drive < 4; drive += 1) {
    ports.writePort(floppy.data, 1, floppy.senseInterrupt);
    ports.readPort(floppy.data, 1);
    ports.readPort(floppy.data, 1);
  }
}

/** Writes the tables of disks that INT 41h and 46h point at (IBM AT, "Fixed disk parameters"). */
function writeDiskTables(memory: BiosMemory, disk: DiskServices): void {
  for (const [index, { cylinders, heads, sectors }] of disk.diskGeometries().entries()) {
    const offset = diskTables + 16 * index;
    const table = new DataView(new ArrayBuffer(16));
    table.setUint16(0, cylinders, true);
    table.setUint8(2, heads);
    table.setUint8(8, heads > 8 ? 0xc8 : 0xc0);
    table.setUint16(12, cylinders, true);
    table.setUint8(14, sectors);
    memory.write(ebdaSegment * 16 + offset, new Uint8Array(table.buffer));
    memory.write32(4 * (index === 0 ? 0x41 : 0x46), (ebdaSegment << 16) | offset);
  }
}

function secondsOfDay(board: BiosBoard): number {
  const read = (index: number): number => {
    board.ports.writePort(0x70, 1, index);
    const bcd = board.ports.readPort(0x71, 1);
    return (bcd >> 4) * 10 + (bcd & 15);
  };
  return read(4) * 3600 + read(2) * 60 + read(0);
}
