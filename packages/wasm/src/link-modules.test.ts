import { describe, expect, it } from 'vitest';
import { FunctionBody } from './function-body.ts';
import { linkModules } from './link-modules.ts';
import { ModuleBuilder } from './module-builder.ts';

type Numeric = (value: number) => number;

const type = { parameters: ['i32'], results: ['i32'] } as const;

/**
 * A module whose export `f` gives what `imported` makes of the sum of its parameter, a global and
 * `count`; it comes to that by a function behind it, with another type than its own.
 */
function part(imported: string, count: number, ...more: readonly string[]): Uint8Array {
  const builder = new ModuleBuilder();
  builder.importMemory('env', 'memory');
  const global = builder.importGlobal('page', 'base');
  const indexes = [...more, imported].map((name) => builder.importFunction('env', name, type));
  const outer = builder.declare(type);
  const inner = builder.declare({ parameters: ['i32', 'i32'], results: ['i32'] });
  const sum = new FunctionBody(['i32', 'i32'], 'relocatable');
  sum.get(0);
  sum.get(1);
  sum.op('i32.add');
  sum.getGlobal(global);
  sum.op('i32.add');
  sum.returnCall(indexes.at(-1) ?? 0);
  builder.define(inner, sum);
  const body = new FunctionBody(['i32'], 'relocatable');
  const local = body.local('i64');
  body.i64(BigInt(count));
  body.set(local);
  body.get(0);
  body.get(local);
  body.op('i32.wrap_i64');
  body.call(inner);
  builder.define(outer, body);
  builder.export('f', outer);
  builder.hint('optimized');
  return builder.build();
}

const env = {
  memory: new WebAssembly.Memory({ initial: 1 }),
  double: (value: number): number => 2 * value,
  negative: (value: number): number => -value,
};

describe('linkModules', () => {
  const parts = [part('double', 1), part('negative', 2, 'double'), part('double', 3, 'negative')];

  it('makes one module in which each part does what it did, with globals of its own', () => {
    const module = new WebAssembly.Module(linkModules(parts));
    const page = Object.fromEntries(
      parts.map((_, number) => [
        `${number}.base`,
        new WebAssembly.Global({ value: 'i32', mutable: true }, 100 * number),
      ]),
    );
    const { exports } = new WebAssembly.Instance(module, { env, page });
    const results = parts.map((_, number) => (exports[`${number}.f`] as Numeric)(10));
    expect(results).toEqual([22, -112, 426]);
    const imported = WebAssembly.Module.imports(module).map(({ name }) => name);
    expect(imported).toEqual(['memory', '0.base', '1.base', '2.base', 'double', 'negative']);
  });

  it('hints how functions are compiled, as the parts do', () => {
    const hints = (wasm: Uint8Array): boolean => {
      const text = Buffer.from(wasm).toString('latin1');
      const at = text.indexOf('compilationHints') + 'compilationHints'.length;
      return text.slice(at, at + 7) === `${String.fromCharCode(6)}${'\x2a'.repeat(6)}`;
    };
    expect(hints(linkModules(parts))).toBe(true);
  });

  it('refuses a module that does not say where its indexes are', () => {
    expect(() => linkModules([linkModules(parts)])).toThrow('was not made to be linked');
  });

  it('refuses a module with a table, and one with other sections', () => {
    const builder = new ModuleBuilder();
    builder.importTable('env', 'table', 1);
    expect(() => linkModules([builder.build()])).toThrow('a module with a table');
    const start = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 8, 1, 0);
    expect(() => linkModules([start])).toThrow('section 8 cannot be linked');
  });
});
