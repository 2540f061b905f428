/** x87 arithmetic against exact integers, over operands that are near what rounding turns on. */
import { CpuState } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { TestMachine } from './test-machine.ts';
import { expectedOf, type Extended } from './test-x87-oracle.ts';

const resultBits = 0x220;

/** Numbers from a seed, the same each time. */
class Numbers {
  #state: bigint;

  constructor(seed: number) {
    this.#state = BigInt(seed) * 0x9e37_79b9_7f4a_7c15n;
  }

  next(): bigint {
    this.#state = BigInt.asUintN(64, this.#state * 6364136223846793005n + 1442695040888963407n);
    return this.#state >> 11n;
  }

  below(limit: number): number {
    return Number(this.next() % BigInt(limit));
  }

  significand(): bigint {
    const [low, high] = [this.next(), this.next()];
    const random = BigInt.asUintN(64, (high << 32n) ^ low);
    const shapes = [
      random,
      random & ~0x7ffn,
      random & ~0xff_ffff_ffffn,
      0n,
      (1n << 64n) - 1n - (random & 3n),
      random & 0xfffn,
      1n << BigInt(this.below(63)),
      random | 0xffff_ffffn,
    ];
    return (shapes[this.below(shapes.length)] ?? 0n) | (1n << 63n);
  }

  number(exponent: number): Extended {
    const sign = this.below(2) === 0 ? 0 : 0x8000;
    return { word: sign | exponent, significand: this.significand() };
  }

  /** Two operands, mostly so near that sums cancel or round. */
  pair(): [Extended, Extended] {
    const left = this.number(16383 - 40 + this.below(80));
    const distances = [0, 0, 1, 2, 11, 53, 62, 63, 64, 65, 66, 100, 127, 128, 140];
    const distance = distances[this.below(distances.length)] ?? 0;
    const turned = this.below(2) === 0 ? distance : -distance;
    const right = this.number((left.word & 0x7fff) + turned);
    // Now and then the same significand, so that differences are nothing or one bit.
    if (this.below(5) > 0) return [left, right];
    return [left, { word: right.word, significand: left.significand }];
  }
}

/** ST(0) and ST(1) in physical registers 0 and 1. */
function put(m: TestMachine, values: readonly Extended[]): void {
  values.forEach(({ word, significand }, number) => {
    const at = CpuState.fpu + 16 * number;
    m.view.setBigUint64(at, significand, true);
    m.view.setUint16(at + 8, word, true);
  });
  m.setWord(CpuState.fpuTags, (1 << values.length) - 1);
  m.setWord(CpuState.fpuStatus, 0);
}

function shown(m: TestMachine, number: number): string {
  const at = CpuState.fpu + 16 * number;
  const status = m.word(CpuState.fpuStatus) & resultBits;
  return text(m.view.getUint16(at + 8, true), m.view.getBigUint64(at, true), status);
}

function text(word: number, significand: bigint, status: number): string {
  return `${word.toString(16)} ${significand.toString(16)} ${status.toString(16)}`;
}

function wanted(
  operation: string,
  [left, right]: readonly [Extended, Extended],
  bits: number,
  mode: number,
): string | undefined {
  const expected = expectedOf(operation, left, right, bits, mode);
  return expected && text(expected.word, expected.significand, expected.status);
}

const precisions = [
  [24, 0],
  [53, 2],
  [64, 3],
] as const;

const rounds = 120;

describe.each(['fadd', 'fsub', 'fmul', 'fdiv'])('%s', (operation) => {
  it.each(precisions)('is that of exact integers with %d bits', (bits, field) => {
    const m = new TestMachine();
    const numbers = new Numbers(bits);
    let compared = 0;
    for (let round = 0; round < rounds; round++) {
      const mode = round % 4 === 3 ? 1 + (round % 3) : 0;
      m.setWord(CpuState.fpuControl, 0x7f | (field << 8) | (mode << 10));
      const pair = numbers.pair();
      const want = wanted(operation, pair, bits, mode);
      if (want === undefined) continue;
      put(m, pair);
      m.execute(`${operation} st, st(1)`);
      expect(shown(m, 0), JSON.stringify(pair.map((x) => text(x.word, x.significand, 0)))).toBe(
        want,
      );
      put(m, [pair[1], pair[0]]);
      m.execute(`${operation}p st(1), st`);
      expect(m.word(CpuState.fpuTags)).toBe(2);
      expect(shown(m, 1)).toBe(want);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(rounds / 2);
  });
});
