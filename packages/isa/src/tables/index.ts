import { aesPclmul } from './aes-pclmul.ts';
import { avx } from './avx.ts';
import { bit } from './bit.ts';
import { bmi } from './bmi.ts';
import { controlFlow } from './control-flow.ts';
import { integerArithmetic } from './integer-arithmetic.ts';
import { mmx } from './mmx.ts';
import { move } from './move.ts';
import { shift } from './shift.ts';
import { sha } from './sha.ts';
import { sse } from './sse.ts';
import { sse2 } from './sse2.ts';
import { sse3Ssse3 } from './sse3-ssse3.ts';
import { sse4 } from './sse4.ts';
import { sse4a } from './sse4a.ts';
import { string } from './string.ts';
import { system } from './system.ts';
import { virtualization } from './virtualization.ts';
import { x87 } from './x87.ts';
import { xsave } from './xsave.ts';

/** All tables, one per family. */
export const TABLES: readonly string[] = [
  integerArithmetic,
  move,
  controlFlow,
  string,
  shift,
  bit,
  bmi,
  system,
  virtualization,
  xsave,
  x87,
  mmx,
  sse,
  sse2,
  sse3Ssse3,
  sse4,
  sse4a,
  aesPclmul,
  sha,
  avx,
];
