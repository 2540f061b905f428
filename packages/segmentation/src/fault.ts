/**
 * Guest faults as numbers, so that a check that fails costs no allocation and throws nothing.
 *
 *      31          16 15    10   9     8    7        0
 *     +--------------+--------+-----+-----+----------+
 *     |  error code  |   0    |  1  | has |  vector  |     0 as a whole: no fault
 *     +--------------+--------+-----+-----+----------+
 *
 * `has` is set for the vectors that push an error code (SDM 3A 6.13, table 6-1).
 */

/** A guest fault, or 0 for none: vector, whether it has an error code, and the error code. */
export type Fault = number;

/** No fault: what every operation returns that has done its work. */
export const noFault: Fault = 0;

/** Exception vectors (SDM 3A table 6-1). */
export const Vector = {
  divideError: 0,
  debug: 1,
  nmi: 2,
  breakpoint: 3,
  overflow: 4,
  boundRange: 5,
  invalidOpcode: 6,
  deviceNotAvailable: 7,
  doubleFault: 8,
  invalidTss: 10,
  segmentNotPresent: 11,
  stackFault: 12,
  generalProtection: 13,
  pageFault: 14,
  floatingPoint: 16,
  alignmentCheck: 17,
  machineCheck: 18,
  simd: 19,
} as const;

const isFault = 0x200;
const hasError = 0x100;

/** A fault without an error code (SDM 3A table 6-1). */
export function fault(vector: number): Fault {
  return isFault | (vector & 0xff);
}

/** A fault with a 16-bit error code (SDM 3A 6.13). */
export function faultWithError(vector: number, errorCode: number): Fault {
  return (errorCode << 16) | isFault | hasError | (vector & 0xff);
}

/** #TS with a selector error code (SDM 3A 6.15, vector 10). */
export function invalidTss(errorCode: number): Fault {
  return faultWithError(Vector.invalidTss, errorCode);
}

/** #NP with a selector error code (SDM 3A 6.15, vector 11). */
export function segmentNotPresent(errorCode: number): Fault {
  return faultWithError(Vector.segmentNotPresent, errorCode);
}

/** #SS with an error code (SDM 3A 6.15, vector 12). */
export function stackFault(errorCode: number): Fault {
  return faultWithError(Vector.stackFault, errorCode);
}

/** #GP with an error code (SDM 3A 6.15, vector 13). */
export function generalProtection(errorCode: number): Fault {
  return faultWithError(Vector.generalProtection, errorCode);
}

/** #PF with its error code (SDM 3A 4.7); the linear address is in CR2, set by whoever makes it. */
export function pageFault(errorCode: number): Fault {
  return faultWithError(Vector.pageFault, errorCode);
}

/** #UD (SDM 3A 6.15, vector 6). */
export const invalidOpcode: Fault = isFault | 6;

/** The vector of a fault, 0 to 255. */
export function faultVector(value: Fault): number {
  return value & 0xff;
}

/** True when the fault pushes an error code. */
export function faultHasError(value: Fault): boolean {
  return (value & hasError) !== 0;
}

/** The error code of a fault, 0 to 0xffff; 0 when it has none. */
export function faultErrorCode(value: Fault): number {
  return value >>> 16;
}

/** The fault as `CpuState.faultVector` wants it: vector, and bit 8 for "has an error code". */
export function faultVectorField(value: Fault): number {
  return value & 0x1ff;
}

/** A fault from `CpuState.faultVector` and `CpuState.faultError`; -1 in the former is no fault. */
export function faultFromFields(vectorField: number, errorCode: number): Fault {
  if (vectorField < 0) return noFault;
  return (errorCode << 16) | isFault | (vectorField & 0x1ff);
}

/** The fault in words for logs and tests: `#GP(0x10)`, `#UD`, `none`. */
export function formatFault(value: Fault): string {
  if (value === noFault) return 'none';
  const name = vectorNames[faultVector(value)] ?? String(faultVector(value));
  return faultHasError(value) ? `#${name}(0x${faultErrorCode(value).toString(16)})` : `#${name}`;
}

const vectorNames: readonly (string | undefined)[] = [
  ...['DE', 'DB', 'NMI', 'BP', 'OF', 'BR', 'UD', 'NM', 'DF', '9', 'TS', 'NP', 'SS', 'GP', 'PF'],
  ...['15', 'MF', 'AC', 'MC', 'XM'],
];
