/** Control transfer: SDM vol. 1, 5.1.7; vol. 2 for each; far transfers are callouts. */
import { Location } from '@ringfence/isa';
import { CpuState, Gpr, SegmentField, SegmentRegister, segmentBytes } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { Callout } from './callout-numbers.ts';
import type { InstructionContext } from './context.ts';
import { signExtend } from './context.ts';
import { resize } from './integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

const invalidOpcode = 6;
const boundRange = 5;
const generalProtection = 13;

const codeLimit = CpuState.segments + segmentBytes * SegmentRegister.cs + SegmentField.limit;

/**
 * #GP(0) for a near branch to an EIP beyond the limit of CS, before anything changes (SDM vol. 2A,
 * JMP): the fault is the branch's, not that of a fetch from there.
 */
function checkTarget(c: InstructionContext, eip: Value): void {
  if (!c.info.limited) return;
  const b = c.b;
  b.if(b.gtU(eip, b.load('i32.load', codeLimit)), () => b.fault(generalProtection, 0));
}

/** As `checkTarget`, for the target that the instruction itself holds. */
function checkRelative(c: InstructionContext): void {
  if (!c.info.limited) return;
  const eip = c.b.add(c.source.nextEip(), c.source.immediate());
  checkTarget(c, truncated(c, eip));
}

/** An EIP as the operand size has it. */
function truncated(c: InstructionContext, eip: Value): Value {
  return c.info.operandSize === 16 ? c.b.and(eip, 0xffff) : eip;
}

function jump(c: InstructionContext): void {
  const location = c.operand(0).location;
  if (location === Location.relative) {
    checkRelative(c);
    c.b.jump();
  } else if (location === Location.rmGpr) {
    const eip = resize(c.b, c.read(0), c.bytes(0), 4, false);
    checkTarget(c, truncated(c, eip));
    c.jumpTo(eip);
  } else farTransfer(c, Callout.farJump);
}

function call(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.operandBytes;
  const location = c.operand(0).location;
  if (location === Location.farPointer || location === Location.memory) {
    farTransfer(c, Callout.farCall);
    return;
  }
  const target = location === Location.relative ? undefined : c.read(0);
  if (target === undefined) checkRelative(c);
  else checkTarget(c, truncated(c, resize(b, target, bytes, 4, false)));
  const next = c.source.nextEip();
  c.stack.push(bytes === 8 ? b.extendU(next) : next, bytes);
  if (target === undefined) b.jump();
  else c.jumpTo(resize(b, target, bytes, 4, false));
}

function farTransfer(c: InstructionContext, callout: number): void {
  const b = c.b;
  const size = b.i32(c.info.operandSize);
  if (c.operand(0).location === Location.farPointer) {
    b.callout(callout, c.source.immediate2(), c.source.immediate(), size);
    return;
  }
  const bytes = c.operandBytes === 2 ? 2 : 4;
  const load = bytes === 2 ? 'i32.load16_u' : 'i32.load';
  const offset = b.guestLoad(load, c.linear(0, bytes, false));
  const selector = b.guestLoad('i32.load16_u', c.linear(0, 2, false, c.operandBytes));
  b.callout(callout, selector, offset, size);
}

function nearReturn(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.operandBytes;
  const eip = c.stack.peek(bytes);
  checkTarget(c, truncated(c, resize(b, eip, bytes, 4, false)));
  if (c.form.operands.length === 0) c.stack.drop(bytes);
  else {
    const released = b.add(c.immediate(2), bytes);
    c.stack.setPointer(b.add(c.stack.pointer(), released));
  }
  c.jumpTo(resize(b, eip, bytes, 4, false));
}

function farReturn(c: InstructionContext): void {
  const released = c.form.operands.length === 0 ? c.b.i32(0) : c.immediate(2);
  c.b.callout(Callout.farReturn, released, c.b.i32(0), c.b.i32(c.info.operandSize));
}

/**
 * A transfer between flat 32-bit segments by a runtime function of `runtime/privilege.ts`, where it
 * can do that; what follows is for all others.
 */
export function transferInside(c: InstructionContext, name: string): void {
  const b = c.b;
  if (c.info.operandSize !== 32) return;
  b.if(b.call(name, 'i32'), () => b.jumpTo(b.load('i32.load', CpuState.target)));
}

/** CX or ECX. */
function counter(c: InstructionContext): Value {
  return c.gpr(Gpr.rcx, c.info.addressSize === 16 ? 2 : 4);
}

function loop(condition?: (c: InstructionContext) => Value): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.info.addressSize === 16 ? 2 : 4;
    const left = b.sub(counter(c), 1);
    const again = b.ne(bytes === 2 ? b.and(left, 0xffff) : left, 0);
    const taken = condition === undefined ? again : b.and(again, condition(c));
    if (c.info.limited) b.if(taken, () => checkRelative(c));
    c.setGpr(Gpr.rcx, left, bytes);
    b.if(taken, () => b.jump());
  };
}

function interrupt(c: InstructionContext): void {
  const b = c.b;
  const vector = c.immediate(1);
  const image = b.or(b.load('i32.load', CpuState.eflags), c.flags.toEflags());
  const entered = b.call('softwareInterrupt', 'i32', vector, c.source.nextEip(), image);
  b.if(entered, () => b.jumpTo(b.load('i32.load', CpuState.target)));
  b.callout(Callout.interrupt, vector, b.i32(0));
}

/** BOUND: #BR unless lower <= index <= upper, signed (SDM vol. 2A). */
function bound(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  const load = bytes === 2 ? 'i32.load16_s' : 'i32.load';
  const index = signExtend(b, c.read(0), bytes);
  const lower = b.guestLoad(load, c.linear(1, bytes, false));
  const upper = b.guestLoad(load, c.linear(1, bytes, false, bytes));
  const outside = b.or(b.ltS(index, lower), b.gtS(index, upper));
  b.if(outside, () => b.fault(boundRange));
}

const undefinedOpcode: Semantics = (c) => c.b.fault(invalidOpcode);
const nothing: Semantics = () => undefined;

/** Jumps, calls, returns, loops, software interrupts, and what does nothing. */
export const control: SemanticsTable = {
  JMP: jump,
  Jcc: (c) => {
    c.b.if(c.flags.condition(c.form.condition), () => {
      checkRelative(c);
      c.b.jump();
    });
  },
  CALL: call,
  RET: nearReturn,
  RETF: farReturn,
  IRET: (c) => {
    transferInside(c, 'interruptReturn');
    c.b.callout(Callout.interruptReturn, c.b.i32(c.info.operandSize));
  },
  LOOP: loop(),
  LOOPE: loop((c) => c.flags.zero()),
  LOOPNE: loop((c) => c.b.eqz(c.flags.zero())),
  JCXZ: (c) => {
    c.b.if(c.b.eqz(counter(c)), () => {
      checkRelative(c);
      c.b.jump();
    });
  },
  INT: interrupt,
  INT1: (c) => c.b.callout(Callout.interrupt, c.b.i32(1), c.b.i32(2)),
  INT3: (c) => c.b.callout(Callout.interrupt, c.b.i32(3), c.b.i32(1)),
  INTO: (c) =>
    c.b.if(c.flags.overflow(), () => {
      c.b.callout(Callout.interrupt, c.b.i32(4), c.b.i32(1));
    }),
  BOUND: bound,
  UD0: undefinedOpcode,
  UD1: undefinedOpcode,
  UD2: undefinedOpcode,
  NOP: nothing,
  PAUSE: nothing,
  ENDBR32: nothing,
  ENDBR64: nothing,
};
