import { Access, Location, operandBytes } from '@ringfence/isa';
import type { Form, OperandSpec } from '@ringfence/isa';
import type { Bits } from './addressing.ts';
import { answersTo, formsOf } from './aliases.ts';
import { encodeForm, immediateRange, operandSizes } from './encode.ts';
import type { Encoded, Prefixes } from './encode.ts';
import { AssemblerError } from './error.ts';
import { Expression } from './expression.ts';
import { fieldValue } from './fixup.ts';
import { formatOperand } from './operand.ts';
import type { Memory, Operand } from './operand.ts';
import { isVector } from './registers.ts';
import type { RegisterClass } from './registers.ts';

/** An instruction as a program states it, before a form is chosen. */
export interface Statement {
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
  readonly bits: Bits;
  readonly prefixes: Prefixes;
  /** Sizes that the program demands by `o16`, `a32` ...; otherwise the operands decide. */
  readonly operandSize?: 16 | 32 | 64;
  readonly addressBits?: Bits;
  /** `short` or `near` distance of a branch. */
  readonly distance?: 'short' | 'near';
}

interface Match {
  readonly form: Form;
  readonly operandSize: 16 | 32 | 64;
  readonly operands: readonly (Operand | undefined)[];
}

/**
 * All encodings of a statement, the shortest first, then in the order of the tables.
 *
 * Later ones are for values of labels that do not fit the earlier ones. Throws
 * {@link AssemblerError} where there is none, or where an unsized memory operand leaves a choice.
 */
export function encodings(statement: Statement): readonly Encoded[] {
  const forms = formsOf(statement.mnemonic.toUpperCase());
  const text = formatStatement(statement);
  if (forms === undefined) {
    throw new AssemblerError('unknown-mnemonic', statement.mnemonic, 'unknown mnemonic');
  }
  const direct = forms.flatMap((form) => matchForm(form, statement));
  const matches = preferOffsets(direct.length > 0 ? direct : matchSwapped(forms, statement));
  if (matches.length === 0) {
    const reason = `no form takes these operands in ${statement.bits}-bit code`;
    throw new AssemblerError('no-matching-form', text, reason);
  }
  checkSizes(matches, text);
  checkPrefixes(matches, statement, text);
  const { bits, prefixes } = statement;
  const addressBits = statement.addressBits ?? ADDRESS_BY_NAME[statement.mnemonic.toUpperCase()];
  const encoded: Encoded[] = [];
  let failure: unknown;
  for (const { form, operands, operandSize } of matches) {
    const options = { bits, operandSize, prefixes, ...(addressBits && { addressBits }) };
    try {
      encoded.push(encodeForm(form, operands, options));
    } catch (error) {
      failure = error;
    }
  }
  if (encoded.length === 0) throw failure;
  return encoded.sort((a, b) => a.bytes.length - b.bytes.length);
}

/** The statement as text for messages. */
export function formatStatement({ mnemonic, operands }: Statement): string {
  return `${mnemonic} ${operands.map(formatOperand).join(', ')}`.trim();
}

/** An explicit 64-bit address, `[qword x]`, asks for the form of MOV that has room for it. */
function preferOffsets(matches: Match[]): Match[] {
  const wide = matches.filter(({ form, operands }) =>
    form.operands.some((spec, index) => {
      const value = operands[index];
      if (value === undefined || value instanceof Expression) return false;
      const isWide = value.kind === 'memory' && value.addressBits === 64;
      return isWide && spec.location === Location.offset;
    }),
  );
  return wide.length > 0 ? wide : matches;
}

/** `xchg eax, [x]` and `test eax, [x]` have the memory operand first in the tables. */
function matchSwapped(forms: readonly Form[], statement: Statement): Match[] {
  const [first, second, third] = statement.operands;
  if (!SYMMETRIC.has(statement.mnemonic.toUpperCase())) return [];
  if (first === undefined || second === undefined || third !== undefined) return [];
  const swapped = { ...statement, operands: [second, first] };
  return forms.flatMap((form) => matchForm(form, swapped));
}

const SYMMETRIC: ReadonlySet<string> = new Set(['XCHG', 'TEST']);

/** The form at its first operand size that takes the operands; none or one match. */
function matchForm(form: Form, statement: Statement): Match[] {
  const operands = alignOperands(form, statement.operands);
  if (operands === undefined) return [];
  for (const operandSize of operandSizes(form, statement.bits)) {
    if (statement.operandSize !== undefined && operandSize !== statement.operandSize) continue;
    if (!nameFits(form, operandSize, statement)) continue;
    const fits = form.operands.every((spec, index) => {
      const value = operands[index];
      return value === undefined || operandFits(form, spec, value, operandSize, statement);
    });
    if (fits && !isNop(form, operandSize, operands, statement.bits)) {
      return [{ form, operandSize, operands }];
    }
  }
  return [];
}

