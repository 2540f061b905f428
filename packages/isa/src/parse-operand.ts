import { Access, Location } from './form.ts';
import type { OperandSpec, SizeCode } from './form.ts';

/** Operands without a ModRM letter: location, size, register. */
const FIXED: Readonly<Record<string, readonly [number, SizeCode, number]>> = {
  AL: [Location.fixedGpr, 'b', 0],
  CL: [Location.fixedGpr, 'b', 1],
  AX: [Location.fixedGpr, 'w', 0],
  DX: [Location.fixedGpr, 'w', 2],
  eAX: [Location.fixedGpr, 'z', 0],
  rAX: [Location.fixedGpr, 'v', 0],
  ES: [Location.fixedSegment, 'w', 0],
  CS: [Location.fixedSegment, 'w', 1],
  SS: [Location.fixedSegment, 'w', 2],
  DS: [Location.fixedSegment, 'w', 3],
  FS: [Location.fixedSegment, 'w', 4],
  GS: [Location.fixedSegment, 'w', 5],
  ST0: [Location.st0, 't', 0],
  STi: [Location.sti, 't', -1],
  XMM0: [Location.xmm0, 'dq', 0],
  '1': [Location.one, 'b', -1],
  DIq: [Location.implicitDi, 'q', -1],
  DIdq: [Location.implicitDi, 'dq', -1],
  BXAL: [Location.implicitBxAl, 'b', -1],
};

const LETTERS: Readonly<Record<string, number>> = {
  E: Location.rmGpr,
  R: Location.rmGprOnly,
  M: Location.memory,
  G: Location.regGpr,
  B: Location.vexGpr,
  Z: Location.opcodeGpr,
  I: Location.immediate,
  J: Location.relative,
  A: Location.farPointer,
  O: Location.offset,
  S: Location.segment,
  C: Location.control,
  D: Location.debug,
  X: Location.stringSource,
  Y: Location.stringDestination,
  P: Location.regMm,
  Q: Location.rmMm,
  N: Location.rmMmOnly,
  V: Location.regXmm,
  W: Location.rmXmm,
  U: Location.rmXmmOnly,
  H: Location.vexXmm,
  L: Location.immediateXmm,
  T: Location.vectorMemory,
};

/**
 * A register form and a memory form written with a slash are one E, Q or W operand; of a T operand,
 * they are its index register and its elements.
 */
const EITHER: Readonly<Record<number, number>> = {
  [Location.rmGprOnly]: Location.rmGpr,
  [Location.rmMmOnly]: Location.rmMm,
  [Location.rmXmmOnly]: Location.rmXmm,
  [Location.vectorMemory]: Location.vectorMemory,
};

const ROLES: Readonly<Record<string, number>> = {
  n: Access.address,
  r: Access.read,
  w: Access.write,
  rw: Access.readWrite,
};

/**
 * Parses one operand of a row: `Ev:rw`, `Rd/Mb:w`, `eAX`, `1`.
 *
 * The role after the colon is `r` (also when missing), `w`, `rw`, or `n` for an operand of which
 * only the address is used. Throws for a mistake in the tables, which are our own data.
 */
export function parseOperand(source: string): OperandSpec {
  const [text = '', role = 'r'] = source.split(':');
  const access = ROLES[role];
  if (access === undefined) throw new Error(`isa: unknown role in operand ${source}`);
  const fixed = FIXED[text];
  if (fixed !== undefined) {
    const [location, size, register] = fixed;
    return { text, location, size, memorySize: size, access, register };
  }
  const [first = '', second] = text.split('/');
  const letter = LETTERS[first.charAt(0)];
  // The letters are checked by the size table of operandBytes in a test.
  const size = first.slice(1) as SizeCode;
  if (letter === undefined) throw new Error(`isa: unknown operand ${source}`);
  if (second === undefined) {
    return { text, location: letter, size, memorySize: size, access, register: -1 };
  }
  const location = EITHER[letter];
  if (location === undefined || !second.startsWith('M')) {
    throw new Error(`isa: only R, N, U and T combine with M, found ${source}`);
  }
  const memorySize = second.slice(1) as SizeCode;
  return { text, location, size, memorySize, access, register: -1 };
}
