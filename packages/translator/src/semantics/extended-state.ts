/** FXSAVE, FXRSTOR, MXCSR and EMMS: SDM vol. 1, 10.5 and 11.6.5. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import type { SemanticsTable } from './registry.ts';
import { requireAligned, requireMmx, requireSse } from './vector.ts';

const generalProtection = 13;
const alignmentCheck = 17;
const deviceNotAvailable = 7;
/** CR0.EM and CR0.TS. */
const unavailable = 0b1100;

/** MXCSR bits that exist: exceptions, DAZ, masks, rounding, FTZ. */
export const mxcsrMask = 0xffff;

/** Offsets in the 512-byte image (SDM vol. 1, table 10-2). */
const image = {
  status: 2,
  tags: 4,
  opcode: 6,
  ip: 8,
  cs: 12,
  dp: 16,
  ds: 20,
  mxcsr: 24,
  mxcsrMask: 28,
  registers: 32,
  xmm: 160,
} as const;
const imageBytes = 512;
const topShift = 11;
/** ES and B of the x87 status word. */
const summaryBits = 0x8080;
const errorSummary = 0x80;

function requireFpu(c: InstructionContext): void {
  const b = c.b;
  const busy = b.and(b.load('i32.load', CpuState.cr), unavailable);
  b.faultIf(busy, deviceNotAvailable);
}

/** Runs `body` for the byte offsets 0, 16 .. 112 of eight registers. */
function eachRegister(c: InstructionContext, body: (offset: Value) => void): void {
  const b = c.b;
  const offset = b.variable('i32', b.i32(0));
  b.loop((loop) => {
    body(b.get(offset));
    const next = b.add(b.get(offset), 16);
    b.set(offset, next);
    b.if(b.ltU(next, 128), () => b.continue(loop));
  });
}

/** State offset of the physical register that is ST(i), for the offset 16 * i. */
function physical(c: InstructionContext, offset: Value): Value {
  const b = c.b;
  const top = b.shrU(b.load('i32.load', CpuState.fpuStatus), topShift - 4);
  return b.and(b.add(top, offset), 0x70);
}

/** #AC where alignment is checked and not even words are, as by AMD processors, else #GP. */
function requireImageAligned(c: InstructionContext, linear: Value): void {
  const b = c.b;
  const checked = b.ne(b.load('i32.load', CpuState.alignmentCheck), 0);
  b.faultIf(b.and(checked, b.ne(b.and(linear, 3), 0)), alignmentCheck, 0);
  requireAligned(c, linear);
}

function save(c: InstructionContext): void {
  const b = c.b;
  requireFpu(c);
  const linear = c.linear(0, imageBytes, true);
  requireImageAligned(c, linear);
  // The last byte, then the first, as AMD processors check them.
  b.guestProbe(1, b.add(linear, imageBytes - 1));
  b.guestProbe(1, linear);
  const put = (offset: number, bytes: 2 | 4, value: Value): void => {
    b.guestStore(bytes === 2 ? 'i32.store16' : 'i32.store', b.add(linear, offset), value);
  };
  const field = (address: number): Value => b.load('i32.load', address);
  put(0, 2, field(CpuState.fpuControl));
  put(image.status, 2, field(CpuState.fpuStatus));
  put(image.tags, 2, field(CpuState.fpuTags));
  // AMD's processors show pointers with an exception only (APM 3, CPUID Fn8000_0008_EBX).
  const isQuiet = b.eqz(b.and(field(CpuState.fpuStatus), errorSummary));
  const hides = b.and(b.ne(field(CpuState.pointersByError), 0), isQuiet);
  const pointer = (address: number): Value => b.select(hides, b.i32(0), field(address));
  put(image.opcode, 2, pointer(CpuState.fpuOpcode));
  put(image.ip, 4, pointer(CpuState.fpuIp));
  put(image.cs, 4, pointer(CpuState.fpuCs));
  put(image.dp, 4, pointer(CpuState.fpuDp));
  put(image.ds, 4, pointer(CpuState.fpuDs));
  put(image.mxcsr, 4, field(CpuState.mxcsr));
  put(image.mxcsrMask, 4, b.i32(mxcsrMask));
  eachRegister(c, (offset) => {
    const from = physical(c, offset);
    const at = b.add(linear, b.add(offset, image.registers));
    b.guestStore('i64.store', at, b.load('i64.load', CpuState.fpu, from));
    const exponent = b.load('i32.load16_u', CpuState.fpu + 8, from);
    b.guestStore('i64.store', b.add(at, 8), b.extendU(exponent));
    const xmm = b.load('v128.load', CpuState.xmm, offset);
    b.guestStore('v128.store', b.add(at, image.xmm - image.registers), xmm);
  });
}

