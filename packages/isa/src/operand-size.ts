import type { SizeCode } from './form.ts';

/**
 * Bytes of each size letter at operand size 16, 32 and 64 (SDM vol. 2D, A.2.2).
 *
 * Letters that the manual does not have: `bs` a byte sign-extended to the operand size, `t` ten
 * bytes (x87), `yy` twice `y` (CMPXCHG16B), `n` the native width of the mode (moves to control
 * registers), `e` an x87 environment, `f` an x87 state, `fx` an FXSAVE area; no letter: no size
 * (INVLPG).
 */
const BYTES: Readonly<Record<SizeCode, readonly [number, number, number]>> = {
  '': [0, 0, 0],
  b: [1, 1, 1],
  bs: [1, 1, 1],
  w: [2, 2, 2],
  d: [4, 4, 4],
  q: [8, 8, 8],
  dq: [16, 16, 16],
  qq: [32, 32, 32],
  t: [10, 10, 10],
  v: [2, 4, 8],
  z: [2, 4, 4],
  y: [4, 4, 8],
  yy: [8, 8, 16],
  n: [4, 4, 8],
  p: [4, 6, 10],
  a: [4, 8, 8],
  s: [6, 6, 10],
  e: [14, 28, 28],
  f: [94, 108, 108],
  fx: [512, 512, 512],
};

/** Bytes of an operand with this size letter, at the operand size 16, 32 or 64. */
export function operandBytes(code: SizeCode, operandSize: 16 | 32 | 64): number {
  return BYTES[code][(operandSize >> 5) as 0 | 1 | 2];
}
