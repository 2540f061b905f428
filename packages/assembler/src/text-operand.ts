import { AssemblerError } from './error.ts';
import { Expression, label } from './expression.ts';
import { far, memory } from './operand.ts';
import type { MemoryParts, OperandInput } from './operand.ts';
import { REGISTERS_BY_NAME, isVector } from './registers.ts';
import type { Register } from './registers.ts';

/** Memory size words of Intel syntax, in bytes. */
const SIZE_WORDS: Readonly<Record<string, number>> = {
  byte: 1,
  word: 2,
  dword: 4,
  fword: 6,
  qword: 8,
  tword: 10,
  tbyte: 10,
  oword: 16,
  xmmword: 16,
  yword: 32,
  ymmword: 32,
};

const NUMBER = String.raw`0x[0-9a-f_]+|0b[01_]+|[0-9][0-9a-f_]*h\b|[0-9][0-9_]*`;
const NAME = String.raw`[a-z_.$?@][\w.$?@]*`;

/** Splits an operand list to tokens; throws for characters that begin none. */
export function tokenize(source: string): string[] {
  const tokens: string[] = [];
  const token = new RegExp(String.raw`\s*(${NUMBER}|'[^']'|${NAME}|[-+*()[\]:,])`, 'iy');
  const text = source.trimEnd();
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (match?.[1] === undefined) {
      throw new AssemblerError('syntax', text.slice(at).trim(), 'unexpected character');
    }
    tokens.push(match[1]);
  }
  return tokens;
}

/** Parses operands from tokens, by recursive descent. */
export class OperandParser {
  private readonly tokens: readonly string[];
  private readonly here: () => Expression;
  private next = 0;

  /** `here` gives the address that `$` stands for. */
  constructor(source: string, here: () => Expression) {
    this.tokens = tokenize(source);
    this.here = here;
  }

  /** Operands separated by commas, none for empty text. */
  operands(): OperandInput[] {
    if (this.tokens.length === 0) return [];
    return this.list(() => this.operand());
  }

  /** Expressions separated by commas. */
  expressions(): Expression[] {
    return this.list(() => this.sum());
  }

  private list<T>(parse: () => T): T[] {
    const values = [parse()];
    while (this.accept(',')) values.push(parse());
    if (this.next < this.tokens.length) throw this.unexpected();
    return values;
  }

  private operand(): OperandInput {
    let bytes = 0;
    let isFar = false;
    for (;;) {
      const word = this.peek().toLowerCase();
      const size = SIZE_WORDS[word];
      if (size !== undefined) bytes = size;
      else if (word === 'far') isFar = true;
      else if (word !== 'ptr') break;
      this.next++;
    }
    if (this.accept('[')) return this.memory(bytes, isFar);
    const register = this.register();
    if (register !== undefined) {
      if (register.class === 'segment' && this.accept(':')) {
        if (!this.accept('[')) throw this.unexpected();
        return this.memory(bytes, isFar, register);
      }
      return register;
    }
    const value = this.sum();
    return this.accept(':') ? far(value, this.sum()) : value;
  }

  /** A register, also in the spellings `st` and `st(1)`. */
  private register(): Register | undefined {
    const word = this.peek().toLowerCase();
    if (word === 'st') {
      this.next++;
      if (!this.accept('(')) return REGISTERS_BY_NAME.get('st0');
      const found = REGISTERS_BY_NAME.get(`st${this.take()}`);
      if (!this.accept(')') || found === undefined) throw this.unexpected();
      return found;
    }
    const register = REGISTERS_BY_NAME.get(word);
    if (register !== undefined) this.next++;
    return register;
  }

