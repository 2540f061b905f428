import { integerPrograms } from './integer.ts';
import { memoryPrograms } from './memory.ts';
import type { Program } from './program.ts';
import { selfModifyingPrograms } from './self-modifying.ts';
import { systemPrograms } from './system.ts';
import { vectorPrograms } from './vector.ts';
import { x87Programs } from './x87.ts';

/** The programs of our own, in the order in which they run. */
export const programs: readonly Program[] = [
  ...integerPrograms,
  ...vectorPrograms,
  ...x87Programs,
  ...memoryPrograms,
  ...systemPrograms,
  ...selfModifyingPrograms,
];
