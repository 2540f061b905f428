/**
 * Resets that leave memory as it is: INIT, which a guest sends itself through the local APIC, and
 * those behind which the shutdown status in CMOS RAM has the guest go on.
 *
 * Where a kernel was started without a BIOS, a few instructions in the ROM do what every BIOS does
 * then (IBM AT): status 5 and 10 go on at 40:67. With any other the machine is reset as a whole.
 */
import { Assembler } from '@ringfence/assembler';
import { initialControl, type Cpu } from '@ringfence/cpu';
import { CpuState, type PhysicalMemory } from '@ringfence/memory';

import { kernelInterrupts } from './boot/kernel-interrupts.ts';
import { systemRom } from './boot/memory-map.ts';
import { shutdownText } from './built-in-bios/shutdown-text.ts';
import type { Chipset } from './chipset.ts';
import { systemRomImage } from './firmware.ts';

const segment = 0xf000;
const programAt = 0xff00;
const resetVector = 0xfff0;
/** The byte of CMOS RAM that says where a reset goes on. */
export const shutdownStatus = 0x0f;
/** With an end of interrupt before it, and without. */
const jumps: readonly number[] = [5, 10];

interface Board {
  readonly cpu: Cpu;
  readonly chipset: Chipset;
}

/** INIT: the processor begins at its reset vector, everything else stays; the machine goes on. */
export function initialize({ cpu, chipset }: Board): true {
  chipset.interrupts.localApic?.init();
  cpu.init();
  return true;
}

/**
 * The processor begins at its reset vector. x87 is as after FNINIT: SeaBIOS leaves that to the
 * processor, and programs that it boots do, too.
 */
export function startFirmware({
  cpu,
  memory,
}: Pick<Board, 'cpu'> & { memory: PhysicalMemory }): void {
  cpu.reset();
  memory.machine.i32[CpuState.fpuControl >> 2] = initialControl;
}

/** Whether a reset goes on in memory, so that no kernel is to be loaded. */
export function goesOnInMemory({ chipset }: Board): boolean {
  return jumps.includes(chipset.time.cmos.byte(shutdownStatus));
}

/** Returns the ROM of a machine that has no BIOS, with its tables from an address on. */
export function kernelRomImage(tables: number): Uint8Array {
  const assembler = new Assembler({ bits: 16, origin: programAt });
  assembler.text(`
        bits 16
        cli
        cld
${shutdownText}
power_on:
        mov dx, 0xcf9
        mov al, 6
        out dx, al
        hlt
        jmp power_on`);
  const image = systemRomImage(tables);
  const at = (segment << 4) - systemRom;
  const { origin, code } = kernelInterrupts();
  image.set(code, at + origin);
  image.set(assembler.assemble(), at + programAt);
  image.set(
    [0xea, programAt & 0xff, programAt >> 8, segment & 0xff, segment >> 8],
    at + resetVector,
  );
  return image;
}
