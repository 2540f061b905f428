import { Assembler } from '@ringfence/assembler';

import { printText } from '../console.ts';
import { programBytes } from '../layout.ts';
import { bareLayer } from './bare.ts';
import { faultText, kernelData, schedulerText, startText, trapText } from './kernel.ts';
import { TeachingLayout } from './layout.ts';
import { portedLayer } from './ported.ts';
import { systemCallText } from './system-calls.ts';
import { teachingProgramText, teachingShellData, teachingShellText } from './tasks.ts';

const pageBytes = 4096;
const multibootMagic = 0x1bad_b002;
/** Addresses given (Multiboot Specification 0.6.96, 3.1.2). */
const multibootFlags = 0x1_0000;

/** The two builds of the teaching kernel. */
export type TeachingBuild = 'bare' | 'ported';

/**
 * Assembles the teaching kernel for bare hardware, or ported to Ringfence's hypercalls; it is a
 * multiboot kernel.
 */
export function teachingKernel(build: TeachingBuild): Uint8Array {
  const layer = build === 'bare' ? bareLayer : portedLayer;
  const assembler = new Assembler({ bits: 32, origin: TeachingLayout.load });
  const parts = [
    `
header: dd ${multibootMagic}, ${multibootFlags}, ${-(multibootMagic + multibootFlags) >>> 0}
        dd header, header, program_end, program_end, start
`,
    startText(layer),
    trapText(layer),
    faultText,
    schedulerText,
    systemCallText(layer),
    teachingShellText,
    printText,
    layer.text,
    kernelData(layer),
    teachingShellData,
    layer.data,
    teachingProgramText,
  ];
  for (const part of parts) {
    assembler.text(part);
  }
  assembler.label('program_end');
  const program = assembler.assemble();
  if (program.length > programBytes) {
    throw new Error(`the teaching kernel has ${String(program.length)} bytes, too many by far`);
  }
  // Tasks may touch one page of the image.
  const programs = assembler.addressOf('user_end') - assembler.addressOf('user_start');
  if (programs !== pageBytes) {
    throw new Error(`the programs of the tasks have ${String(programs)} bytes, not a page`);
  }
  return program;
}