/** The whole image is known to be readable before the first register changes. */
function restore(c: InstructionContext): void {
  const b = c.b;
  requireFpu(c);
  const linear = c.linear(0, imageBytes, false);
  requireImageAligned(c, linear);
  const word = (offset: number, name = 'i32.load'): Value =>
    b.guestLoad(name, b.add(linear, offset));
  b.guestLoad('i32.load8_u', b.add(linear, imageBytes - 1));
  b.guestLoad('i32.load8_u', linear);
  const mxcsr = word(image.mxcsr);
  b.if(b.and(mxcsr, ~mxcsrMask), () => b.fault(generalProtection, 0));
  const fpuControl = word(0, 'i32.load16_u');
  const exceptions = word(image.status, 'i32.load16_u');
  // ES and B follow from the exceptions and masks of the image.
  const pending = b.and(b.and(exceptions, b.not(fpuControl)), 0x3f);
  const summary = b.select(pending, b.i32(summaryBits), b.i32(0));
  const status = b.or(b.and(exceptions, ~summaryBits), summary);
  b.store('i32.store', CpuState.fpuControl, fpuControl);
  b.store('i32.store', CpuState.fpuStatus, status);
  b.store('i32.store', CpuState.fpuTags, word(image.tags, 'i32.load8_u'));
  b.store('i32.store', CpuState.fpuOpcode, b.and(word(image.opcode, 'i32.load16_u'), 0x7ff));
  b.store('i32.store', CpuState.fpuIp, word(image.ip));
  b.store('i32.store', CpuState.fpuCs, word(image.cs, 'i32.load16_u'));
  b.store('i32.store', CpuState.fpuDp, word(image.dp));
  b.store('i32.store', CpuState.fpuDs, word(image.ds, 'i32.load16_u'));
  b.store('i32.store', CpuState.mxcsr, mxcsr);
  b.floats.forget();
  eachRegister(c, (offset) => {
    const to = physical(c, offset);
    const at = b.add(linear, b.add(offset, image.registers));
    b.store('i64.store', CpuState.fpu, b.guestLoad('i64.load', at), to);
    const exponent = b.guestLoad('i32.load16_u', b.add(at, 8));
    b.store('i32.store16', CpuState.fpu + 8, exponent, to);
    const xmm = b.guestLoad('v128.load', b.add(at, image.xmm - image.registers));
    b.store('v128.store', CpuState.xmm, xmm, offset);
  });
}

function loadMxcsr(c: InstructionContext): void {
  const value = c.read(0);
  c.b.if(c.b.and(value, ~mxcsrMask), () => c.b.fault(generalProtection, 0));
  c.b.store('i32.store', CpuState.mxcsr, value);
  c.b.floats.forget();
}

function emptyMmx(c: InstructionContext): void {
  const b = c.b;
  requireMmx(c);
  const status = b.and(b.load('i32.load', CpuState.fpuStatus), ~(7 << topShift));
  b.store('i32.store', CpuState.fpuStatus, status);
  b.store('i32.store', CpuState.fpuTags, b.i32(0));
}

/** FXSAVE, FXRSTOR, LDMXCSR, STMXCSR, EMMS. */
export const extendedStates: SemanticsTable = {
  FXSAVE: save,
  FXRSTOR: restore,
  LDMXCSR: (c) => {
    requireSse(c);
    loadMxcsr(c);
  },
  STMXCSR: (c) => {
    requireSse(c);
    c.write(0, c.b.load('i32.load', CpuState.mxcsr));
  },
  EMMS: emptyMmx,
};
