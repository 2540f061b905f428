/** x87 arithmetic and comparison instructions: SDM vol. 1, 8.3.5 and 8.3.6. */
import { Location } from '@ringfence/isa';
import type { Value } from '../ir/value.ts';
import { CompareOption } from '../runtime/x87-compare.ts';
import type { InstructionContext } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { beginX87, loadOperand } from './x87-memory.ts';

/** Operations by their numbers in `x87Binary`. */
const kinds = { ADD: 0, SUB: 1, MUL: 2, DIV: 3 } as const;

/** Number of the stack register that operand `index` is. */
function stackNumber(c: InstructionContext, index: number): Value {
  return c.operand(index).location === Location.st0 ? c.b.i32(0) : c.source.stNumber(index);
}

interface Operation {
  readonly kind: 0 | 1 | 2 | 3;
  /** The operands change places. */
  readonly reverse: boolean;
  readonly pop?: boolean;
}

/** Names of the runtime functions of `kinds`. */
const names = ['x87Add', 'x87Sub', 'x87Mul', 'x87Div'] as const;

/** ST(0) op memory, a float or an integer. */
function withMemory(c: InstructionContext, { kind, reverse }: Operation): void {
  const b = c.b;
  const { bits, format } = loadOperand(c, 0);
  b.call(`${names[kind]}${format}`, 'void', bits, b.i32(reverse ? 1 : 0));
}

function withRegister(c: InstructionContext, { kind, reverse, pop }: Operation): void {
  const b = c.b;
  beginX87(c);
  const [to, other] = [stackNumber(c, 0), stackNumber(c, 1)];
  const operands = reverse ? [other, to] : [to, other];
  b.call(`${names[kind]}Stack`, 'void', to, ...operands, b.i32(pop === true ? 1 : 0));
}

function arithmetic(operation: Operation): Semantics {
  return (c) => {
    if (c.isMemory(0)) withMemory(c, operation);
    else withRegister(c, operation);
  };
}

function arithmeticTable(): SemanticsTable {
  const table: Record<string, Semantics> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    for (const suffix of kind === kinds.SUB || kind === kinds.DIV ? ['', 'R'] : ['']) {
      const operation = { kind, reverse: suffix === 'R' };
      table[`F${name}${suffix}`] = arithmetic(operation);
      table[`F${name}${suffix}P`] = arithmetic({ ...operation, pop: true });
      table[`FI${name}${suffix}`] = (c) => withMemory(c, operation);
    }
  }
  return table;
}

/** FCOM and its like: ST(0) with memory, ST(i), or ST(1) where there is no operand. */
function compare(options: number): Semantics {
  return (c) => {
    const b = c.b;
    const top = b.i32(0);
    if (c.form.operands.length > 0 && c.isMemory(0)) {
      const { bits, format } = loadOperand(c, 0);
      b.call(`x87Compare${format}`, 'i32', bits, b.i32(options));
      return;
    }
    beginX87(c);
    const other = c.form.operands.length > 1 ? stackNumber(c, 1) : b.i32(1);
    b.call('x87CompareStack', 'i32', top, other, b.i32(options));
  };
}

/** FCOMI and its like: the relation in ZF, PF and CF. */
function compareToFlags(options: number): Semantics {
  return (c) => {
    const b = c.b;
    beginX87(c);
    const all = b.i32(options | CompareOption.eflags);
    const found = b.call('x87CompareStack', 'i32', b.i32(0), stackNumber(c, 1), all);
    c.flags.fromEflags(found);
  };
}

/** A function without operands. */
function plain(name: string, ...options: number[]): Semantics {
  return (c) => {
    beginX87(c);
    c.b.call(name, 'void', ...options.map((option) => c.b.i32(option)));
  };
}

const { quiet, popOne, popTwo } = CompareOption;

/**
 * FADD, FSUB, FMUL, FDIV in all forms, FCOM, FUCOM, FICOM, FCOMI, FTST, FXAM, FSQRT, FCHS, FABS.
 */
export const x87ArithmeticSemantics: SemanticsTable = {
  ...arithmeticTable(),
  FCOM: compare(0),
  FCOMP: compare(popOne),
  FCOMPP: compare(popTwo),
  FUCOM: compare(quiet),
  FUCOMP: compare(quiet | popOne),
  FUCOMPP: compare(quiet | popTwo),
  FICOM: compare(0),
  FICOMP: compare(popOne),
  FCOMI: compareToFlags(0),
  FCOMIP: compareToFlags(popOne),
  FUCOMI: compareToFlags(quiet),
  FUCOMIP: compareToFlags(quiet | popOne),
  FTST: (c) => {
    const b = c.b;
    beginX87(c);
    b.call('x87CompareF64', 'i32', b.i64(0), b.i32(0));
  },
  FXAM: plain('x87Examine'),
  FSQRT: plain('x87SquareRoot'),
  FCHS: plain('x87Negate'),
  FABS: plain('x87Magnitude'),
  FRNDINT: plain('x87RoundInteger'),
  FSCALE: plain('x87Scale'),
  FXTRACT: plain('x87Extract'),
  FPREM: plain('x87Remainder', 0),
  FPREM1: plain('x87Remainder', 1),
  FSIN: plain('x87Sine'),
  FCOS: plain('x87Cosine'),
  FSINCOS: plain('x87SineCosine'),
  FPTAN: plain('x87Tangent'),
  FPATAN: plain('x87Arctangent'),
  FYL2X: plain('x87YLog2X'),
  FYL2XP1: plain('x87YLog2XPlus1'),
  F2XM1: plain('x87Exponential'),
};
