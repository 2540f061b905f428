/**
 * Prints a piece of a function body as folded WebAssembly text (Core Specification 2.0, 6.5.13):
 * operands stand inside the instruction that takes them.
 */
import { ByteReader } from '@ringfence/wasm';
import { arityOf } from './wat-arity.ts';
import { readInstruction } from './wat-instruction.ts';

/** What folding needs to know of functions and locals. */
export interface FoldNames {
  functionName(index: number): string;
  /** How many parameters a function has, and whether it has a result. */
  signature(index: number): { readonly parameters: number; readonly hasResult: boolean };
  /** Name of a local, undefined for those that are numbered as they come. */
  localName(index: number): string | undefined;
}

/** Prints the instructions in `bytes`, which may end before blocks do. */
export function foldedText(bytes: Uint8Array, names: FoldNames): string {
  const folder = new Folder(bytes, names);
  folder.run();
  return folder.lines.map((line) => `${line}\n`).join('');
}

class Folder {
  readonly lines: string[] = [];
  readonly #reader: ByteReader;
  readonly #names: FoldNames;
  readonly #temporaries = new Map<number, number>();
  #stack: string[] = [];
  #depth = 0;

  constructor(bytes: Uint8Array, names: FoldNames) {
    this.#reader = new ByteReader(bytes);
    this.#names = names;
  }

  run(): void {
    let called = 0;
    const place = {
      functionName: (index: number): string => {
        called = index;
        return `$${this.#names.functionName(index)}`;
      },
      typeName: (index: number): string => `(type ${index})`,
    };
    while (!this.#reader.atEnd) {
      const { text, closes, opens } = readInstruction(this.#reader, place);
      const [name = ''] = text.split(' ', 1);
      if (closes || opens) this.#control(text, name, closes, opens);
      else if (name === 'call') this.#apply(text, this.#names.signature(called));
      else this.#plain(text, name);
    }
    this.#flush();
  }

  #control(text: string, name: string, closes: boolean, opens: boolean): void {
    const condition = name === 'if' ? ` ${this.#stack.pop() ?? '?'}` : '';
    // What is left is a block's result.
    this.#flush();
    if (closes) this.#depth -= 1;
    this.#line(text + condition);
    if (opens) this.#depth += 1;
    if (name === 'end') this.#results();
  }

  /** A block with a result leaves it for who comes next. */
  #results(): void {
    const open = this.lines.findLastIndex((line, index) => {
      const indent = line.search(/\S/);
      return index < this.lines.length - 1 && indent === this.#depth * 2 && !/^ *else/.test(line);
    });
    if (this.lines[open]?.includes('(result') === true) this.#stack.push('(result)');
  }

  #plain(text: string, name: string): void {
    const local = /^local\.(\w+) (\d+)$/.exec(text);
    if (local !== null) {
      const variable = this.#local(Number(local[2]));
      if (local[1] === 'get') this.#stack.push(variable);
      else
        this.#apply(`local.${local[1]} ${variable}`, {
          parameters: 1,
          hasResult: local[1] === 'tee',
        });
      return;
    }
    const parameters = { br_if: 1, br_table: 1, drop: 1, select: 3, return: 0 }[name];
    if (parameters !== undefined) this.#apply(text, { parameters, hasResult: name === 'select' });
    else if (name === 'br' || name === 'unreachable' || name === 'nop') {
      this.#apply(text, { parameters: 0, hasResult: false });
    } else {
      const { operands, hasResult } = arityOf(name);
      this.#apply(text, { parameters: operands, hasResult });
    }
  }

  #apply(text: string, signature: { parameters: number; hasResult: boolean }): void {
    const { parameters, hasResult } = signature;
    const from = this.#stack.length - parameters;
    const operands = parameters === 0 ? [] : this.#stack.splice(Math.max(from, 0));
    while (operands.length < parameters) operands.unshift('?');
    const folded = `(${[text, ...operands].join(' ')})`;
    if (hasResult) this.#stack.push(short(folded));
    else {
      this.#flush();
      this.#line(folded);
    }
  }

  #local(index: number): string {
    const name = this.#names.localName(index);
    if (name !== undefined) return `$${name}`;
    const number = this.#temporaries.get(index) ?? this.#temporaries.size;
    this.#temporaries.set(index, number);
    return `$${number}`;
  }

  /** Values that nobody has taken yet stand as lines of their own, before effects that follow. */
  #flush(): void {
    for (const value of this.#stack) this.#line(value);
    this.#stack = [];
  }

  #line(text: string): void {
    this.lines.push('  '.repeat(Math.max(this.#depth, 0)) + text);
  }
}

/** Constants are the most frequent operands: `(i32.const 4)` is written `4`. */
function short(text: string): string {
  return /^\(i32\.const (\S+)\)$/.exec(text)?.[1] ?? text;
}
