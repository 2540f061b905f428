import { ByteWriter } from './byte-writer.ts';
import type { FunctionBody } from './function-body.ts';
import type { FunctionType, ValueType } from './value-type.ts';
import { valueTypeCodes } from './value-type.ts';

interface DefinedFunction {
  readonly type: number;
  body: FunctionBody | undefined;
}

/**
 * How functions are compiled: each when it is first called; or all before the module is there, by
 * the optimizing compiler at once.
 */
export type CompilationHint = 'lazy' | 'optimized';

/** Name of the custom section that says how functions are compiled. */
export const hintSection = 'compilationHints';

/** Name of the custom section that says which numbers in functions a linker changes. */
export const relocationSection = 'relocations';

/** Strategy in bits 0 and 1, first tier in bits 2 and 3, top tier in bits 4 and 5. */
const compilationHints = { lazy: 0b00_00_01, optimized: 0b10_10_10 } as const;

/**
 * Builds one WebAssembly module: types, imported functions and globals, an imported memory and
 * table, functions with bodies, exports and a start segment of table elements (Core Specification
 * 5.5).
 */
export class ModuleBuilder {
  readonly #types: ByteWriter[] = [];
  readonly #typeIndices = new Map<string, number>();
  readonly #imports: { module: string; name: string; type: number }[] = [];
  readonly #functions: DefinedFunction[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  readonly #elements: { offset: number; functions: readonly number[] }[] = [];
  #compilation: number | undefined;
  readonly #globals: { module: string; name: string }[] = [];
  #memory: { module: string; name: string } | undefined;
  #table: { module: string; name: string; minimum: number } | undefined;

  /** Index of a function type, shared by equal types. */
  type(type: FunctionType): number {
    const key = `${type.parameters.join()}:${type.results.join()}`;
    const known = this.#typeIndices.get(key);
    if (known !== undefined) return known;
    const bytes = new ByteWriter(16);
    bytes.byte(0x60);
    writeTypes(bytes, type.parameters);
    writeTypes(bytes, type.results);
    const index = this.#types.push(bytes) - 1;
    this.#typeIndices.set(key, index);
    return index;
  }

  /** Imports a function; all imports come before the first `declare`. */
  importFunction(module: string, name: string, type: FunctionType): number {
    if (this.#functions.length > 0) throw new Error('wasm: import after a defined function');
    return this.#imports.push({ module, name, type: this.type(type) }) - 1;
  }

  /** Imports the one memory, of any size. */
  importMemory(module: string, name: string): void {
    this.#memory = { module, name };
  }

  /** Imports a 32-bit global that the importer may change; returns its index. */
  importGlobal(module: string, name: string): number {
    return this.#globals.push({ module, name }) - 1;
  }

  /** Imports table 0 of function references with at least `minimum` slots. */
  importTable(module: string, name: string, minimum: number): void {
    this.#table = { module, name, minimum };
  }

  /** Reserves a function index, so that bodies can call functions that are defined later. */
  declare(type: FunctionType): number {
    const defined: DefinedFunction = { type: this.type(type), body: undefined };
    return this.#imports.length + this.#functions.push(defined) - 1;
  }

  /** Gives a declared function its body, whose final `end` is added here. */
  define(index: number, body: FunctionBody): void {
    const defined = this.#functions[index - this.#imports.length];
    if (defined === undefined) throw new Error(`wasm: function ${index} is not declared`);
    defined.body = body;
  }

  /** Exports a function. */
  export(name: string, index: number): void {
    this.#exports.push({ name, index });
  }

  /** Puts functions into table 0 from slot `offset` on when the module is instantiated. */
  elements(offset: number, functions: readonly number[]): void {
    this.#elements.push({ offset, functions });
  }

  /**
   * Says how an engine should compile the functions, in a custom section `compilationHints` (the
   * proposal of that name in its first form: a byte of strategy, first tier and top tier for each
   * function). V8 heeds it with `--experimental-wasm-compilation-hints`; others skip it.
   */
  hint(compilation: CompilationHint): void {
    this.#compilation = compilationHints[compilation];
  }

  /** The module's bytes. */
  build(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(65536);
    out.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    this.#typeSection(out);
    this.#importSection(out);
    writeSection(out, 3, this.#functions, (writer, defined) => writer.unsigned(defined.type));
    this.#hintSection(out);
    writeSection(out, 7, this.#exports, (writer, exported) => {
      writer.name(exported.name);
      writer.byte(0);
      writer.unsigned(exported.index);
    });
    writeSection(out, 9, this.#elements, (writer, segment) => {
      writer.bytes([0, 0x41]);
      writer.signed(segment.offset);
      writer.byte(0x0b);
      writer.unsigned(segment.functions.length);
      for (const index of segment.functions) writer.unsigned(index);
    });
    writeSection(out, 10, this.#functions, writeCode);
    this.#relocationSection(out);
    return out.toBytes();
  }

  #typeSection(out: ByteWriter): void {
    writeSection(out, 1, this.#types, (writer, type) => writer.append(type));
  }

  /** Behind the function section and before the code, where it is heeded. */
  #hintSection(out: ByteWriter): void {
    const hint = this.#compilation;
    if (hint === undefined) return;
    writeHints(
      out,
      this.#functions.map(() => hint),
    );
  }

