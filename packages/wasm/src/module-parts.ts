/** Takes modules apart that `ModuleBuilder` wrote. */
import { ByteReader } from './byte-reader.ts';
import { hintSection, relocationSection } from './module-builder.ts';

/** What a module imports under one name. */
export interface ImportedPart {
  readonly module: string;
  readonly name: string;
  /** What the import section says behind the names; of a function without its type. */
  readonly description: Uint8Array;
}

/** A place in instructions that holds an index in three bytes. */
export interface RelocationPart {
  readonly at: number;
  /** Whether it is that of a global, not of a function. */
  readonly isGlobal: boolean;
}

/** A function of a module. */
export interface FunctionPart {
  /** Index of its type. */
  readonly type: number;
  /** Its byte that says how it is compiled, if there is one. */
  hint: number | undefined;
  /** Its locals and instructions. */
  code: Uint8Array;
  /** Where the instructions begin in `code`. */
  start: number;
  /** Places in the instructions that hold indexes; undefined where it does not say. */
  relocations: readonly RelocationPart[] | undefined;
}

/** A module taken apart; what has no place here it does not have. */
export interface ModuleParts {
  /** The bytes of its types. */
  readonly types: Uint8Array[];
  /** Its memory, in a list of one. */
  readonly memories: ImportedPart[];
  readonly globals: ImportedPart[];
  readonly imports: (ImportedPart & { readonly type: number })[];
  readonly functions: FunctionPart[];
  /** Functions, imported ones counted first. */
  readonly exports: { readonly name: string; readonly index: number }[];
}

/** Takes a module apart; throws an `Error` where it has what a linker does not join. */
export function takeApart(wasm: Uint8Array): ModuleParts {
  const parts: ModuleParts = {
    types: [],
    memories: [],
    globals: [],
    imports: [],
    functions: [],
    exports: [],
  };
  const reader = new ByteReader(wasm, 8);
  while (!reader.atEnd) {
    const id = reader.byte();
    const end = reader.unsigned() + reader.position;
    readSection(id, end, reader, parts);
    reader.position = end;
  }
  return parts;
}

function readSection(id: number, end: number, reader: ByteReader, parts: ModuleParts): void {
  const { types, functions, exports } = parts;
  if (id === 0) readCustom(reader, functions);
  else if (id === 1) types.push(...reader.vector(() => readType(reader)));
  else if (id === 2) reader.vector(() => readImport(reader, parts));
  else if (id === 3) functions.push(...reader.vector(() => newFunction(reader.unsigned())));
  else if (id === 7) exports.push(...reader.vector(() => readExport(reader)));
  else if (id === 10) reader.vector((index) => readCode(reader, functions[index]));
  else throw new Error(`wasm: section ${id} cannot be linked`);
  if (reader.position > end) throw new Error(`wasm: section ${id} ends early`);
}

function newFunction(type: number): FunctionPart {
  return { type, hint: undefined, code: new Uint8Array(), start: 0, relocations: undefined };
}

function readType(reader: ByteReader): Uint8Array {
  const start = reader.position;
  reader.byte();
  for (let list = 0; list < 2; list++) reader.bytes(reader.unsigned());
  const { position } = reader;
  reader.position = start;
  return reader.bytes(position - start);
}

function readImport(reader: ByteReader, { memories, globals, imports }: ModuleParts): void {
  const [module, name] = [reader.name(), reader.name()];
  const start = reader.position;
  const kind = reader.byte();
  if (kind === 0) {
    imports.push({ module, name, type: reader.unsigned(), description: Uint8Array.of(0) });
    return;
  }
  if (kind === 1) throw new Error('wasm: a module with a table cannot be linked');
  // A memory without a maximum, or a global: two bytes, and the least size of the memory.
  if (kind === 2) {
    reader.byte();
    reader.unsigned();
  } else reader.bytes(2);
  const { position } = reader;
  reader.position = start;
  const description = reader.bytes(position - start);
  (kind === 2 ? memories : globals).push({ module, name, description });
}

function readExport(reader: ByteReader): { name: string; index: number } {
  const name = reader.name();
  reader.byte();
  return { name, index: reader.unsigned() };
}

function readCode(reader: ByteReader, part: FunctionPart | undefined): void {
  const code = reader.bytes(reader.unsigned());
  if (part === undefined) return;
  const inside = new ByteReader(code);
  inside.vector(() => {
    inside.unsigned();
    inside.byte();
  });
  part.code = code;
  part.start = inside.position;
}

function readCustom(reader: ByteReader, functions: readonly FunctionPart[]): void {
  const name = reader.name();
  if (name === hintSection) {
    reader.vector((index) => {
      const [part, hint] = [functions[index], reader.byte()];
      if (part !== undefined) part.hint = hint;
    });
  } else if (name === relocationSection) {
    for (const part of functions) {
      let at = 0;
      part.relocations = reader.vector(() => {
        const word = reader.unsigned();
        at += word >>> 1;
        return { at, isGlobal: (word & 1) === 1 };
      });
    }
  }
}