/** 90 in 64-bit code is NOP: it does not clear the upper half of RAX, as XCHG EAX, EAX does. */
function isNop(
  form: Form,
  operandSize: 16 | 32 | 64,
  operands: readonly (Operand | undefined)[],
  bits: Bits,
): boolean {
  if (bits !== 64 || operandSize !== 32 || !form.opcodeRegister || form.opcode !== 0x90)
    return false;
  const [first, second] = operands;
  return first === second;
}

/** Operands at the positions of the form's, with implied ones left out by the program. */
function alignOperands(
  form: Form,
  given: readonly Operand[],
): readonly (Operand | undefined)[] | undefined {
  const { operands } = form;
  if (given.length === operands.length) {
    const implied = operands.some((spec) => NEVER_WRITTEN.has(spec.location));
    return implied ? undefined : given;
  }
  const string = operands.some((spec) => STRING.has(spec.location));
  let next = 0;
  const aligned = operands.map((spec) => {
    const leftOut = OMITTED.has(spec.location) || (string && spec.location === Location.fixedGpr);
    return leftOut ? undefined : given[next++];
  });
  const complete = aligned.filter((value) => value !== undefined).length === next;
  return next === given.length && complete ? aligned : undefined;
}

function nameFits(form: Form, operandSize: 16 | 32 | 64, statement: Statement): boolean {
  const size = form.namedBy === 'address' ? addressSize(statement) : operandSize;
  const defaultSize = operandSizes(form, statement.bits)[0] ?? statement.bits;
  return answersTo(form, statement.mnemonic.toUpperCase(), size, defaultSize);
}

/** JECXZ in 16-bit code asks for 32-bit addresses by its name alone. */
function addressSize(statement: Statement): Bits {
  return (
    statement.addressBits ?? ADDRESS_BY_NAME[statement.mnemonic.toUpperCase()] ?? statement.bits
  );
}

function operandFits(
  form: Form,
  spec: OperandSpec,
  value: Operand,
  operandSize: 16 | 32 | 64,
  statement: Statement,
): boolean {
  const { location } = spec;
  if (location === Location.relative && statement.distance !== undefined) {
    if ((statement.distance === 'short') !== (spec.size === 'b')) return false;
  }
  if (value instanceof Expression) return expressionFits(spec, value, operandSize);
  if (value.kind === 'far') {
    const bits = value.offsetBits === 0 ? operandSize : value.offsetBits;
    return location === Location.farPointer && bits === operandSize;
  }
  if (value.kind === 'memory') return memoryFits(form, spec, value, operandSize, statement.bits);
  if (MEMORY.has(location) && form.mod === 'memory') return false;
  const wanted = REGISTER_CLASS[location];
  if ((wanted === 'xmm' && spec.size === 'qq' ? 'ymm' : wanted) !== value.class) return false;
  if (spec.register >= 0 && (value.number !== spec.register || value.high)) return false;
  if (location === Location.st0 && value.number !== 0) return false;
  if (location === Location.xmm0 && value.number !== 0) return false;
  if (value.class !== 'gpr') return true;
  // Selectors are read from 16 bits whatever the operand size: `mov ds, ax` needs no prefix.
  const selector = spec.size === 'v' && spec.memorySize === 'w' && spec.access === Access.read;
  return value.bytes === operandBytes(spec.size, operandSize) || (selector && value.bytes === 2);
}

function memoryFits(
  form: Form,
  spec: OperandSpec,
  value: Memory,
  operandSize: 16 | 32 | 64,
  bits: Bits,
): boolean {
  if (spec.location === Location.offset) {
    if (value.base !== undefined || value.index !== undefined) return false;
    // In 64-bit code the eight-byte offset is only for what nothing else reaches.
    if (bits === 64 && !beyond32(value.displacement) && value.addressBits !== 64) return false;
  } else if (!MEMORY.has(spec.location) || form.mod === 'register') {
    return false;
  }
  const vector = value.index !== undefined && isVector(value.index) ? value.index : undefined;
  if ((spec.location === Location.vectorMemory) !== (vector !== undefined)) return false;
  if (vector !== undefined && operandBytes(spec.size, operandSize) !== vector.bytes) return false;
  const pointer = spec.memorySize === 'p';
  if (form.flow !== 'next' && pointer !== value.far) return false;
  // The size of a far pointer is that of its offset: `jmp dword far [x]`.
  const bytes = operandBytes(spec.memorySize, operandSize) - (value.far ? 2 : 0);
  return value.bytes === 0 || bytes === 0 || value.bytes === bytes;
}

