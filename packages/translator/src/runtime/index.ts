import { accessFunctions } from './access.ts';
import type { RuntimeFunction } from './runtime-function.ts';

/** All runtime functions of the core module. */
export const RUNTIME: readonly RuntimeFunction[] = [...accessFunctions];
