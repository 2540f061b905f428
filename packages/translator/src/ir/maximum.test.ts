import { describe, expect, it } from 'vitest';
import { IrBuilder } from './builder.ts';
import type { Value } from './value.ts';
import { maximumOf } from './maximum.ts';

const maximum = (build: (b: IrBuilder, any: Value) => Value): number => {
  const b = new IrBuilder();
  return maximumOf(build(b, b.parameter(0, 'i32')));
};
const all = 0xffff_ffff;

describe('the maximum of an expression', () => {
  it('is that of its mask, however it is shifted, joined and added', () => {
    expect(maximum((b, any) => b.and(any, 0xff))).toBe(0xff);
    expect(maximum((b, any) => b.shl(b.and(any, 0x3f), 2))).toBe(0xfc);
    expect(maximum((b, any) => b.shrU(any, 24))).toBe(0xff);
    expect(maximum((b, any) => b.xor(b.and(any, 0x12), b.and(any, 8)))).toBe(0x1f);
    expect(maximum((b, any) => b.add(b.and(any, 3), 7))).toBe(10);
    expect(maximum((b, any) => b.guestLoad('i32.load16_u', any))).toBe(0xffff);
  });

  it('is that of all numbers where nothing limits it, or it may wrap around', () => {
    expect(maximum((_, any) => any)).toBe(all);
    expect(maximum((b, any) => b.guestLoad('i32.load8_s', any))).toBe(all);
    expect(maximum((b, any) => b.sub(b.and(any, 3), 1))).toBe(all);
    expect(maximum((b, any) => b.add(b.and(any, -16), 64))).toBe(all);
    expect(maximum((b, any) => b.shl(b.and(any, 0xffff), 20))).toBe(all);
    expect(maximum((b, any) => b.or(any, 1))).toBe(all);
  });
});
