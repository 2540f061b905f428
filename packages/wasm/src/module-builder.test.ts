import { describe, expect, it } from 'vitest';
import { FunctionBody } from './function-body.ts';
import { ModuleBuilder } from './module-builder.ts';

type Numeric = (...values: number[]) => number;

function instantiate(builder: ModuleBuilder, env: Record<string, WebAssembly.ExportValue> = {}) {
  const module = new WebAssembly.Module(builder.build());
  return new WebAssembly.Instance(module, { env }).exports as Record<string, Numeric>;
}

function global(value: number): WebAssembly.Global {
  return new WebAssembly.Global({ value: 'i32', mutable: true }, value);
}

/** A module whose export `f` has the body that `write` gives it. */
function compile(parameters: readonly 'i32'[], write: (body: FunctionBody) => void): Numeric {
  const builder = new ModuleBuilder();
  const index = builder.declare({ parameters, results: ['i32'] });
  const body = new FunctionBody(parameters);
  write(body);
  builder.define(index, body);
  builder.export('f', index);
  return instantiate(builder)['f'] ?? (() => NaN);
}

describe('ModuleBuilder', () => {
  it.each([
    ['lazy', 0x01],
    ['optimized', 0x2a],
  ] as const)('hints with one byte for each function that they are %s', (compilation, byte) => {
    const builder = new ModuleBuilder();
    for (let count = 0; count < 2; count++) {
      builder.define(builder.declare({ parameters: [], results: [] }), new FunctionBody([]));
    }
    builder.hint(compilation);
    const module = new WebAssembly.Module(builder.build());
    const [section] = WebAssembly.Module.customSections(module, 'compilationHints');
    expect([...new Uint8Array(section ?? new ArrayBuffer(0))]).toEqual([2, byte, byte]);
  });

  it('imports globals, which bodies read', () => {
    const builder = new ModuleBuilder();
    builder.importGlobal('env', 'one');
    const two = builder.importGlobal('env', 'two');
    const index = builder.declare({ parameters: [], results: ['i32'] });
    const body = new FunctionBody([]);
    body.getGlobal(two);
    builder.define(index, body);
    builder.export('f', index);
    expect(instantiate(builder, { one: global(1), two: global(2) })['f']?.()).toBe(2);
  });

  it('lets functions call others that are defined later', () => {
    const builder = new ModuleBuilder();
    const type = { parameters: ['i32'], results: ['i32'] } as const;
    const outer = builder.declare(type);
    const inner = builder.declare(type);
    const first = new FunctionBody(['i32']);
    first.get(0);
    first.call(inner);
    const second = new FunctionBody(['i32']);
    second.get(0);
    second.i32(-7);
    second.op('i32.mul');
    builder.define(inner, second);
    builder.define(outer, first);
    builder.export('outer', outer);
    expect(instantiate(builder)['outer']?.(6)).toBe(-42);
  });

  it('shares equal types', () => {
    const builder = new ModuleBuilder();
    const one = builder.type({ parameters: ['i32', 'f64'], results: [] });
    const other = builder.type({ parameters: ['i32'], results: [] });
    expect(builder.type({ parameters: ['i32', 'f64'], results: [] })).toBe(one);
    expect(other).not.toBe(one);
  });

  it('imports memory, table and functions, and fills the table', () => {
    const builder = new ModuleBuilder();
    builder.importMemory('env', 'memory');
    builder.importTable('env', 'table', 4);
    const twice = builder.importFunction('env', 'twice', { parameters: ['i32'], results: ['i32'] });
    const index = builder.declare({ parameters: [], results: ['i32'] });
    const body = new FunctionBody([]);
    body.i32(0);
    body.memory('i32.load', 300);
    body.call(twice);
    builder.define(index, body);
    builder.elements(3, [index]);
    const memory = new WebAssembly.Memory({ initial: 1 });
    new DataView(memory.buffer).setInt32(300, 21, true);
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 4 });
    instantiate(builder, { memory, table, twice: (value: number) => 2 * value });
    expect([table.get(2), (table.get(3) as Numeric)()]).toEqual([null, 42]);
  });

  it('refuses an import after a declared function, and a body of an undeclared one', () => {
    const builder = new ModuleBuilder();
    builder.declare({ parameters: [], results: [] });
    const none = { parameters: [], results: [] };
    expect(() => builder.importFunction('env', 'late', none)).toThrow(/import after/);
    expect(() => builder.define(7, new FunctionBody([]))).toThrow(/not declared/);
  });
});

describe('FunctionBody', () => {
  it.each([0, 63, 64, -64, -65, 8191, 2 ** 31 - 1, -(2 ** 31)])('pushes the i32 %d', (value) => {
    expect(compile([], (body) => body.i32(value))()).toBe(value);
  });

  it('finds the depth of branches out of nested blocks and into loops', () => {
    // Counts down from the parameter, and leaves both blocks at 3.
    const f = compile(['i32'], (body) => {
      const outer = body.block();
      const loop = body.loop();
      const inner = body.block();
      body.get(0);
      body.i32(3);
      body.op('i32.eq');
      body.brIf(outer);
      body.end(inner);
      body.get(0);
      body.i32(1);
      body.op('i32.sub');
      body.set(0);
      body.br(loop);
      body.end(loop);
      body.end(outer);
      body.get(0);
    });
    expect(f(1000)).toBe(3);
  });

  it('branches by a table', () => {
    const f = compile(['i32'], (body) => {
      const otherwise = body.block();
      const one = body.block();
      const zero = body.block();
      body.get(0);
      body.brTable([zero, one], otherwise);
      body.end(zero);
      body.i32(10);
      body.return();
      body.end(one);
      body.i32(11);
      body.return();
      body.end(otherwise);
      body.i32(12);
    });
    expect([f(0), f(1), f(2), f(-1)]).toEqual([10, 11, 12, 12]);
  });

  it('takes released locals again, by type', () => {
    const body = new FunctionBody(['i32']);
    const kept = body.local('i32');
    body.keepLocals();
    const [first, wide] = [body.local('i32'), body.local('i64')];
    body.releaseLocals();
    expect([kept, first, wide]).toEqual([1, 2, 3]);
    expect([body.local('i64'), body.local('i32'), body.local('i32')]).toEqual([3, 2, 4]);
  });
});