  /**
   * For `linkModules`, in a custom section `relocations`: for each function how many indexes it
   * has, and for each of them twice the bytes since the one before, and 1 if it is a global's.
   */
  #relocationSection(out: ByteWriter): void {
    if (!this.#functions.some(({ body }) => body?.relocations !== undefined)) return;
    const content = new ByteWriter(256);
    content.name(relocationSection);
    for (const { body } of this.#functions) {
      if (body?.relocations === undefined) throw new Error('wasm: a function cannot be linked');
      content.unsigned(body.relocations.length);
      let before = 0;
      for (const { at, what } of body.relocations) {
        content.unsigned((at - before) * 2 + Number(what === 'global'));
        before = at;
      }
    }
    out.byte(0);
    out.unsigned(content.length);
    out.append(content);
  }

  #importSection(out: ByteWriter): void {
    const writers: ((writer: ByteWriter) => void)[] = [];
    const memory = this.#memory;
    if (memory !== undefined) {
      writers.push((writer) => {
        writer.name(memory.module);
        writer.name(memory.name);
        writer.bytes([2, 0, 0]);
      });
    }
    const table = this.#table;
    if (table !== undefined) {
      writers.push((writer) => {
        writer.name(table.module);
        writer.name(table.name);
        writer.bytes([1, 0x70, 0]);
        writer.unsigned(table.minimum);
      });
    }
    for (const { module, name } of this.#globals) {
      writers.push((writer) => {
        writer.name(module);
        writer.name(name);
        writer.bytes([3, valueTypeCodes.i32, 1]);
      });
    }
    for (const imported of this.#imports) {
      writers.push((writer) => {
        writer.name(imported.module);
        writer.name(imported.name);
        writer.byte(0);
        writer.unsigned(imported.type);
      });
    }
    writeSection(out, 2, writers, (writer, write) => write(writer));
  }
}

/** Writes the section that says how functions are compiled, a byte for each of them. */
export function writeHints(out: ByteWriter, hints: readonly number[]): void {
  const content = new ByteWriter(64);
  content.name(hintSection);
  content.unsigned(hints.length);
  content.bytes(hints);
  out.byte(0);
  out.unsigned(content.length);
  out.append(content);
}

/** Writes a section with a vector of items, unless there are none. */
export function writeSection<T>(
  out: ByteWriter,
  id: number,
  items: readonly T[],
  write: (writer: ByteWriter, item: T) => void,
): void {
  if (items.length === 0) return;
  const content = new ByteWriter(4096);
  content.unsigned(items.length);
  for (const item of items) write(content, item);
  out.byte(id);
  out.unsigned(content.length);
  out.append(content);
}

function writeTypes(writer: ByteWriter, types: readonly ValueType[]): void {
  writer.unsigned(types.length);
  for (const type of types) writer.byte(valueTypeCodes[type]);
}

function writeCode(writer: ByteWriter, defined: DefinedFunction): void {
  const body = defined.body;
  if (body === undefined) throw new Error('wasm: declared function without a body');
  const content = new ByteWriter(body.code.length + 64);
  content.unsigned(body.locals.length);
  for (const type of body.locals) {
    content.unsigned(1);
    content.byte(valueTypeCodes[type]);
  }
  content.append(body.code);
  content.byte(0x0b);
  writer.unsigned(content.length);
  writer.append(content);
}
