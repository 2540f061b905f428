/** x87 control instructions: SDM vol. 1, 8.1 and 8.3.10 to 8.3.12. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import type { SemanticsTable } from './registry.ts';
import { beginX87 } from './x87-memory.ts';
import {
  moveTop,
  physicalRegister,
  requireFpu,
  requireNoPending,
  setStatusWord,
  Status,
  statusWord,
  topShift,
  updateSummary,
} from './x87-state.ts';

/** The control word after FNINIT: all masked, 64-bit precision, round to nearest. */
const initialControl = 0x37f;

/** Bits of the control word that hold what is written; bit 6 reads as one. */
const controlMask = 0x1f3f;
const controlFixed = 0x40;

const deviceNotAvailable = 7;
/** CR0.MP and CR0.TS: together they make WAIT fault. */
const monitorAndSwitched = 0b1010;

function initialize(c: InstructionContext): void {
  const b = c.b;
  b.store('i32.store', CpuState.fpuControl, b.i32(initialControl));
  setStatusWord(c, b.i32(0));
  b.store('i32.store', CpuState.fpuTags, b.i32(0));
  for (const pointer of pointerFields) b.store('i32.store', pointer, b.i32(0));
}

const pointerFields: readonly number[] = [
  CpuState.fpuIp,
  CpuState.fpuCs,
  CpuState.fpuDp,
  CpuState.fpuDs,
  CpuState.fpuOpcode,
];

function setControl(c: InstructionContext, value: Value): void {
  const b = c.b;
  b.store('i32.store', CpuState.fpuControl, b.or(b.and(value, controlMask), controlFixed));
  updateSummary(c);
}

function clearExceptions(c: InstructionContext): void {
  const kept = Status.c0 | Status.c1 | Status.c2 | Status.c3 | (7 << topShift);
  setStatusWord(c, c.b.and(statusWord(c), kept));
}

function wait(c: InstructionContext): void {
  const b = c.b;
  const bits = b.and(b.load('i32.load', CpuState.cr), monitorAndSwitched);
  b.faultIf(b.eq(bits, monitorAndSwitched), deviceNotAvailable);
  requireNoPending(c);
}

/** The 16-bit tag word from contents: 0 valid, 1 zero, 2 special, 3 empty (SDM vol. 1, 8.1.7). */
function fullTags(c: InstructionContext): Value {
  const b = c.b;
  const tags = b.load('i32.load', CpuState.fpuTags);
  let word: Value = b.i32(0);
  for (let register = 0; register < 8; register++) {
    const address = CpuState.fpu + 16 * register;
    const significand = b.load('i64.load', address);
    const exponent = b.and(b.load('i32.load16_u', address + 8), 0x7fff);
    const zero = b.and(b.eqz(exponent), b.eqz(significand));
    const integerBit = b.wrap(b.shrU(significand, 63));
    const inside = b.ltU(b.sub(exponent, 1), 0x7ffe);
    const valid = b.and(inside, integerBit);
    const content = b.select(zero, b.i32(1), b.select(valid, b.i32(0), b.i32(2)));
    const full = b.and(b.shrU(tags, register), 1);
    word = b.or(word, b.shl(b.select(full, content, b.i32(3)), 2 * register));
  }
  return word;
}

/** One "not empty" bit per register from a 16-bit tag word. */
function abridgedTags(c: InstructionContext, word: Value): Value {
  const b = c.b;
  let tags: Value = b.i32(0);
  for (let register = 0; register < 8; register++) {
    const tag = b.and(b.shrU(word, 2 * register), 3);
    tags = b.or(tags, b.shl(b.ne(tag, 3), register));
  }
  return tags;
}

/**
 * Whether the image's pointers are segment and offset, not a linear address (SDM vol. 1, 8.1.10).
 */
function protectedMode(c: InstructionContext): Value {
  const b = c.b;
  const pe = b.and(b.load('i32.load', CpuState.cr), 1);
  const vm = b.and(b.shrU(b.load('i32.load', CpuState.eflags), 17), 1);
  return b.and(pe, b.xor(vm, 1));
}

/** Bytes of the environment: seven fields of the operand size. */
function environmentBytes(c: InstructionContext): number {
  return c.info.operandSize === 16 ? 14 : 28;
}

