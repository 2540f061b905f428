import { expect, it } from 'vitest';
import { HandlerBatches } from './handler-batches.ts';

it('leaves few modules in use, however few handlers are compiled at a time', () => {
  const batches = new HandlerBatches();
  /** The module that each handler was compiled in last. */
  const modules = new Map<number, number>();
  let most = 0;
  let compiled = 0;
  for (let number = 0; number < 20_000; number++) {
    const handlers = batches.next([{ variant: number, number }]);
    compiled += handlers.length;
    for (const handler of handlers) modules.set(handler.number, number);
    if (number % 500 === 499) most = Math.max(most, new Set(modules.values()).size);
  }
  expect(modules.size).toBe(20_000);
  expect(most).toBeLessThan(1100);
  // Each is compiled twice at most.
  expect(compiled).toBeLessThan(40_000);
});
