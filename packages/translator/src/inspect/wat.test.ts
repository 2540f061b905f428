import { FunctionBody, ModuleBuilder } from '@ringfence/wasm';
import { expect, it } from 'vitest';
import { moduleText } from './wat.ts';

it('shows imports of each kind, and what reads a global', () => {
  const builder = new ModuleBuilder();
  builder.importMemory('env', 'memory');
  const page = builder.importGlobal('page', '-1');
  builder.importFunction('env', 'chain', { parameters: ['i32'], results: ['i32'] });
  const body = new FunctionBody([]);
  body.getGlobal(page);
  builder.define(builder.declare({ parameters: [], results: ['i32'] }), body);
  const text = moduleText(builder.build());
  expect(text).toContain('(import "env" "memory" (memory 0))');
  expect(text).toContain('(import "page" "-1" (global (mut i32)))');
  expect(text).toContain('(import "env" "chain" (func $chain (param i32) (result i32)))');
  expect(text).toContain('global.get 0');
});
