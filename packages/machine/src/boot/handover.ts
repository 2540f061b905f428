/**
 * What a BIOS leaves in the chips when it starts a kernel, for kernels that are started without
 * one: test kernels and small systems build on it, as far as SeaBIOS and QEMU have it so.
 */
import type { PortBus } from '@ringfence/devices';
import { apicRegister, localApicAddress } from '@ringfence/devices';
import type { PhysicalMemory } from '@ringfence/memory';

import { facsAddress, facsTable } from '../firmware.ts';
import { writeBiosDataArea, writeTextMode } from './bios-data-area.ts';
import { kernelInterrupts } from './kernel-interrupts.ts';

/** What is written to. */
export interface HandoverBoard {
  readonly ports: PortBus;
  readonly memory: PhysicalMemory;
}

/**
 * What every BIOS writes to ports: interrupt controllers, edge and level, counters 0 and 1 of the
 * timer, keyboard controller. The built-in BIOS begins with it too.
 */
export const biosPortWrites: readonly (readonly [port: number, value: number])[] = [
  // 8259s: vectors from 08h and 70h; open are the requests of those devices that a BIOS serves.
  [0x20, 0x11],
  [0x21, 0x08],
  [0x21, 0x04],
  [0x21, 0x01],
  [0xa0, 0x11],
  [0xa1, 0x70],
  [0xa1, 0x02],
  [0xa1, 0x01],
  [0x21, 0xb8],
  [0xa1, 0x8e],
  // PCI interrupts, at requests 10 and 11, are levels.
  [0x4d1, 0x0c],
  // Counter 0 at 18.2 Hz, counter 1 for refresh.
  [0x43, 0x34],
  [0x40, 0x00],
  [0x40, 0x00],
  [0x43, 0x54],
  [0x41, 0x12],
  // 8042: keyboard on, with its interrupt and translation; mouse off; the system flag says that
  // the self-test is over.
  [0x64, 0xae],
  [0x64, 0x60],
  [0x60, 0x65],
];

/** The local APIC: on, its LINT0 the 8259s' output, its LINT1 NMI (MultiProcessor 1.4, 3.6.2.2). */
const apicWrites: readonly (readonly [register: number, value: number])[] = [
  [apicRegister.spurious, 0x1ff],
  [apicRegister.lvtFirst + 0x30, 0x8700],
  [apicRegister.lvtFirst + 0x40, 0x8400],
];

const cmosFloppies = 0x10;

/**
 * Puts the chips into the state in which a BIOS hands the machine to a kernel, and into memory its
 * interrupt vectors, its data area and the one table of ACPI that is written to.
 */
export function handOver({ ports, memory }: HandoverBoard, hasApic: boolean): void {
  for (const [port, value] of biosPortWrites) {
    ports.writePort(port, 1, value);
  }
  ports.writePort(0x70, 1, cmosFloppies);
  const types = ports.readPort(0x71, 1);
  memory.write(0, kernelInterrupts().vectors);
  writeBiosDataArea(memory, Number(types >> 4 !== 0) + Number((types & 15) !== 0));
  writeTextMode(memory);
  memory.write(facsAddress, facsTable());
  if (!hasApic) return;
  for (const [register, value] of apicWrites) {
    memory.write32(localApicAddress + register, value);
  }
}
