/**
 * Prints modules of our own as WebAssembly text (Core Specification 2.0, chapter 6), one
 * instruction a line, nested ones indented; only what `ModuleBuilder` writes is read.
 */
import { ByteReader } from '@ringfence/wasm';
import { readInstruction, valueTypeName } from './wat-instruction.ts';

interface Signature {
  readonly parameters: readonly string[];
  readonly results: readonly string[];
}

/** Prints a module as text. */
export function moduleText(bytes: Uint8Array): string {
  return new Printer(bytes).text();
}

class Printer {
  readonly #reader: ByteReader;
  readonly #types: Signature[] = [];
  /** Names of all functions, the imported ones first, and their types. */
  readonly #functions: { name: string; type: number }[] = [];
  #imported = 0;
  #next = 0;
  readonly #lines: string[] = [];

  constructor(bytes: Uint8Array) {
    this.#reader = new ByteReader(bytes, 8);
  }

  text(): string {
    const reader = this.#reader;
    while (!reader.atEnd) {
      const id = reader.byte();
      const end = reader.unsigned() + reader.position;
      this.#section(id);
      reader.position = end;
    }
    return `(module\n${this.#lines.map((line) => `  ${line}`).join('\n')}\n)\n`;
  }

  #section(id: number): void {
    const reader = this.#reader;
    if (id === 1) reader.vector(() => this.#type());
    else if (id === 2) reader.vector(() => this.#import());
    else if (id === 3) {
      this.#imported = this.#functions.length;
      reader.vector((index) =>
        this.#functions.push({ name: `$f${index}`, type: reader.unsigned() }),
      );
    } else if (id === 7) reader.vector(() => this.#export());
    else if (id === 10) reader.vector(() => this.#function());
  }

  #type(): void {
    const reader = this.#reader;
    reader.byte();
    const parameters = reader.vector(() => valueTypeName(reader.byte()));
    const results = reader.vector(() => valueTypeName(reader.byte()));
    this.#types.push({ parameters, results });
  }

  #import(): void {
    const reader = this.#reader;
    const module = reader.name();
    const name = reader.name();
    const kind = reader.byte();
    if (kind === 0) {
      const type = reader.unsigned();
      this.#functions.push({ name: `$${name}`, type });
      this.#lines.push(`(import "${module}" "${name}" (func $${name}${this.#signature(type)}))`);
      return;
    }
    if (kind === 3) {
      const type = valueTypeName(reader.byte());
      const isMutable = reader.byte() === 1;
      this.#lines.push(
        `(import "${module}" "${name}" (global ${isMutable ? `(mut ${type})` : type}))`,
      );
      return;
    }
    if (kind === 1) reader.byte();
    const flags = reader.byte();
    const limits = flags === 0 ? [reader.unsigned()] : [reader.unsigned(), reader.unsigned()];
    const what = kind === 1 ? `table ${limits.join(' ')} funcref` : `memory ${limits.join(' ')}`;
    this.#lines.push(`(import "${module}" "${name}" (${what}))`);
  }

  #export(): void {
    const reader = this.#reader;
    const name = reader.name();
    reader.byte();
    const index = reader.unsigned();
    this.#lines.push(`(export "${name}" (func ${this.#nameOf(index)}))`);
  }

  #function(): void {
    const reader = this.#reader;
    const end = reader.unsigned() + reader.position;
    const declared = this.#functions[this.#imported + this.#next];
    this.#next += 1;
    const locals = reader
      .vector(() => ({ count: reader.unsigned(), type: valueTypeName(reader.byte()) }))
      .flatMap(({ count, type }) => Array.from({ length: count }, () => type));
    const words = locals.length === 0 ? '' : ` (local ${locals.join(' ')})`;
    this.#lines.push(`(func ${declared?.name}${this.#signature(declared?.type ?? 0)}${words}`);
    let depth = 1;
    while (reader.position < end) {
      const { text, closes, opens } = readInstruction(reader, this.#names);
      if (closes) depth -= 1;
      if (depth > 0) this.#lines.push(`${'  '.repeat(depth)}${text}`);
      if (opens) depth += 1;
    }
    this.#lines.push(')');
  }

  readonly #names = {
    functionName: (index: number): string => this.#nameOf(index),
    typeName: (index: number): string => `(type${this.#signature(index)})`,
  };

  #nameOf(index: number): string {
    return this.#functions[index]?.name ?? `$unknown${index}`;
  }

  #signature(type: number): string {
    const { parameters = [], results = [] } = this.#types[type] ?? {};
    const part = (word: string, list: readonly string[]): string =>
      list.length === 0 ? '' : ` (${word} ${list.join(' ')})`;
    return part('param', parameters) + part('result', results);
  }
}
