import { expect, it } from 'vitest';
import { hotCases } from './hot-variants.ts';
import { Interpreter, type InterpreterHost } from './interpreter.ts';

const host: InterpreterHost = {
  fetch: () => 0,
  cross: () => 0,
  readSlow: () => 0,
  writeSlow: () => undefined,
  probeSlow: () => undefined,
  reachSlow: () => 0,
  wroteSlow: () => undefined,
  callout: () => 0,
};

function makeInterpreter(order: number[]): Interpreter {
  const interpreter = new Interpreter(new WebAssembly.Memory({ initial: 16 }), host, hotCases());
  interpreter.numberAs(order);
  return interpreter;
}

// Forms that no case of the loop is for, with flags that make them variants of their own.
const variants = [1, 2, 3, 4].map((number) => (number << 26) >>> 0);

it('numbers handlers in the order of another run, and what that had not behind them', () => {
  const order: number[] = [];
  const first = makeInterpreter(order);
  const [one = 0, two = 0, three = 0, four = 0] = variants;
  const numbers = [one, two, three].map((variant) => first.handler(variant));
  expect(order).toEqual([one, two, three]);
  const second = makeInterpreter(order);
  expect(second.handler(four)).toBe(Math.max(...numbers) + 1);
  expect([three, two, one].map((variant) => second.handler(variant))).toEqual(numbers.reverse());
  expect(order).toEqual([one, two, three, four]);
});

it('has numbers for what is met where an order has names for all of them', () => {
  const interpreter = makeInterpreter(Array.from({ length: 40_000 }, (_, index) => -index - 10));
  const [one = 0, two = 0] = variants;
  expect(interpreter.handler(one)).toBeGreaterThan(0);
  expect(interpreter.handler(two)).not.toBe(interpreter.handler(one));
});
