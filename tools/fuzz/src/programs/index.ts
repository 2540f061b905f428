import { debugPrograms } from './debug.ts';
import type { LabProgram } from './program.ts';

/** All programs of the laboratory. */
export const programs: readonly LabProgram[] = [...debugPrograms];