function expressionFits(spec: OperandSpec, value: Expression, operandSize: 16 | 32 | 64): boolean {
  if (spec.location === Location.one) return value.isConstant && value.constant === 1n;
  if (spec.location === Location.relative) return true;
  if (spec.location !== Location.immediate) return false;
  if (!value.isConstant) return true;
  const [range, width] = immediateRange(spec, operandSize);
  const size = operandBytes(spec.size, operandSize);
  return fieldValue(value.constant, size, range, width) !== undefined;
}

function beyond32(value: Expression): boolean {
  return value.isConstant && fieldValue(value.constant, 4, 'extended', 64) === undefined;
}

/** An unsized memory operand must have one size in all forms that match. */
function checkSizes(matches: readonly Match[], text: string): void {
  const sizes = new Set<number>();
  for (const { form, operands, operandSize } of matches) {
    form.operands.forEach((spec, index) => {
      const value = operands[index];
      if (value instanceof Expression || value?.kind !== 'memory' || value.bytes !== 0) return;
      sizes.add(operandBytes(spec.memorySize, operandSize));
    });
  }
  if (sizes.size < 2) return;
  const list = [...sizes].sort((a, b) => a - b).join(', ');
  const reason = `memory operand needs a size, ${list} bytes are possible`;
  throw new AssemblerError('ambiguous-size', text, reason);
}

function checkPrefixes(matches: readonly Match[], statement: Statement, text: string): void {
  const { lock, repeat } = statement.prefixes;
  const locked = ({ form, operands }: Match): boolean => {
    const first = operands[0];
    const memory = first !== undefined && 'kind' in first && first.kind === 'memory';
    return form.lockable && memory;
  };
  if (lock === true && !matches.some(locked)) {
    throw new AssemblerError('bad-prefix', text, 'lock is not allowed');
  }
  if (repeat === undefined) return;
  const allowed = matches.some(({ form }) =>
    repeat === 'repe' ? form.repeat !== 'none' : form.repeat === 'repe',
  );
  if (!allowed) throw new AssemblerError('bad-prefix', text, 'repeat prefix is not allowed');
}

const ADDRESS_BY_NAME: Readonly<Record<string, Bits>> = { JCXZ: 16, JECXZ: 32, JRCXZ: 64 };

const STRING: ReadonlySet<number> = new Set([Location.stringSource, Location.stringDestination]);

/** Implied operands that a program may write or leave out. */
const OMITTED: ReadonlySet<number> = new Set([
  Location.st0,
  Location.xmm0,
  Location.stringSource,
  Location.stringDestination,
  Location.implicitDi,
  Location.implicitBxAl,
]);

/** Implied memory, which only prefixes can change. */
const NEVER_WRITTEN: ReadonlySet<number> = new Set([
  Location.stringSource,
  Location.stringDestination,
  Location.implicitDi,
  Location.implicitBxAl,
]);

const MEMORY: ReadonlySet<number> = new Set([
  Location.rmGpr,
  Location.memory,
  Location.rmMm,
  Location.rmXmm,
  Location.vectorMemory,
]);

const REGISTER_CLASS: Readonly<Record<number, RegisterClass>> = {
  [Location.rmGpr]: 'gpr',
  [Location.rmGprOnly]: 'gpr',
  [Location.regGpr]: 'gpr',
  [Location.opcodeGpr]: 'gpr',
  [Location.vexGpr]: 'gpr',
  [Location.fixedGpr]: 'gpr',
  [Location.segment]: 'segment',
  [Location.fixedSegment]: 'segment',
  [Location.control]: 'control',
  [Location.debug]: 'debug',
  [Location.st0]: 'st',
  [Location.sti]: 'st',
  [Location.regMm]: 'mm',
  [Location.rmMm]: 'mm',
  [Location.rmMmOnly]: 'mm',
  [Location.regXmm]: 'xmm',
  [Location.rmXmm]: 'xmm',
  [Location.rmXmmOnly]: 'xmm',
  [Location.xmm0]: 'xmm',
  [Location.vexXmm]: 'xmm',
  [Location.immediateXmm]: 'xmm',
};
