/**
 * Makes one module of several, as a linker makes a program of object files: an engine has costs for
 * each module, its code pages above all, that functions in one module share.
 *
 * What is linked was written by `ModuleBuilder` with relocatable functions, and so says where the
 * indexes of functions and globals are in them. It has no table.
 */
import { ByteWriter } from './byte-writer.ts';
import { writeHints, writeSection } from './module-builder.ts';
import type { FunctionPart, ImportedPart, ModuleParts } from './module-parts.ts';
import { takeApart } from './module-parts.ts';

/**
 * Links modules. Number `n` of them has its exports and imported globals under the names `n.name`;
 * the memory and functions are imported once. Throws an `Error` for what cannot be linked.
 */
export function linkModules(modules: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = modules.map(takeApart);
  const types = new Numbering<Uint8Array>();
  const imports = new Numbering<ByteWriter>();
  const globals: ByteWriter[] = [];
  const places = parts.map((part, number) => {
    const typeOf = part.types.map((type) => types.number(String(type), type));
    const functionOf = part.imports.map((imported) => {
      const { module, name, type } = imported;
      return imports.number(`${module} ${name}`, importBytes(imported, name, typeOf[type]));
    });
    const globalOf = part.globals.map(
      (global) => globals.push(importBytes(global, `${number}.${global.name}`)) - 1,
    );
    return { part, typeOf, functionOf, globalOf };
  });
  let first = imports.items.length;
  for (const { part, functionOf } of places) {
    for (const _ of part.functions) functionOf.push(first++);
  }
  const memory = parts.flatMap(({ memories }) => memories)[0];
  const memories = memory === undefined ? [] : [importBytes(memory, memory.name)];

  const out = new ByteWriter(65536);
  out.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  writeSection(out, 1, types.items, (writer, type) => writer.bytes(type));
  writeSection(out, 2, [...memories, ...globals, ...imports.items], (writer, bytes) =>
    writer.append(bytes),
  );
  const functions = places.flatMap((place) =>
    place.part.functions.map((part) => ({ part, place })),
  );
  writeSection(out, 3, functions, (writer, { part, place }) =>
    writer.unsigned(place.typeOf[part.type] ?? 0),
  );
  const hints = functions.flatMap(({ part }) => part.hint ?? []);
  if (hints.length === functions.length) writeHints(out, hints);
  writeSection(out, 7, exportsOf(places), (writer, { name, index }) => {
    writer.name(name);
    writer.byte(0);
    writer.unsigned(index);
  });
  writeSection(out, 10, functions, (writer, { part, place }) => {
    writer.unsigned(part.code.length);
    writer.bytes(moved(part, place));
  });
  return out.toBytes();
}

/** Where the parts of a module are in the linked one, by their indexes in their own. */
interface Place {
  readonly part: ModuleParts;
  readonly typeOf: readonly number[];
  readonly functionOf: readonly number[];
  readonly globalOf: readonly number[];
}

/** Different things in the order of their coming. */
class Numbering<T> {
  readonly items: T[] = [];
  readonly #numbers = new Map<string, number>();

  /** The number of the thing of a key. */
  number(key: string, item: T): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.items.length);
    return this.items.push(item) - 1;
  }
}

function importBytes(
  { module, description }: ImportedPart,
  name: string,
  type?: number,
): ByteWriter {
  const bytes = new ByteWriter(64);
  bytes.name(module);
  bytes.name(name);
  bytes.bytes(description);
  if (type !== undefined) bytes.unsigned(type);
  return bytes;
}

function exportsOf(places: readonly Place[]): { name: string; index: number }[] {
  return places.flatMap(({ part, functionOf }, number) =>
    part.exports.map(({ name, index }) => ({
      name: `${number}.${name}`,
      index: functionOf[index] ?? 0,
    })),
  );
}

/** A function's code with the indexes that it has in the linked module. */
function moved({ code, start, relocations }: FunctionPart, place: Place): Uint8Array {
  if (relocations === undefined) throw new Error('wasm: a module was not made to be linked');
  const bytes = code.slice();
  for (const { at, isGlobal } of relocations) {
    const where = start + at;
    const [low = 0, middle = 0, high = 0] = bytes.subarray(where, where + 3);
    const index = (low & 0x7f) | ((middle & 0x7f) << 7) | (high << 14);
    const now = (isGlobal ? place.globalOf : place.functionOf)[index];
    if (now === undefined) throw new Error('wasm: a relocation is not at an index');
    bytes[where] = (now & 0x7f) | 0x80;
    bytes[where + 1] = ((now >>> 7) & 0x7f) | 0x80;
    bytes[where + 2] = now >>> 14;
  }
  return bytes;
}
