import { integerPrograms } from './integer.ts';
import type { Program } from './program.ts';

/** The programs of our own, in the order in which they run. */
export const programs: readonly Program[] = [...integerPrograms];
