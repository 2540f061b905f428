import { debugPrograms } from './debug.ts';
import { endPrograms } from './ends.ts';
import { eventPrograms } from './events.ts';
import { extendedStatePrograms } from './extended-state.ts';
import { featurePrograms } from './features.ts';
import { hotPrograms } from './hot.ts';
import type { LabProgram } from './program.ts';
import { sensitivePrograms } from './sensitive.ts';
import { virtualPrograms } from './virtual.ts';

export type { LabProgram } from './program.ts';

/** All programs of the laboratory. */
export const programs: readonly LabProgram[] = [
  ...debugPrograms,
  ...endPrograms,
  ...eventPrograms,
  ...extendedStatePrograms,
  ...featurePrograms,
  ...hotPrograms,
  ...sensitivePrograms,
  ...virtualPrograms,
];
