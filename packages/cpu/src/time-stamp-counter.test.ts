import { describe, expect, it } from 'vitest';

import { add, subtract, TimeStampCounter } from './time-stamp-counter.ts';

const words = (value: bigint) => ({
  low: Number(BigInt.asIntN(32, value)),
  high: Number(BigInt.asIntN(32, value >> 32n)),
});
const joined = ({ low, high }: { low: number; high: number }): bigint =>
  (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

function rig(start: number) {
  let ticks = start;
  let moves = 0;
  const counter = new TimeStampCounter({ tsc: () => ticks, tscWritten: () => (moves += 1) });
  const now = (): bigint => {
    counter.read();
    return joined(counter);
  };
  return { counter, now, pass: (more: number) => (ticks += more), moves: () => moves };
}

describe('TimeStampCounter', () => {
  it.each([0n, 5n, 0xffff_ffffn, 2n ** 53n + 1n, 2n ** 63n - 3n, 2n ** 63n + 1n, 2n ** 64n - 7n])(
    'counts on from %s tick by tick, whatever the clock reads',
    (value) => {
      for (const start of [0, 1, 0xffff_fff0, 2 ** 52 + 1]) {
        const { counter, now, pass, moves } = rig(start);
        const { low, high } = words(value);
        counter.read();
        counter.write(low, high);
        for (let tick = 0n; tick < 20n; tick += 1n, pass(1)) {
          expect(now()).toBe(BigInt.asUintN(64, value + tick));
        }
        expect(moves()).toBe(1);
      }
    },
  );

  it('goes on from the top when it is moved below zero', () => {
    const { counter, now } = rig(1000);
    counter.move(words(-1_000_000_000n));
    expect(now()).toBe(2n ** 64n - 999_999_000n);
    expect(counter.value()).toBe(Number(now()));
    counter.move(words(1_000_000_000n));
    expect([now(), counter.value()]).toEqual([1000n, 1000]);
  });

  it('says by how much a write moves it', () => {
    const { counter, pass } = rig(2 ** 40);
    pass(77);
    counter.read();
    expect(joined(counter.write(0, 0))).toBe(2n ** 64n - 2n ** 40n - 77n);
    counter.read();
    expect(joined(counter.write(5, 1))).toBe(2n ** 32n + 5n);
  });
});

it('adds and subtracts modulo 2^64', () => {
  const values = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];
  for (const one of values) {
    for (const other of values) {
      const sum = joined(add(words(one), words(other)));
      const difference = joined(subtract(words(one), words(other)));
      expect(sum).toBe(BigInt.asUintN(64, one + other));
      expect(difference).toBe(BigInt.asUintN(64, one - other));
    }
  }
});
