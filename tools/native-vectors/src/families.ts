import { fileURLToPath } from 'node:url';
import type { Form } from '@ringfence/isa';

/** The vector files, by the feature of the forms in them; all others are integer instructions. */
const FAMILY_BY_FEATURE: Readonly<Record<string, string>> = {
  FPU: 'x87',
  '287': 'x87',
  MMX: 'mmx',
  FXSR: 'sse',
  SSE: 'sse',
  SSE2: 'sse2',
  SSE3: 'sse3',
  SSSE3: 'ssse3',
  'SSE4.1': 'sse4',
  'SSE4.2': 'sse4',
  AES: 'aes',
  PCLMULQDQ: 'aes',
  SHA: 'newer',
  SSE4A: 'newer',
  CLFLUSHOPT: 'newer',
  CLWB: 'newer',
  CLZERO: 'newer',
  LZCNT: 'bmi',
  BMI1: 'bmi',
  BMI2: 'bmi',
  ADX: 'bmi',
  AVX: 'avx',
  AVX2: 'avx2',
  VAES: 'avx2',
  VPCLMULQDQ: 'avx2',
  F16C: 'fma',
  FMA: 'fma',
};

/** The names of the vector files, without `.bin`. */
export const FAMILIES: readonly string[] = [
  'integer',
  ...new Set(Object.values(FAMILY_BY_FEATURE)),
];

/** Name of the vector file that holds the cases of a form. */
export function familyOf(form: Form): string {
  const x87 = form.map === 0 && form.opcode >= 0xd8 && form.opcode <= 0xdf;
  return x87 ? 'x87' : (FAMILY_BY_FEATURE[form.feature] ?? 'integer');
}

/** Path of the vector file of a family. */
export function vectorFile(family: string): string {
  return fileURLToPath(new URL(`../data/${family}.bin`, import.meta.url));
}