/** The seven fields of the environment as they are stored (SDM vol. 1, figures 8-9 to 8-12). */
function environment(c: InstructionContext): Value[] {
  const b = c.b;
  const field = (address: number): Value => b.load('i32.load', address);
  const ones = c.info.operandSize === 16 ? 0 : 0xffff_0000 | 0;
  const head = [field(CpuState.fpuControl), statusWord(c), fullTags(c)].map((v) => b.or(v, ones));
  const inProtected = protectedMode(c);
  const linear = (offset: number, segment: number): Value =>
    b.add(field(offset), b.shl(field(segment), 4));
  const ip = linear(CpuState.fpuIp, CpuState.fpuCs);
  const dp = linear(CpuState.fpuDp, CpuState.fpuDs);
  const opcode = b.and(field(CpuState.fpuOpcode), 0x7ff);
  const wide = c.info.operandSize !== 16;
  const high = (address: Value): Value =>
    wide ? b.shl(b.shrU(address, 16), 12) : b.shl(b.and(b.shrU(address, 16), 15), 12);
  const low = (address: Value): Value => b.and(address, 0xffff);
  const selector = b.or(field(CpuState.fpuCs), wide ? b.shl(opcode, 16) : b.i32(0));
  return [
    ...head,
    b.select(inProtected, field(CpuState.fpuIp), wide ? b.or(low(ip), ones) : low(ip)),
    b.select(inProtected, selector, b.or(high(ip), opcode)),
    b.select(inProtected, field(CpuState.fpuDp), wide ? b.or(low(dp), ones) : low(dp)),
    b.select(inProtected, b.or(field(CpuState.fpuDs), ones), high(dp)),
  ];
}

function storeEnvironment(c: InstructionContext, linear: Value): void {
  const bytes = environmentBytes(c) / 7;
  const name = bytes === 2 ? 'i32.store16' : 'i32.store';
  environment(c).forEach((value, index) => {
    c.b.guestStore(name, c.b.add(linear, index * bytes), value);
  });
}

/** Stores all or nothing: the first field and the last byte are probed, as AMD processors do it. */
function probe(c: InstructionContext, linear: Value, bytes: number): void {
  c.b.guestProbe(environmentBytes(c) / 7, linear);
  c.b.guestProbe(1, c.b.add(linear, bytes - 1));
}

/** The same for loads. */
function touch(c: InstructionContext, linear: Value, bytes: number): void {
  c.b.guestLoad(c.info.operandSize === 16 ? 'i32.load16_u' : 'i32.load', linear);
  c.b.guestLoad('i32.load8_u', c.b.add(linear, bytes - 1));
}

function saveEnvironment(c: InstructionContext): void {
  requireFpu(c);
  const bytes = environmentBytes(c);
  const linear = c.linear(0, bytes, true);
  probe(c, linear, bytes);
  storeEnvironment(c, linear);
  // All exceptions are masked afterwards (SDM vol. 2A, FSTENV).
  const b = c.b;
  b.store('i32.store', CpuState.fpuControl, b.or(b.load('i32.load', CpuState.fpuControl), 0x3f));
  updateSummary(c);
}

/** Reads the seven fields, all before any is used. */
function readEnvironment(c: InstructionContext, linear: Value): Value[] {
  const bytes = environmentBytes(c) / 7;
  const name = bytes === 2 ? 'i32.load16_u' : 'i32.load';
  const fields: Value[] = [];
  for (let index = 0; index < 7; index++) {
    fields.push(c.b.guestLoad(name, c.b.add(linear, index * bytes)));
  }
  return fields;
}

function applyEnvironment(c: InstructionContext, fields: readonly Value[]): void {
  const b = c.b;
  const [control, status, tags, ip, cs, dp, ds] = fields;
  if (!control || !status || !tags || !ip || !cs || !dp || !ds) return;
  const wide = c.info.operandSize !== 16;
  const inProtected = protectedMode(c);
  const linear = (low: Value, high: Value): Value => {
    const top = b.shl(b.and(b.shrU(high, 12), wide ? 0xffff : 15), 16);
    return b.or(b.and(low, 0xffff), top);
  };
  const opcode = b.select(inProtected, wide ? b.shrU(cs, 16) : b.i32(0), cs);
  const store = (address: number, value: Value): void => b.store('i32.store', address, value);
  store(CpuState.fpuIp, b.select(inProtected, ip, linear(ip, cs)));
  store(CpuState.fpuDp, b.select(inProtected, dp, linear(dp, ds)));
  store(CpuState.fpuCs, b.select(inProtected, b.and(cs, 0xffff), b.i32(0)));
  store(CpuState.fpuDs, b.select(inProtected, b.and(ds, 0xffff), b.i32(0)));
  store(CpuState.fpuOpcode, b.and(opcode, 0x7ff));
  store(CpuState.fpuTags, abridgedTags(c, tags));
  setStatusWord(c, b.and(status, 0xffff));
  setControl(c, control);
}

