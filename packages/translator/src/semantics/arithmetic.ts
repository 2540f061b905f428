import type { InstructionContext } from './context.ts';
import { topBit } from './integer.ts';
import type { SemanticsTable } from './registry.ts';
import type { Value } from '../ir/value.ts';

function carryIn(c: InstructionContext, bytes: number): Value {
  const carry = c.flags.carry();
  return bytes === 8 ? c.b.extendU(carry) : carry;
}

/** The right operand, immediates widened to the size of the left. */
function right(c: InstructionContext): Value {
  return c.read(1, c.bytes(0));
}

function add(c: InstructionContext): void {
  const bytes = c.bytes(0);
  const addend = right(c);
  c.modify(0, (left) => {
    const sum = c.b.add(left, addend);
    c.flags.add(left, addend, sum, bytes);
    return sum;
  });
}

function adc(c: InstructionContext): void {
  const bytes = c.bytes(0);
  const addend = right(c);
  c.modify(0, (left) => {
    const sum = c.b.add(c.b.add(left, addend), carryIn(c, bytes));
    c.flags.add(left, addend, sum, bytes);
    return sum;
  });
}

function sub(c: InstructionContext): void {
  const bytes = c.bytes(0);
  const subtrahend = right(c);
  c.modify(0, (left) => {
    const difference = c.b.sub(left, subtrahend);
    c.flags.sub(left, subtrahend, difference, bytes);
    return difference;
  });
}

function sbb(c: InstructionContext): void {
  const bytes = c.bytes(0);
  const subtrahend = right(c);
  c.modify(0, (left) => {
    const difference = c.b.sub(c.b.sub(left, subtrahend), carryIn(c, bytes));
    c.flags.sub(left, subtrahend, difference, bytes);
    return difference;
  });
}

function cmp(c: InstructionContext): void {
  const bytes = c.bytes(0);
  const subtrahend = right(c);
  const left = c.read(0);
  c.flags.sub(left, subtrahend, c.b.sub(left, subtrahend), bytes);
}

/** ADCX and ADOX: additions with a carry from one flag, which alone changes. */
function addThrough(flag: 'carry' | 'overflow'): (c: InstructionContext) => void {
  return (c) => {
    const b = c.b;
    const addend = c.read(1);
    const left = c.read(0);
    const kept = { carry: c.flags.carry(), overflow: c.flags.overflow() };
    const sum = b.add(b.add(left, addend), c.bytes(0) === 8 ? b.extendU(kept[flag]) : kept[flag]);
    const carries = b.or(b.and(left, addend), b.and(b.or(left, addend), b.not(sum)));
    const out = topBit(b, carries, c.bytes(0));
    c.write(0, sum);
    c.flags.setCarryOverflow(() => ({ ...kept, [flag]: out }));
  };
}

type Combine = (c: InstructionContext, left: Value, right: Value) => Value;

function logic(combine: Combine): (c: InstructionContext) => void {
  return (c) => {
    const bytes = c.bytes(0);
    const other = right(c);
    c.modify(0, (left) => {
      const result = combine(c, left, other);
      c.flags.logic(result, bytes);
      return result;
    });
  };
}

function test(c: InstructionContext): void {
  c.flags.logic(c.b.and(c.read(0), right(c)), c.bytes(0));
}

function increment(c: InstructionContext): void {
  const bytes = c.bytes(0);
  c.modify(0, (old) => {
    const one = bytes === 8 ? c.b.i64(1) : c.b.i32(1);
    const result = c.b.add(old, one);
    c.flags.increment(old, one, result, bytes);
    return result;
  });
}

function decrement(c: InstructionContext): void {
  const bytes = c.bytes(0);
  c.modify(0, (old) => {
    const one = bytes === 8 ? c.b.i64(1) : c.b.i32(1);
    const result = c.b.sub(old, one);
    c.flags.decrement(old, one, result, bytes);
    return result;
  });
}

function negate(c: InstructionContext): void {
  const bytes = c.bytes(0);
  c.modify(0, (old) => {
    const zero = bytes === 8 ? c.b.i64(0) : c.b.i32(0);
    const result = c.b.sub(zero, old);
    c.flags.sub(zero, old, result, bytes);
    return result;
  });
}

/** Integer addition, subtraction and logic (SDM vol. 2). */
export const arithmetic: SemanticsTable = {
  ADD: add,
  ADC: adc,
  ADCX: addThrough('carry'),
  ADOX: addThrough('overflow'),
  SUB: sub,
  SBB: sbb,
  CMP: cmp,
  AND: logic((c, left, other) => c.b.and(left, other)),
  OR: logic((c, left, other) => c.b.or(left, other)),
  XOR: logic((c, left, other) => c.b.xor(left, other)),
  TEST: test,
  INC: increment,
  DEC: decrement,
  NEG: negate,
  NOT: (c) => c.modify(0, (old) => c.b.not(old)),
};
