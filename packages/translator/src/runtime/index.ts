import { accessFunctions } from './access.ts';
import { aesFunctions } from './sse-aes.ts';
import { crc32c } from './sse-crc32.ts';
import { compareStrings } from './sse-string.ts';
import { stringFunctions } from './string-bulk.ts';
import type { RuntimeFunction } from './runtime-function.ts';

/** All runtime functions of the core module. */
export const RUNTIME: readonly RuntimeFunction[] = [
  ...accessFunctions,
  ...stringFunctions,
  ...aesFunctions,
  compareStrings,
  crc32c,
];