function loadEnvironment(c: InstructionContext): void {
  requireFpu(c);
  requireNoPending(c);
  const bytes = environmentBytes(c);
  const linear = c.linear(0, bytes, false);
  touch(c, linear, bytes);
  applyEnvironment(c, readEnvironment(c, linear));
}

/**
 * Accesses to the registers behind an environment that has passed the alignment check: there is no
 * other for them (SDM vol. 3A, table 6-7). Nothing in `access` may fault.
 */
function unchecked(c: InstructionContext, access: () => void): void {
  const b = c.b;
  const checks = b.load('i32.load', CpuState.alignmentCheck);
  b.store('i32.store', CpuState.alignmentCheck, b.i32(0));
  access();
  b.store('i32.store', CpuState.alignmentCheck, checks);
}

/** FNSAVE: the environment, then ST(0) to ST(7), ten bytes each; then as FNINIT. */
function save(c: InstructionContext): void {
  const b = c.b;
  requireFpu(c);
  const bytes = environmentBytes(c);
  const linear = c.linear(0, bytes + 80, true);
  probe(c, linear, bytes + 80);
  storeEnvironment(c, linear);
  unchecked(c, () => {
    for (let number = 0; number < 8; number++) {
      const from = b.shl(physicalRegister(c, b.i32(number)), 4);
      const at = b.add(linear, bytes + 10 * number);
      b.guestStore('i64.store', at, b.load('i64.load', CpuState.fpu, from));
      b.guestStore('i32.store16', b.add(at, 8), b.load('i32.load16_u', CpuState.fpu + 8, from));
    }
  });
  initialize(c);
}

/** FRSTOR: the last bytes are read first, so that no register changes before a fault. */
function restore(c: InstructionContext): void {
  const b = c.b;
  requireFpu(c);
  requireNoPending(c);
  const bytes = environmentBytes(c);
  const linear = c.linear(0, bytes + 80, false);
  touch(c, linear, bytes + 80);
  const fields = readEnvironment(c, linear);
  const contents: [Value, Value][] = [];
  unchecked(c, () => {
    for (let number = 0; number < 8; number++) {
      const at = b.add(linear, bytes + 10 * number);
      contents.push([b.guestLoad('i64.load', at), b.guestLoad('i32.load16_u', b.add(at, 8))]);
    }
  });
  applyEnvironment(c, fields);
  contents.forEach(([significand, exponent], number) => {
    const to = b.shl(physicalRegister(c, b.i32(number)), 4);
    b.store('i64.store', CpuState.fpu, significand, to);
    b.store('i32.store16', CpuState.fpu + 8, exponent, to);
  });
}

function rotate(by: number): (c: InstructionContext) => void {
  return (c) => {
    beginX87(c);
    setStatusWord(c, c.b.and(statusWord(c), ~Status.c1));
    moveTop(c, by);
  };
}

/** Empties a register; C1, which the manual leaves undefined, is cleared as by AMD processors. */
function free(c: InstructionContext): void {
  const b = c.b;
  setStatusWord(c, b.and(statusWord(c), ~Status.c1));
  const register = physicalRegister(c, c.source.stNumber(0));
  const tags = b.load('i32.load', CpuState.fpuTags);
  b.store('i32.store', CpuState.fpuTags, b.and(tags, b.not(b.shl(b.i32(1), register))));
}

/** FNINIT, FNCLEX, FNSTCW, FNSTSW, FLDCW, FNSTENV, FLDENV, FNSAVE, FRSTOR, FINCSTP, FFREE, WAIT. */
export const x87Control: SemanticsTable = {
  FNINIT: (c) => {
    requireFpu(c);
    initialize(c);
  },
  FNCLEX: (c) => {
    requireFpu(c);
    clearExceptions(c);
  },
  FNSTCW: (c) => {
    requireFpu(c);
    c.write(0, c.b.load('i32.load', CpuState.fpuControl));
  },
  FNSTSW: (c) => {
    requireFpu(c);
    c.write(0, statusWord(c));
  },
  FLDCW: (c) => {
    requireFpu(c);
    requireNoPending(c);
    setControl(c, c.read(0));
  },
  FNSTENV: saveEnvironment,
  FLDENV: loadEnvironment,
  FNSAVE: save,
  FRSTOR: restore,
  FINCSTP: rotate(1),
  FDECSTP: rotate(-1),
  FFREE: (c) => {
    beginX87(c);
    free(c);
  },
  FFREEP: (c) => {
    beginX87(c);
    free(c);
    c.b.call('x87Pop', 'void');
  },
  FNOP: beginX87,
  // What the 287 had to be told, later ones take as no operation.
  FNENI: requireFpu,
  FNDISI: requireFpu,
  FNSETPM: requireFpu,
  WAIT: wait,
};
