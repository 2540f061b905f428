/**
 * The fast path of SSE floating point against the slow one: with default controls and the inexact
 * flag set, numbers go through WebAssembly's vector operations; with the flag clear they do not.
 */
import { CpuState } from '@ringfence/memory';
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { pendingFlags } from '../runtime/sse-float-format.ts';
import { TestMachine } from './test-machine.ts';

const defaultControl = 0x1f80;
const inexact = 0x20;

/** Zeros, ones, ends of the ranges, denormals, infinities, NaNs of single precision. */
const singles = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x3f800001, 0x4b000001, 0x4effffff, 0x4f000000, 0xcf000000,
  0x00800000, 0x00800001, 0x00ffffff, 0x01000000, 0x80800000, 0x007fffff, 0x00000001, 0x7f7fffff,
  0xff7fffff, 0x7f000000, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001, 0x3effffff, 0x3f000000,
  0x40490fdb, 0xc2f6e979, 0x1f800000, 0x20000000, 0x5f800000, 0x3fc00000, 0x40200000,
]; // prettier-ignore

/** The same for double precision, upper halves with some lower ones. */
const doubles: readonly (readonly [number, number])[] = [
  [0, 0], [0x80000000, 0], [0x3ff00000, 0], [0xbff00000, 1], [0x3ff00000, 1], [0x43300000, 1],
  [0x41dfffff, 0xffc00000], [0x41dfffff, 0xffffffff], [0x41e00000, 0], [0xc1e00000, 0],
  [0xc1e00000, 0x00200000], [0x00100000, 0], [0x00100000, 1], [0x001fffff, 0xffffffff],
  [0x00200000, 0], [0x000fffff, 0xffffffff], [0, 1], [0x7fefffff, 0xffffffff], [0x7fe00000, 0],
  [0x7ff00000, 0], [0xfff00000, 0], [0x7ff80000, 1], [0x7ff00000, 1], [0x3fe00000, 0],
  [0x400921fb, 0x54442d18], [0x38100000, 0], [0x38000000, 0], [0x380fffff, 0xffffffff],
  [0x47efffff, 0xe0000000], [0x47efffff, 0xefffffff], [0x47e00000, 0], [0x20000000, 0],
  [0x1ff00000, 0], [0x3ff80000, 0], [0x40040000, 0],
]; // prettier-ignore

/** A generator of 32-bit numbers (Marsaglia, "Xorshift RNGs", 2003). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Sixteen bytes of edge values or, now and then, of random ones near 1. */
function operand(next: () => number, double: boolean): number[] {
  const words: number[] = [];
  while (words.length < 4) {
    const pick = next() % 3;
    if (double) {
      const near = [next(), 0x3fe00000 + (next() & 0x80ffffff)] as const;
      const [high = 0, low = 0] = doubles[next() % doubles.length] ?? [];
      words.push(...(pick === 0 ? near : ([low, high] as const)));
    } else
      words.push(
        pick === 0 ? 0x3f000000 + (next() & 0x80ffffff) : (singles[next() % singles.length] ?? 0),
      );
  }
  return words;
}

const arithmetic = ['add', 'sub', 'mul', 'div', 'sqrt', 'min', 'max'];
const suffixes = ['ps', 'ss', 'pd', 'sd'];
const conversions = [
  'cvtdq2ps', 'cvtps2dq', 'cvttps2dq', 'cvtpd2dq', 'cvttpd2dq', 'cvtps2pd', 'cvtpd2ps', 'cvtss2sd',
  'cvtsd2ss', 'haddps', 'haddpd', 'hsubps', 'addsubps', 'addsubpd',
]; // prettier-ignore

const instructions: readonly string[] = [
  ...arithmetic.flatMap((name) => suffixes.map((suffix) => `${name}${suffix} xmm1, xmm2`)),
  ...suffixes.flatMap((suffix) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((predicate) => `cmp${suffix} xmm1, xmm2, ${predicate}`),
  ),
  ...suffixes.flatMap((suffix) =>
    [0, 1, 2, 3, 4, 8, 9].map((mode) => `round${suffix} xmm1, xmm2, ${mode}`),
  ),
  ...conversions.map((name) => `${name} xmm1, xmm2`),
  ...['cvtss2si', 'cvttss2si', 'cvtsd2si', 'cvttsd2si'].map((name) => `${name} eax, xmm2`),
  'dpps xmm1, xmm2, 0xff',
  'dppd xmm1, xmm2, 0x33',
  'dpps xmm1, xmm2, 0x71',
];

describe('the fast path', () => {
  const unused = 0x5a5a;
  it.each(['addps', 'mulsd', 'divpd', 'sqrtss', 'cmpps', 'cvtps2dq'])(
    'serves %s of ordinary numbers once the inexact flag is set',
    (name) => {
      const machine = new TestMachine();
      const bits = name === 'cvtps2dq' || name.endsWith('ps') || name.endsWith('ss');
      const one = bits
        ? '3f800000 3f800000 3f800000 3f800000'
        : '3ff0000000000000 3ff0000000000000';
      machine.setXmm(1, one);
      machine.setXmm(2, one);
      machine.setWord(CpuState.mxcsr, defaultControl | inexact);
      machine.setWord(pendingFlags, unused);
      machine.execute(`${name} xmm1, xmm2${name === 'cmpps' ? ', 1' : ''}`);
      expect(machine.word(pendingFlags)).toBe(unused);
    },
  );
});

describe('the fast and the slow path agree about', () => {
  const machine = new TestMachine();
  const run = (code: Uint8Array, left: number[], right: number[], control: number): string => {
    left.forEach((word, index) => machine.setWord(CpuState.xmm + 16 + 4 * index, word));
    right.forEach((word, index) => machine.setWord(CpuState.xmm + 32 + 4 * index, word));
    machine.setWord(CpuState.mxcsr, control);
    machine.set('eax', 0);
    machine.executeBytes(code);
    const flags = machine.word(CpuState.mxcsr) | inexact;
    const integer = machine.get('eax').toString(16);
    return `${machine.xmm(1)} ${integer} ${flags.toString(16)} ${machine.fault}`;
  };

  it.each(instructions)('%s', (text) => {
    const code = assembleText(text, { bits: 32 });
    const next = generator(0x2545f491);
    const double = /[ps]d |pd2|sd2/.test(text);
    for (let round = 0; round < 300; round++) {
      const [left, right] = [operand(next, double), operand(next, double)];
      const fast = run(code, left, right, defaultControl | inexact);
      const slow = run(code, left, right, defaultControl);
      const name = [left, right].map((words) => words.map((word) => word.toString(16)).join(' '));
      expect(fast, name.join(', ')).toBe(slow);
    }
  });
});
