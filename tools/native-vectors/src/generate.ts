import { bytesAt, encodeForm, registers } from '@ringfence/assembler';
import { INVALID_LOCK, Instruction, decodeInto } from '@ringfence/decoder';
import { Location, operandBytes } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { encodeAddress } from './addressing.ts';
import { formKey } from './form-key.ts';
import { CODE } from './layout.ts';
import { baseState } from './machine-state.ts';
import { chooseOperands } from './operands.ts';
import { Plan } from './plan.ts';
import { Random } from './random.ts';
import { CONTROL_SETUPS, branch } from './setup-control.ts';
import {
  FLOAT_SETUPS,
  adjustVector,
  isVector,
  isX87,
  setupVector,
  setupX87,
} from './setup-float.ts';
import { INTEGER_SETUPS } from './setup-integer.ts';

/** A case that is ready to run. */
export interface GeneratedCase {
  readonly plan: Plan;
  readonly seed: number;
  readonly code: Uint8Array;
}

/** Longest instruction that the processor decodes. */
const MAX_CODE = 15;

/** Operand sizes at which a form does different things in 32-bit code. */
export function testedSizes(form: Form): readonly (16 | 32)[] {
  if (form.prefix === '66' || form.prefix === 'NP') return [32];
  const sized = form.operands.some(
    ({ size, memorySize }) =>
      size === 'bs' ||
      operandBytes(size, 16) !== operandBytes(size, 32) ||
      operandBytes(memorySize, 16) !== operandBytes(memorySize, 32),
  );
  const named = form.namedBy === 'operand' && form.names[0] !== form.names[1];
  const stack = form.flow !== 'next' || STACK.has(form.mnemonic);
  return sized || named || stack ? [32, 16] : [32];
}

const STACK: ReadonlySet<string> = new Set(['PUSH', 'POP', 'ENTER', 'LEAVE']);

/** How many cases a form gets at an operand size. */
export function caseCount(form: Form, operandSize: 16 | 32): number {
  const factor = operandSize === 16 ? 0.5 : 1;
  if (form.operands.length === 0 && !form.flags.modified && form.flow === 'next') {
    return Math.ceil(10 * factor);
  }
  if (form.condition >= 0 && form.flow === 'branch') return Math.ceil(20 * factor);
  const varied = form.repeat !== 'none' || MANY.test(form.mnemonic);
  return Math.ceil((varied ? 64 : 36) * factor);
}

/** Instructions whose behaviour depends much on values. */
const MANY = new RegExp(
  [
    '^(LZCNT|TZCNT|AD[CO]X|DIV|IDIV|RCL|RCR|ROL|ROR|SH[LR]D?|SAR|BTS?|BT[RC]|PCMP[EI]STR|DA[AS]|AA[AS])',
    '^F(ADD|SUBR?|MUL|DIVR?|COMI?|UCOM|ST|IST|LD|PREM|SCALE|RNDINT|BSTP|XAM|SQRT)',
    '^V?(ADD|SUB|MUL|DIV|SQRT|MIN|MAX|CMP|CVT|ROUND)',
    '^VF',
  ].join('|'),
);

/**
 * Makes one case; the same seed gives the same case.
 *
 * Undefined where the bytes turn out to be another form: a value of ModRM.reg or of a prefix may
 * mean one that has a row of its own.
 */
export function generateCase(
  form: Form,
  operandSize: 16 | 32,
  seed: number,
): GeneratedCase | undefined {
  const random = new Random(seed ^ 0x5bd1e995);
  const plan = new Plan(form, operandSize, random, baseState(seed));
  chooseOperands(plan);
  if (isX87(plan)) setupX87(plan);
  else if (isVector(plan)) {
    setupVector(plan);
    adjustVector(plan);
  }
  setupFor(form)?.(plan);
  choosePrefixes(plan);
  encodeAddress(plan);
  const encoded = encodeForm(form, plan.operands, {
    bits: 32,
    operandSize,
    addressBits: plan.addressBits,
    prefixes: plan.prefixes,
    unusedReg: random.below(8),
  });
  const code = bytesAt(encoded, CODE);
  if (code === undefined || code.length > MAX_CODE) {
    throw new Error(`vectors: ${formKey(form)} with seed ${seed} has no encoding`);
  }
  const instruction = new Instruction();
  const length = decodeInto(instruction, code, 0, code.length, 32);
  const decoded = length === INVALID_LOCK || instruction.form === form.index;
  return decoded ? { plan, seed, code } : undefined;
}

function setupFor(form: Form): ((plan: Plan) => void) | undefined {
  const { mnemonic } = form;
  if (form.flow === 'branch' && form.condition >= 0) return branch;
  return INTEGER_SETUPS.get(mnemonic) ?? CONTROL_SETUPS.get(mnemonic) ?? FLOAT_SETUPS.get(mnemonic);
}

/** LOCK where it is allowed, seldom where it is not; segment overrides where there is memory. */
function choosePrefixes(plan: Plan): void {
  const { random, form } = plan;
  if (form.lockable && random.oneIn(plan.memoryAt === 0 ? 6 : 40)) {
    plan.prefixes = { ...plan.prefixes, lock: true };
  }
  const source = form.operands.some(({ location }) => OVERRIDABLE.has(location));
  if (!(source || plan.hasMemory) || !random.oneIn(8)) return;
  const { es, ss, ds, fs, gs, cs } = registers;
  // CS cannot be written: #GP, which one case in a while may show.
  const segment = random.oneIn(10) ? cs : random.pick([es, ss, ds, fs, gs]);
  if (source) plan.prefixes = { ...plan.prefixes, segment };
  else plan.segment = segment;
}

const OVERRIDABLE: ReadonlySet<number> = new Set([
  Location.stringSource,
  Location.implicitDi,
  Location.implicitBxAl,
]);
