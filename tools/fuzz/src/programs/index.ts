import { debugPrograms } from './debug.ts';
import { endPrograms } from './ends.ts';
import { featurePrograms } from './features.ts';
import type { LabProgram } from './program.ts';
import { sensitivePrograms } from './sensitive.ts';
import { virtualPrograms } from './virtual.ts';

export type { LabProgram } from './program.ts';

/** All programs of the laboratory. */
export const programs: readonly LabProgram[] = [
  ...debugPrograms,
  ...endPrograms,
  ...featurePrograms,
  ...sensitivePrograms,
  ...virtualPrograms,
];
