/** Stack instructions: SDM vol. 1, 6.2 and 6.5; operations from vol. 2. */
import { Location } from '@ringfence/isa';
import { CpuState, Gpr, SegmentField, segmentBytes } from '@ringfence/memory';
import type { LoopHandle } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { Callout } from './callout-numbers.ts';
import type { InstructionContext } from './context.ts';
import { gprAddress, loadOf, storeOf } from './context.ts';
import { deferWrite, transferred } from './integer.ts';
import type { SemanticsTable } from './registry.ts';

const rflag = {
  interrupt: 1 << 9,
  direction: 1 << 10,
  iopl: 3 << 12,
  resume: 1 << 16,
  virtual8086: 1 << 17,
  id: 1 << 21,
} as const;

/** Bytes of the stack pointer. */
function pointerBytes(c: InstructionContext): number {
  return c.info.stackSize / 8;
}

function deferPointer(c: InstructionContext, pointer: Value): Value {
  return deferWrite(c, gprAddress(Gpr.rsp, false), pointer, pointerBytes(c));
}

/** A selector is pushed zero-extended (AMD vol. 3, PUSH). */
function push(c: InstructionContext): void {
  const bytes = c.operandBytes;
  const operand = c.operand(0);
  if (operand.location === Location.fixedSegment) {
    const at = CpuState.segments + segmentBytes * operand.register + SegmentField.selector;
    const selector = c.b.load('i32.load16_u', at);
    c.stack.push(bytes === 8 ? c.b.extendU(selector) : selector, bytes);
    return;
  }
  c.stack.push(c.read(0, bytes), bytes);
}

function pop(c: InstructionContext): void {
  const bytes = c.operandBytes;
  const operand = c.operand(0);
  const value = c.stack.peek(bytes);
  const old = c.stack.pointer();
  const fresh = c.stack.moved(old, bytes);
  if (operand.location === Location.fixedSegment) {
    const selector = c.b.and(bytes === 8 ? c.b.wrap(value) : value, 0xffff);
    const number = c.b.i32(operand.register);
    c.b.if(
      c.b.call('loadSegment', 'i32', number, selector),
      () => c.stack.setPointer(fresh),
      () => c.b.callout(Callout.loadSegment, number, selector, deferPointer(c, fresh)),
    );
    return;
  }
  if (!c.isMemory(0)) {
    c.stack.setPointer(fresh);
    c.write(0, value, bytes);
    return;
  }
  // An address that uses eSP uses its value after the pop, but a fault must leave the old one.
  c.stack.setPointer(fresh);
  const address = c.effectiveAddress(0);
  c.stack.setPointer(old);
  c.b.guestStore(storeOf[bytes] ?? '', c.linearAt(0, address, bytes, true), value);
  c.stack.setPointer(fresh);
}

function pushAll(c: InstructionContext): void {
  const bytes = c.operandBytes;
  const top = c.stack.pointer();
  for (let register = 0; register < 8; register++) {
    const at = c.stack.moved(top, -bytes * (register + 1));
    const linear = c.stack.linear(at, bytes, true);
    c.b.guestStore(storeOf[bytes] ?? '', linear, c.gpr(register, bytes));
  }
  c.stack.setPointer(c.stack.moved(top, -8 * bytes));
}

/**
 * The image of eSP is read, and not used. A fault in the middle leaves the registers that were
 * popped before it, and eSP as it was, as processors do.
 */
function popAll(c: InstructionContext): void {
  const bytes = c.operandBytes;
  const top = c.stack.pointer();
  for (let register = 7; register >= 0; register--) {
    const at = c.stack.moved(top, (7 - register) * bytes);
    const value = c.b.guestLoad(loadOf[bytes] ?? '', c.stack.linear(at, bytes, false));
    if (register !== Gpr.rsp) c.setGpr(register, value, bytes);
  }
  c.stack.setPointer(c.stack.moved(top, 8 * bytes));
}

/** In virtual-8086 mode PUSHF depends on IOPL and CR4.VME: the host looks. */
function pushFlags(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.operandBytes;
  const system = b.load('i32.load', CpuState.eflags);
  const value = b.variable('i32');
  b.if(
    b.and(system, rflag.virtual8086),
    () => {
      b.callout(Callout.pushFlags, b.i32(c.info.operandSize));
      b.set(value, transferred(c, 4));
    },
    () => b.set(value, b.and(b.or(system, c.flags.toEflags()), ~rflag.resume)),
  );
  const word = b.get(value);
  c.stack.push(bytes === 8 ? b.extendU(word) : word, bytes);
}

