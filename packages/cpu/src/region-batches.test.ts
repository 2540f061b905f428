import { FunctionBody, ModuleBuilder } from '@ringfence/wasm';
import { describe, expect, it } from 'vitest';
import { RegionBatches } from './region-batches.ts';
import type { MadeRegion } from './region-record.ts';

/** The module of a region, which exports a constant. */
function moduleOf(value: number): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder();
  const index = builder.declare({ parameters: [], results: ['i32'] });
  const body = new FunctionBody([], 'relocatable');
  body.i32(value);
  builder.define(index, body);
  builder.export('0', index);
  return builder.build();
}

/** A region before it is entered, as far as it matters here. */
function made(number: number): MadeRegion {
  return { region: { state: 'compiling', number }, wasm: moduleOf(number) } as MadeRegion;
}

/** A module that the test has compiled when it wants to. */
interface Order {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly finish: (module: WebAssembly.Module) => void;
  readonly fail: (error: Error) => void;
}

/** Batches, what the engine was asked for, and what became of regions: -1 if they failed. */
function start(): {
  add: (region: MadeRegion) => void;
  size: () => number;
  orders: Order[];
  outcomes: Map<number, number>;
} {
  const orders: Order[] = [];
  const outcomes = new Map<number, number>();
  const batches = new RegionBatches({
    enter: ({ region }, { module, number }) => {
      if (region.number === 666) throw new RangeError('no room for an instance');
      const { exports } = new WebAssembly.Instance(module);
      outcomes.set(region.number, (exports[`${number}.0`] as () => number)());
    },
    fail: ({ region }) => outcomes.set(region.number, -1),
  });
  const compiler = {
    compile: (wasm: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> =>
      new Promise((finish, fail) => {
        orders.push({ wasm, finish, fail });
      }),
  };
  const add = (region: MadeRegion): void => {
    batches.add(region, compiler);
  };
  return { add, size: () => batches.size, orders, outcomes };
}

/** Has an order compiled, and what waits for that run. */
async function finish(order: Order | undefined): Promise<void> {
  order?.finish(new WebAssembly.Module(order.wasm));
  await new Promise((resolve) => setImmediate(resolve));
}

async function fail(order: Order | undefined): Promise<void> {
  order?.fail(new RangeError('out of code memory'));
  await new Promise((resolve) => setImmediate(resolve));
}

describe('RegionBatches', () => {
  it('compiles the first region at once, and those that wait for it in one module', async () => {
    const { add, size, orders, outcomes } = start();
    for (const number of [1, 2, 3, 4]) add(made(number));
    expect([orders.length, size()]).toEqual([1, 4]);
    await finish(orders[0]);
    expect([orders.length, size()]).toEqual([2, 3]);
    await finish(orders[1]);
    expect([orders.length, size()]).toEqual([2, 0]);
    expect([...outcomes]).toEqual([1, 2, 3, 4].map((number) => [number, number]));
  });

  it('compiles several modules at a time where many regions wait, but not any number', async () => {
    const { add, size, orders, outcomes } = start();
    for (let number = 1; number <= 100; number++) add(made(number));
    expect(orders).toHaveLength(4);
    for (let order = 0; order < orders.length; order++) await finish(orders[order]);
    expect([outcomes.size, size()]).toEqual([100, 0]);
    // 16 regions at most in each that was begun when another ended.
    expect(orders.length).toBeLessThan(12);
  });

  it('does not compile what was dropped while it waited', async () => {
    const { add, orders, outcomes, size } = start();
    const regions = [1, 2, 3].map(made);
    regions.forEach(add);
    for (const { region } of regions.slice(1)) region.state = 'dropped';
    await finish(orders[0]);
    expect([orders.length, size(), outcomes.size]).toEqual([1, 0, 1]);
  });

  it('compiles the regions of a module that the engine refuses each for itself', async () => {
    const { add, orders, outcomes, size } = start();
    for (const number of [1, 2, 3]) add(made(number));
    await finish(orders[0]);
    await fail(orders[1]);
    await finish(orders[2]);
    await fail(orders[3]);
    expect([...outcomes]).toEqual([
      [1, 1],
      [2, 2],
      [3, -1],
    ]);
    expect(size()).toBe(0);
  });

  it('goes on when a region cannot be entered', async () => {
    const { add, orders, outcomes, size } = start();
    for (const number of [1, 666, 3]) add(made(number));
    for (let order = 0; order < orders.length; order++) await finish(orders[order]);
    expect([outcomes.get(666), outcomes.get(3), size()]).toEqual([-1, 3, 0]);
  });
});
