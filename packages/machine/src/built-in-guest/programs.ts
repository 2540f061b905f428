import type { BuiltInProgram } from '../options/machine-options.ts';

import { builtInGuest } from './program.ts';
import { teachingKernel } from './teaching/program.ts';

/** Assembles a program that comes with Ringfence; it is a multiboot kernel. */
export function builtInProgram(name: BuiltInProgram = 'shell'): Uint8Array {
  switch (name) {
    case 'teaching':
      return teachingKernel('bare');
    case 'teaching-ported':
      return teachingKernel('ported');
    case 'shell':
      return builtInGuest();
  }
}
