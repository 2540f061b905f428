import type { Interpreter } from '@ringfence/translator';
import { FunctionBody, linkModules, ModuleBuilder } from '@ringfence/wasm';
import { expect, it } from 'vitest';
import { RegionModules } from './region-modules.ts';
import type { Entry, MadeRegion } from './region-record.ts';

/** The module of a region whose one entry gives the address of its page's code-page block. */
function moduleOf(): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder();
  const page = builder.importGlobal('page', '0');
  const index = builder.declare({ parameters: [], results: ['i32'] });
  const body = new FunctionBody([], 'relocatable');
  body.getGlobal(page);
  builder.define(index, body);
  builder.export('0', index);
  return builder.build();
}

/** A region with one entry, in a page with a code-page block there. */
function made(slot: number, block: number): MadeRegion {
  const entries = new Map([[0, { slot } as Entry]]);
  return { region: { entries }, pages: { 0: block } } as unknown as MadeRegion;
}

it('loads a module again only where one of its regions is there twice', () => {
  const table = new Map<number, () => number>();
  const modules = new RegionModules({
    load: (module, page = {}) => new WebAssembly.Instance(module, { page }).exports,
    install: (slots, entries) => {
      slots.forEach((slot, number) => table.set(slot, entries[number] as () => number));
    },
  } as Pick<Interpreter, 'load' | 'install'> as Interpreter);
  const module = new WebAssembly.Module(linkModules([moduleOf(), moduleOf()]));
  const regions = [made(1, 100), made(2, 200), made(3, 300), made(4, 400)];
  const [first, other, again, later] = regions as [MadeRegion, MadeRegion, MadeRegion, MadeRegion];
  modules.install(first, { module, number: 0 });
  modules.install(other, { module, number: 1 });
  expect(modules.count).toBe(1);
  modules.install(again, { module, number: 0 });
  expect(modules.count).toBe(2);
  expect([1, 2, 3].map((slot) => table.get(slot)?.())).toEqual([100, 200, 300]);
  modules.release(first.region);
  modules.install(later, { module, number: 0 });
  expect(modules.count).toBe(2);
  expect([2, 3, 4].map((slot) => table.get(slot)?.())).toEqual([200, 300, 400]);
});
