import type { Bits } from './addressing.ts';
import { AssemblerError } from './error.ts';
import { expression, label } from './expression.ts';
import type { Expression, ExpressionInput } from './expression.ts';
import type { Item } from './layout.ts';
import { layOut } from './layout.ts';
import { encodings } from './match.ts';
import { operations } from './operations.ts';
import type { Operations } from './operations.ts';
import { operand } from './operand.ts';
import type { OperandInput } from './operand.ts';
import { parsePrefixes } from './prefixes.ts';
import { parseText } from './text.ts';

/** Where a program begins and what code it begins with. */
export interface AssemblerOptions {
  /** 16, 32 or 64-bit code; 32 by default. */
  readonly bits?: Bits;
  /** Address of the first byte; 0 by default. */
  readonly origin?: number | bigint;
}

const FILL_NOP = 0x90;

/**
 * Collects instructions, labels and data and turns them into bytes.
 *
 * Branches take the shortest form that reaches. Labels may be used before they are defined. Errors
 * in a statement are thrown when it is added, errors that depend on addresses by {@link assemble};
 * all are {@link AssemblerError}.
 */
export class Assembler {
  /** One method for each mnemonic: `a.op.mov(eax, 5)`. */
  readonly op: Operations;
  private readonly items: Item[] = [];
  private readonly defined = new Set<string>();
  private readonly constants = new Map<string, Expression>();
  private readonly origin: bigint;
  private mode: Bits;
  private where = '';
  private anonymous = 0;
  private addresses: ReadonlyMap<string, bigint> | undefined;

  constructor(options: AssemblerOptions = {}) {
    this.mode = options.bits ?? 32;
    this.origin = BigInt(options.origin ?? 0);
    this.op = operations((mnemonic, operands) => this.emit(mnemonic, ...operands));
  }

  /**
   * Adds an instruction: `emit('add', eax, 5)`.
   *
   * Prefixes stand before the mnemonic: `lock`, `rep`, `repe`, `repne`, a segment register for
   * implied memory, `o16`, `o32`, `a16`, `a32`, `a64` for sizes, `short` and `near` for branches.
   */
  emit(instruction: string, ...inputs: readonly OperandInput[]): this {
    return this.located(() => {
      const operands = inputs.map(operand);
      const choices = encodings({ ...parsePrefixes(instruction, this.mode), operands });
      this.items.push({ kind: 'code', choices, text: instruction, where: this.place() });
    });
  }

  /** Defines a label at the current address. */
  label(name: string): this {
    return this.located(() => {
      this.define(name);
      this.items.push({ kind: 'label', name });
    });
  }

  /** The current address, `$` of other assemblers. */
  here(): Expression {
    // A name that no program can write, because of the space.
    const name = `here ${this.anonymous++}`;
    this.items.push({ kind: 'label', name });
    return label(name);
  }

  /** Gives a name to an expression: `equ('STACK', label('end').plus(4096))`. */
  equ(name: string, value: ExpressionInput): this {
    return this.located(() => {
      this.define(name);
      this.constants.set(name, expression(value));
    });
  }

  /** Switches to 16, 32 or 64-bit code for what follows. */
  bits(bits: Bits): this {
    this.mode = bits;
    return this;
  }

  /** Adds bytes; a string here is the name of a label, text is {@link ascii}. */
  db(...values: readonly ExpressionInput[]): this {
    return this.data(1, values);
  }

  /** Adds words of 16 bits, low byte first. */
  dw(...values: readonly ExpressionInput[]): this {
    return this.data(2, values);
  }

  /** Adds doublewords of 32 bits. */
  dd(...values: readonly ExpressionInput[]): this {
    return this.data(4, values);
  }

  /** Adds quadwords of 64 bits. */
  dq(...values: readonly ExpressionInput[]): this {
    return this.data(8, values);
  }

  /** Adds characters of one byte each. */
  ascii(text: string): this {
    return this.bytes(Array.from(text, (character) => character.charCodeAt(0)));
  }

  /** Adds characters and a zero byte. */
  asciz(text: string): this {
    return this.ascii(text).db(0);
  }

  /** Adds bytes as they are. */
  bytes(values: ArrayLike<number>): this {
    this.items.push({ kind: 'data', bytes: Uint8Array.from(values), fixups: [], where: '' });
    return this;
  }

  /** Adds `count` bytes of `value`. */
  fill(count: number, value: number = 0): this {
    return this.bytes(new Uint8Array(count).fill(value));
  }

  /** Adds bytes up to the next multiple of `boundary`, NOPs by default. */
  align(boundary: number, value: number = FILL_NOP): this {
    this.items.push({ kind: 'align', boundary: BigInt(boundary), value });
    return this;
  }

  /** Adds bytes up to an address: the reset vector of a BIOS stands at a fixed place. */
  fillTo(address: number | bigint, value: number = 0): this {
    const target = BigInt(address);
    this.items.push({ kind: 'fill-to', address: target, value, where: this.place() });
    return this;
  }

  /** Adds statements in Intel syntax: see `assembleText`. */
  text(source: string): this {
    for (const { line, add } of parseText(source)) {
      this.where = `line ${line}`;
      try {
        add(this);
      } finally {
        this.where = '';
      }
    }
    return this;
  }

  /** The bytes of the program, from the origin on. */
  assemble(): Uint8Array {
    const { bytes, addresses } = layOut(this.items, this.origin, this.constants);
    this.addresses = addresses;
    return bytes;
  }

  /** Address of a label or value of an EQU. Assembles what has been added so far. */
  addressOf(name: string): number {
    if (this.addresses === undefined || !this.addresses.has(name)) this.assemble();
    const address = this.addresses?.get(name);
    if (address === undefined) throw new AssemblerError('unknown-label', name, 'unknown label');
    return Number(address);
  }

  /** All labels with their addresses. */
  symbols(): ReadonlyMap<string, bigint> {
    this.assemble();
    const all = [...(this.addresses ?? [])];
    return new Map(all.filter(([name]) => !name.startsWith('here ')));
  }

  private define(name: string): void {
    if (this.defined.has(name)) {
      throw new AssemblerError('duplicate-label', name, 'label is defined twice');
    }
    this.defined.add(name);
  }

  private data(size: number, values: readonly ExpressionInput[]): this {
    const fixups = values.map((value, index) => ({
      at: index * size,
      size,
      expression: expression(value),
      range: 'plain' as const,
      width: 64 as const,
    }));
    const bytes = new Uint8Array(values.length * size);
    this.items.push({ kind: 'data', bytes, fixups, where: this.place() });
    this.addresses = undefined;
    return this;
  }

  /** Runs one addition and tells its errors where they are. */
  private located(add: () => void): this {
    this.addresses = undefined;
    try {
      add();
    } catch (error) {
      throw error instanceof AssemblerError && error.where === '' ? error.at(this.place()) : error;
    }
    return this;
  }

  private place(): string {
    return this.where === '' ? `statement ${this.items.length + 1}` : this.where;
  }
}

/** Assembles a program in Intel syntax; the syntax is described in the README of this package. */
export function assembleText(source: string, options: AssemblerOptions = {}): Uint8Array {
  return new Assembler(options).text(source).assemble();
}
