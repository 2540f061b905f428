import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompiledRegion } from '@ringfence/machine';
import { FunctionBody, linkModules, ModuleBuilder } from '@ringfence/wasm';
import { afterAll, describe, expect, it } from 'vitest';
import { compileAsHinted } from './compilation-hints.ts';
import { ModuleFile } from './module-file.ts';
import { moduleSerializer } from './module-serializer.ts';

compileAsHinted();
const serializer = moduleSerializer();
if (serializer === undefined) throw new Error('this V8 gives no code of modules out');

const folder = mkdtempSync(join(tmpdir(), 'ringfence-modules-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A region's module whose export `add` adds a number. */
function adder(number: number): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder();
  const index = builder.declare({ parameters: ['i32'], results: ['i32'] });
  const body = new FunctionBody(['i32'], 'relocatable');
  body.get(0);
  body.i32(number);
  body.op('i32.add');
  builder.define(index, body);
  builder.export('add', index);
  builder.hint('optimized');
  return builder.build();
}

/** What stands for the program, of this version and of another. */
const [thisProgram, otherProgram] = [Uint8Array.of(1), Uint8Array.of(2)];

function open(path: string, fingerprint?: Uint8Array): ModuleFile {
  const file = ModuleFile.open(path, serializer ?? never(), fingerprint);
  return file ?? never();
}

function never(): never {
  throw new Error('there is no module file');
}

/** Has a file compile the modules that add these numbers, linked to one. */
async function compile(file: ModuleFile, ...numbers: number[]): Promise<WebAssembly.Module> {
  const regions = numbers.map(adder);
  return await file.compile(linkModules(regions), regions);
}

/** Has a file keep the modules that add these numbers, each for itself. */
async function keep(path: string, ...numbers: number[]): Promise<void> {
  const file = open(path);
  for (const number of numbers) await compile(file, number);
  file.close();
}

/** What a region that was found makes of 40. */
function sumOf(found: CompiledRegion | undefined): number | undefined {
  if (found === undefined) return undefined;
  const { exports } = new WebAssembly.Instance(found.module);
  return (exports[`${found.number}.add`] as (value: number) => number)(40);
}

/** What the module of a number makes of 40, undefined if the file does not have it. */
function found(path: string, number: number): number | undefined {
  const file = open(path);
  const sum = sumOf(file.find(adder(number)));
  file.close();
  return sum;
}

describe('a file of compiled modules', () => {
  it('has the modules of earlier runs, and no others', async () => {
    const path = join(folder, 'cache', 'ringfence', 'kept');
    await keep(path, 1, 2);
    await keep(path, 3);
    expect([1, 2, 3, 4].map((number) => found(path, number))).toEqual([41, 42, 43, undefined]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('has regions by the module that they were linked to, which is one object', async () => {
    const path = join(folder, 'linked');
    const file = open(path);
    await compile(file, 1, 2, 3);
    file.close();
    const again = open(path);
    const [third, first] = [3, 1].map((number) => again.find(adder(number)));
    expect([third, first].map(sumOf)).toEqual([43, 41]);
    expect(third?.module).toBe(first?.module);
    again.close();
  });

  it('has the modules of two runs at a time', async () => {
    const path = join(folder, 'shared');
    const files = [open(path), open(path)];
    await Promise.all(files.map((file, number) => compile(file, number)));
    for (const file of files) file.close();
    expect([0, 1].map((number) => found(path, number))).toEqual([40, 41]);
  });

  it('gives a module to this run though V8 does not give its code out', async () => {
    const fail = (): never => {
      throw new Error('no code is given out');
    };
    const path = join(folder, 'refusing');
    const file = ModuleFile.open(path, { serialize: fail, deserialize: fail });
    const { exports } = new WebAssembly.Instance(await compile(file ?? never(), 2));
    expect(Object.keys(exports)).toEqual(['0.add']);
    file?.close();
    expect(found(path, 2)).toBeUndefined();
  });

  it('is not read where it is damaged', async () => {
    const path = join(folder, 'damaged');
    await keep(path, 7);
    const bytes = readFileSync(path);
    // In the code, which is behind the header.
    const code = Buffer.from(bytes);
    code.writeUInt8(code.readUInt8(60) ^ 1, 60);
    writeFileSync(path, code);
    expect(found(path, 7)).toBeUndefined();
    for (const length of [0, 5, 40, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(found(path, 7)).toBeUndefined();
      await keep(path, 7);
      expect(found(path, 7)).toBe(47);
    }
  });

  it('throws at no bytes', async () => {
    const path = join(folder, 'broken');
    await keep(path, 1, 2, 3);
    const bytes = readFileSync(path);
    for (let seed = 1; seed < 300; seed++) {
      const broken = Buffer.from(bytes);
      // Not the digests of code: whoever forges those can as well change this program.
      const at = broken.length - 1 - ((seed * 7919) % 300);
      broken.writeUInt8((seed * 31) & 0xff, at);
      writeFileSync(path, broken);
      expect(() => found(path, 2)).not.toThrow();
    }
  });

  it('is started anew where others can write it', async () => {
    const path = join(folder, 'open');
    await keep(path, 5);
    chmodSync(path, 0o620);
    expect(found(path, 5)).toBeUndefined();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is none where no file can be', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(ModuleFile.open(join(folder, 'file', 'below'), serializer)).toBeUndefined();
    expect(ModuleFile.open(folder, serializer)).toBeUndefined();
  });
});

/** Has a file keep recipes under a key, each with the module that adds its number. */
async function keepRecipes(path: string, key: string, ...numbers: number[]): Promise<void> {
  const file = open(path, thisProgram);
  for (const number of numbers) {
    file.recipes?.keep(key, { recipe: Uint8Array.of(number), wasm: adder(number) });
    await compile(file, number);
  }
  file.close();
}

/** The numbers of recipes under a key, and what their modules make of 40. */
function recipesIn(path: string, key: string, fingerprint = thisProgram): number[][] {
  const file = open(path, fingerprint);
  const found = [...(file.recipes?.find(key) ?? [])].map(({ recipe, wasm }) => {
    expect(wasm).toEqual(adder(recipe[0] ?? 0));
    return [...recipe, sumOf(file.find(wasm)) ?? 0];
  });
  file.close();
  return found;
}

describe('the recipes in a file of compiled modules', () => {
  it('come back with their modules, the newest first and four at most', async () => {
    const path = join(folder, 'recipes');
    await keepRecipes(path, 'one', 1, 2);
    await keepRecipes(path, 'one', 3);
    await keepRecipes(path, 'two', 4);
    expect(recipesIn(path, 'one')).toEqual([
      [3, 43],
      [2, 42],
      [1, 41],
    ]);
    expect(recipesIn(path, 'two')).toEqual([[4, 44]]);
    expect(recipesIn(path, 'three')).toEqual([]);
    await keepRecipes(path, 'one', 5, 6);
    expect(recipesIn(path, 'one').map(([number]) => number)).toEqual([6, 5, 3, 2]);
  });

  it('are kept once', async () => {
    const path = join(folder, 'once');
    await keepRecipes(path, 'one', 1, 1);
    const { size } = statSync(path);
    await keepRecipes(path, 'one', 1);
    expect(statSync(path).size).toBe(size);
    expect(recipesIn(path, 'one')).toHaveLength(1);
  });

  it('are not those of another program, nor of one that is not known', async () => {
    const path = join(folder, 'program');
    await keepRecipes(path, 'one', 1);
    expect(recipesIn(path, 'one', otherProgram)).toEqual([]);
    expect(recipesIn(path, 'one', thisProgram)).toHaveLength(1);
    const file = open(path);
    expect(file.recipes).toBeUndefined();
    file.close();
  });

  it('are left out where they are damaged, and all of them where the file is cut', async () => {
    const path = join(folder, 'cut');
    await keepRecipes(path, 'one', 1);
    const bytes = readFileSync(path);
    const recipe = bytes.indexOf(adder(1));
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(recipe) ^ 1, recipe);
    writeFileSync(path, damaged);
    expect(recipesIn(path, 'one')).toEqual([]);
    expect(found(path, 1)).toBe(41);
    writeFileSync(path, bytes.subarray(0, -1));
    expect(recipesIn(path, 'one')).toEqual([]);
    expect(statSync(path).size).toBeLessThan(bytes.length);
  });

  it('have their WebAssembly bytes where the module is gone', async () => {
    const path = join(folder, 'gone');
    const file = open(path, thisProgram);
    file.recipes?.keep('one', { recipe: Uint8Array.of(9), wasm: adder(9) });
    file.close();
    expect(recipesIn(path, 'one')).toEqual([[9, 0]]);
    await expect(compile(open(path, thisProgram), 9)).resolves.toBeDefined();
  });
});
