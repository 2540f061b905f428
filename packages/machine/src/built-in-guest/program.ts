import { Assembler } from '@ringfence/assembler';

import { consoleData, consoleText, printText } from './console.ts';
import { entryData, entryText } from './entry.ts';
import { hypercallData, hypercallText } from './hypercall-command.ts';
import { interruptData, interruptText } from './interrupts.ts';
import { GuestLayout, programBytes } from './layout.ts';
import { memoryText } from './memory-command.ts';
import { pagingText } from './paging-command.ts';
import { powerData, powerText } from './power-command.ts';
import { ring3Data, ring3Text } from './ring3-command.ts';
import { shellData, shellText } from './shell.ts';
import { smcText } from './smc-command.ts';
import { timeText } from './time-command.ts';

const multibootMagic = 0x1bad_b002;
/** Memory information wanted, addresses given (Multiboot Specification 0.6.96, 3.1.2). */
const multibootFlags = 0x1_0002;

const header = `
header: dd ${multibootMagic}
        dd ${multibootFlags}
        dd ${-(multibootMagic + multibootFlags) >>> 0}
        dd header, header, program_end, ${GuestLayout.end}, start
`;

const text = [
  entryText,
  interruptText,
  consoleText,
  printText,
  shellText,
  memoryText,
  pagingText,
  ring3Text,
  smcText,
  hypercallText,
  timeText,
  powerText,
];
const data = [
  entryData,
  interruptData,
  consoleData,
  shellData,
  ring3Data,
  hypercallData,
  powerData,
];

/**
 * Assembles the built-in guest and returns it as a multiboot kernel.
 *
 * It is a protected-mode program that takes commands on serial port 0 and shows what the hypervisor
 * does: paging, ring 3, self-modifying code, hypercalls, timers, the ways to switch off.
 */
export function builtInGuest(): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin: GuestLayout.load });
  for (const part of [header, ...text, ...data]) {
    assembler.text(part);
  }
  assembler.label('program_end');
  const program = assembler.assemble();
  if (program.length > programBytes) {
    throw new Error(`the built-in guest has ${String(program.length)} bytes, too many by far`);
  }
  return program;
}
