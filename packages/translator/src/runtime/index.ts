import { accessFunctions } from './access.ts';
import { fusedFunctions } from './avx-fused.ts';
import { halfFunctions } from './avx-half.ts';
import { bitDeposit } from './bit-deposit.ts';
import { deliverPageFault, softwareInterrupt } from './interrupt-entry.ts';
import { privilegeFunctions } from './privilege.ts';
import { loadSegment } from './segment-load.ts';
import { settleFlags } from './settle-flags.ts';
import { aesFunctions } from './sse-aes.ts';
import { crc32c } from './sse-crc32.ts';
import { floatArithmetic } from './sse-float-arithmetic.ts';
import { floatComparisons } from './sse-float-compare.ts';
import { floatConversions } from './sse-float-convert.ts';
import { floatFunctions } from './sse-float-format.ts';
import { shaFunctions } from './sse-sha.ts';
import { compareStrings } from './sse-string.ts';
import { stringFunctions } from './string-bulk.ts';
import { x87Functions } from './x87-functions.ts';
import type { RuntimeFunction } from './runtime-function.ts';

/** All runtime functions of the core module. */
export const RUNTIME: readonly RuntimeFunction[] = [
  ...accessFunctions,
  settleFlags,
  ...stringFunctions,
  loadSegment,
  ...privilegeFunctions,
  softwareInterrupt,
  deliverPageFault,
  ...bitDeposit,
  ...aesFunctions,
  ...shaFunctions,
  ...floatFunctions,
  ...floatArithmetic,
  ...floatComparisons,
  ...floatConversions,
  compareStrings,
  crc32c,
  ...x87Functions,
  ...fusedFunctions,
  ...halfFunctions,
];