/**
 * POPF goes to the host when it would change a bit beside the arithmetic flags, DF and ID, except
 * that IF may be cleared here where CPL is 0.
 */
function popFlags(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.operandBytes;
  const popped = c.stack.peek(bytes);
  const word = bytes === 8 ? b.wrap(popped) : popped;
  const fresh = c.stack.moved(c.stack.pointer(), bytes);
  const system = b.load('i32.load', CpuState.eflags);
  const free = rflag.direction | (bytes === 2 ? 0 : rflag.id);
  const looked = (bytes === 2 ? 0x7700 : 0x3c_7700) & ~free;
  const different = b.and(b.xor(word, system), looked);
  const clears = b.and(b.eqz(c.cpl()), b.shrU(b.and(system, rflag.interrupt), 9));
  const harmless = b.eqz(b.and(different, b.not(b.shl(clears, 9))));
  const inline = b.and(harmless, b.eqz(b.and(system, rflag.virtual8086)));
  b.if(
    inline,
    () => {
      const mask = free | rflag.interrupt;
      const kept = b.and(system, ~(mask | rflag.resume));
      b.store('i32.store', CpuState.eflags, b.or(kept, b.and(word, mask)));
      c.flags.fromEflags(word);
      c.stack.setPointer(fresh);
    },
    () => {
      const write = deferPointer(c, fresh);
      b.callout(Callout.popFlags, b.i32(c.info.operandSize), word, write);
    },
  );
}

function leave(c: InstructionContext): void {
  const bytes = c.operandBytes;
  const frame = c.gpr(Gpr.rbp, pointerBytes(c) === 2 ? 2 : 4);
  const value = c.b.guestLoad(loadOf[bytes] ?? '', c.stack.linear(frame, bytes, false));
  c.stack.setPointer(c.stack.moved(frame, bytes));
  c.setGpr(Gpr.rbp, value, bytes);
}

/** ENTER copies `level - 1` frame pointers of outer frames (SDM vol. 2A, ENTER). */
function enter(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.operandBytes;
  const small = pointerBytes(c) === 2;
  const level = b.and(c.source.immediate2(), 31);
  const load = loadOf[bytes] ?? '';
  const store = storeOf[bytes] ?? '';
  const frame = c.stack.moved(c.stack.pointer(), -bytes);
  b.guestStore(store, c.stack.linear(frame, bytes, true), c.gpr(Gpr.rbp, bytes));
  // A 32-bit frame pointer has the upper half of ESP, also where the stack is a 16-bit one.
  const whole = small ? b.or(b.and(c.gpr(Gpr.rsp, 4), ~0xffff), frame) : frame;
  const pointer = b.variable('i32', frame);
  const pushNext = (value: Value): void => {
    const at = c.stack.moved(b.get(pointer), -bytes);
    b.guestStore(store, c.stack.linear(at, bytes, true), value);
    b.set(pointer, at);
  };
  b.if(level, () => {
    const outer = b.variable('i32', c.gpr(Gpr.rbp, small ? 2 : 4));
    const left = b.variable('i32', b.sub(level, 1));
    b.loop((loop: LoopHandle) => {
      b.if(b.eqz(b.get(left)), () => b.break(loop));
      const at = c.stack.moved(b.get(outer), -bytes);
      b.set(outer, at);
      pushNext(b.guestLoad(load, c.stack.linear(at, bytes, false)));
      b.set(left, b.sub(b.get(left), 1));
      b.continue(loop);
    });
    pushNext(bytes === 8 ? b.extendU(whole) : whole);
  });
  const allocated = b.sub(b.get(pointer), c.immediate(2));
  const last = small ? b.and(allocated, 0xffff) : allocated;
  // The last word of the new frame must be writable, though nothing is written.
  b.guestProbe(bytes, c.stack.linear(last, bytes, true));
  c.stack.setPointer(last);
  c.setGpr(Gpr.rbp, bytes === 8 ? b.extendU(whole) : whole, bytes);
}

/** PUSH, POP and their families, ENTER and LEAVE. */
export const stack: SemanticsTable = {
  PUSH: push,
  POP: pop,
  PUSHA: pushAll,
  POPA: popAll,
  PUSHF: pushFlags,
  POPF: popFlags,
  ENTER: enter,
  LEAVE: leave,
};
