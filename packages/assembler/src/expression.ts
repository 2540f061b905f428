import { AssemblerError } from './error.ts';

/** Anything that stands for a value: a number, a label by its name, or an expression of them. */
export type ExpressionInput = number | bigint | string | Expression;

interface Term {
  readonly name: string;
  readonly sign: 1n | -1n;
}

/** A constant plus and minus labels; immutable, so that one expression can be used many times. */
export class Expression {
  readonly constant: bigint;
  readonly terms: readonly Term[];

  constructor(constant: bigint, terms: readonly Term[] = []) {
    this.constant = constant;
    this.terms = terms;
  }

  /** The sum, as in `label('table').plus(8)`. */
  plus(other: ExpressionInput): Expression {
    const { constant, terms } = expression(other);
    return new Expression(this.constant + constant, [...this.terms, ...terms]);
  }

  /** The difference, as in `label('end').minus('start')`. */
  minus(other: ExpressionInput): Expression {
    const { constant, terms } = expression(other);
    const negated = terms.map(({ name, sign }): Term => ({ name, sign: sign === 1n ? -1n : 1n }));
    return new Expression(this.constant - constant, [...this.terms, ...negated]);
  }

  /** The value with every label replaced by `resolve(name)`. */
  evaluate(resolve: (name: string) => bigint): bigint {
    return this.terms.reduce((sum, { name, sign }) => sum + sign * resolve(name), this.constant);
  }

  /** No labels: the value is known at once. */
  get isConstant(): boolean {
    return this.terms.length === 0;
  }

  toString(): string {
    const names = this.terms.map(({ name, sign }) => (sign === 1n ? `+${name}` : `-${name}`));
    const tail = this.constant === 0n && names.length > 0 ? '' : signed(this.constant);
    return (names.join('') + tail).replace(/^\+/, '');
  }
}

function signed(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `+0x${value.toString(16)}`;
}

/** The address of a label, which may be defined later. */
export function label(name: string): Expression {
  return new Expression(0n, [{ name, sign: 1n }]);
}

/** Turns a number or the name of a label into an expression. */
export function expression(input: ExpressionInput): Expression {
  if (input instanceof Expression) return input;
  if (typeof input === 'string') return label(input);
  if (typeof input === 'number' && !Number.isSafeInteger(input)) {
    throw new AssemblerError('bad-operand', String(input), 'number is not a safe integer');
  }
  return new Expression(BigInt(input));
}