  /** The inside of brackets: registers, one with a scale, and an expression, in any order. */
  private memory(bytes: number, isFar: boolean, override?: Register): OperandInput {
    let segment = override;
    let base: Register | undefined;
    let index: Register | undefined;
    let scale = 1;
    let displacement = new Expression(0n);
    // [dword x] is an address of 32 bits.
    const addressBytes = SIZE_WORDS[this.peek().toLowerCase()];
    if (addressBytes !== undefined) this.next++;
    if (REGISTERS_BY_NAME.get(this.peek().toLowerCase())?.class === 'segment') {
      segment = this.register();
      if (!this.accept(':')) throw this.unexpected();
    }
    let sign = 1;
    do {
      const register = this.register();
      const factor = register === undefined ? undefined : this.scale();
      if (register === undefined) {
        const value = this.product();
        displacement = sign > 0 ? displacement.plus(value) : displacement.minus(value);
      } else if (sign < 0) {
        throw this.unexpected();
      } else if (factor === undefined && base === undefined) {
        base = register;
      } else if (index === undefined) {
        [index, scale] = [register, factor ?? 1];
      } else {
        throw this.unexpected();
      }
      sign = this.peek() === '-' ? -1 : 1;
    } while (this.accept('+') || this.accept('-'));
    if (!this.accept(']')) throw this.unexpected();
    // A vector register can only be the index.
    if (base !== undefined && isVector(base)) [base, index] = [index, base];
    // [ebx + esp]: ESP can only be the base.
    const isStack = index?.class === 'gpr' && index.number === 4 && index.bytes > 2;
    if (isStack && scale === 1) [base, index] = [index, base];
    const parts: Record<keyof MemoryParts, unknown> = {
      base,
      index,
      scale,
      displacement,
      segment,
      far: isFar,
      addressBits: addressBytes === undefined ? undefined : addressBytes * 8,
    };
    // Undefined parts count as missing; a scale outside 1, 2, 4, 8 is refused by memory().
    return memory(bytes, parts as MemoryParts);
  }

  private scale(): number | undefined {
    return this.accept('*') ? Number(this.atom().constant) : undefined;
  }

  private sum(): Expression {
    let value = this.product();
    for (;;) {
      if (this.accept('+')) value = value.plus(this.product());
      else if (this.accept('-')) value = value.minus(this.product());
      else return value;
    }
  }

  private product(): Expression {
    let value = this.atom();
    while (this.accept('*')) {
      const factor = this.atom();
      if (!value.isConstant || !factor.isConstant) {
        throw new AssemblerError('syntax', this.tokens.join(' '), 'only numbers can be multiplied');
      }
      value = new Expression(value.constant * factor.constant);
    }
    return value;
  }

  private atom(): Expression {
    if (this.accept('-')) return new Expression(0n).minus(this.atom());
    if (this.accept('(')) {
      const value = this.sum();
      if (!this.accept(')')) throw this.unexpected();
      return value;
    }
    const token = this.take();
    if (token === '$') return this.here();
    if (token.startsWith("'")) return new Expression(BigInt(token.charCodeAt(1)));
    if (/^[0-9]/.test(token)) return new Expression(parseNumber(token));
    if (!/^[a-z_.?@]/i.test(token) || REGISTERS_BY_NAME.has(token.toLowerCase())) {
      this.next--;
      throw this.unexpected();
    }
    return label(token);
  }

  private peek(): string {
    return this.tokens[this.next] ?? '';
  }

  private take(): string {
    return this.tokens[this.next++] ?? '';
  }

  private accept(token: string): boolean {
    if (this.peek() !== token) return false;
    this.next++;
    return true;
  }

  private unexpected(): AssemblerError {
    const found = this.peek() === '' ? 'end of line' : this.peek();
    return new AssemblerError('syntax', this.tokens.join(' '), `unexpected ${found}`);
  }
}

function parseNumber(token: string): bigint {
  const digits = token.replaceAll('_', '').toLowerCase();
  if (digits.endsWith('h') && !digits.startsWith('0x')) return BigInt(`0x${digits.slice(0, -1)}`);
  return BigInt(digits);
}
