import { Location, operandBytes } from '@ringfence/isa';
import { StateOffset } from './layout.ts';
import type { Plan } from './plan.ts';
import { each } from './setup-integer.ts';
import type { Setup } from './setup-integer.ts';
import {
  decimalValue,
  extendedValue,
  floatValue,
  integerValue,
  laneValues,
  storeValue,
} from './values.ts';

/** Instructions whose last bits differ between processors: approximations, transcendentals. */
export const APPROXIMATE: ReadonlySet<string> = new Set(
  (
    'RCPPS RCPSS RSQRTPS RSQRTSS VRCPPS VRCPSS VRSQRTPS VRSQRTSS ' +
    'F2XM1 FYL2X FYL2XP1 FPTAN FPATAN FSIN FCOS FSINCOS'
  ).split(' '),
);

/** Setups of x87 instructions by mnemonic, beside what {@link setupX87} does for all. */
export const FLOAT_SETUPS: ReadonlyMap<string, Setup> = new Map<string, Setup>([
  ...each('FSIN FCOS FSINCOS FPTAN', angle),
  ['F2XM1', smallPower],
  ['FYL2XP1', smallPower],
  ['FYL2X', positive],
  ['FSQRT', positive],
  ['FSCALE', scale],
  ['FLDENV', environment],
  ['FRSTOR', environment],
  ['FNSTENV', ignorePointers],
  ['FNSAVE', ignorePointers],
  ['FXSAVE', ignoreFxPointers],
  ['FXRSTOR', fxImage],
  ['LDMXCSR', loadMxcsr],
  ['VLDMXCSR', loadMxcsr],
  ['FLDCW', (plan): void => plan.setOperand(0, BigInt(controlWord(plan)))],
]);

/** Whether the form works on the x87 stack. */
export function isX87(plan: Plan): boolean {
  const { form } = plan;
  return form.map === 0 && form.opcode >= 0xd8 && form.opcode <= 0xdf;
}

/** Control, status and tag words, the two operands on the stack, and the operand in memory. */
export function setupX87(plan: Plan): void {
  const { random, state, form } = plan;
  state.controlWord = controlWord(plan);
  const top = random.below(8);
  const conditions = random.next() & 0x4700;
  const sticky = random.oneIn(8) ? random.next() & state.controlWord & 0x3f : 0;
  state.statusWord = (top << 11) | conditions | sticky;
  state.tags = random.oneIn(10) ? random.below(256) : 0xff;
  const pushes = /^(FLD|FILD|FBLD|FPTAN|FSINCOS|FXTRACT)/.test(form.mnemonic);
  if (pushes && !random.oneIn(6)) state.tags &= ~(1 << ((top + 7) & 7));
  // A pending exception that is not masked: #MF before the next waiting instruction.
  if (random.oneIn(40)) {
    state.controlWord &= ~1;
    state.statusWord |= 0x8081;
  }
  storeValue(state.st(0), 0, 10, extendedValue(random));
  storeValue(state.st(1), 0, 10, extendedValue(random));
  for (const value of plan.operands) {
    if (value === undefined || !('kind' in value) || value.kind !== 'register') continue;
    if (value.class !== 'st') continue;
    // Equal operands now and then, for the comparisons.
    const same = random.oneIn(6);
    if (same) state.st(value.number).set(state.st(0));
    else storeValue(state.st(value.number), 0, 10, extendedValue(random));
  }
  if (plan.hasMemory) plan.setOperand(plan.memoryAt, memoryOperand(plan));
}

/** Rounding and precision control, with all exceptions masked most of the time. */
function controlWord(plan: Plan): number {
  const { random } = plan;
  if (random.oneIn(2)) return 0x37f;
  const precision = random.pick([0, 2, 3, 3]);
  const masks = random.oneIn(4) ? random.below(64) : 0x3f;
  return 0x40 | masks | (precision << 8) | (random.below(4) << 10);
}

function memoryOperand(plan: Plan): bigint {
  const { random, form } = plan;
  const bytes = plan.bytesOf(plan.memoryAt);
  if (form.mnemonic.startsWith('FB')) return decimalValue(random);
  if (form.mnemonic.startsWith('FI') || bytes === 2) return integerValue(random, bytes);
  if (bytes === 10) return extendedValue(random);
  return floatValue(random, bytes === 4 ? 4 : 8);
}

function setSt(plan: Plan, index: number, exponent: number, sign: number): void {
  const { random, state } = plan;
  const significand = random.next64() | (1n << 63n);
  const high = BigInt((sign << 15) | (exponent & 0x7fff));
  storeValue(state.st(index), 0, 10, (high << 64n) | significand);
}

/** Angles of moderate size mostly; 2^63 and above are out of range (C2). */
function angle(plan: Plan): void {
  const { random } = plan;
  if (!random.oneIn(4)) setSt(plan, 0, 0x3fff + random.between(-10, 5), random.below(2));
}

function smallPower(plan: Plan): void {
  const { random } = plan;
  if (!random.oneIn(4)) setSt(plan, 0, 0x3fff - random.between(2, 20), random.below(2));
}

function positive(plan: Plan): void {
  const { random } = plan;
  if (!random.oneIn(4)) setSt(plan, 0, 0x3fff + random.between(-40, 40), 0);
}

function scale(plan: Plan): void {
  const { random } = plan;
  if (!random.oneIn(3)) setSt(plan, 1, 0x3fff + random.between(-2, 15), random.below(2));
}

/** An environment in memory: control, status and tag words; the pointers are not looked at. */
function environment(plan: Plan): void {
  const { random } = plan;
  const step = plan.operandSize / 8;
  plan.store(plan.address, 2, controlWord(plan));
  // ES and B follow from the other bits when the words are loaded.
  plan.store(plan.address + step, 2, random.next() & 0x7f7f);
  plan.store(plan.address + 2 * step, 2, random.next());
}

/** Last instruction and operand pointers and opcode: AMD keeps them only after an exception. */
function ignorePointers(plan: Plan): void {
  const [start, length] = plan.operandSize === 16 ? [6, 8] : [12, 16];
  plan.ignored.push({ offset: plan.offset + start, length });
}

function ignoreFxPointers(plan: Plan): void {
  alignFx(plan);
  plan.ignored.push({ offset: plan.offset + 6, length: 18 });
  plan.ignored.push({ offset: plan.offset + 28, length: 4 });
}

/** A whole FXSAVE image; reserved MXCSR bits are #GP. */
function fxImage(plan: Plan): void {
  alignFx(plan);
  const { random, address } = plan;
  plan.store(address, 2, controlWord(plan));
  plan.store(address + 2, 2, random.next() & 0x7f7f);
  plan.store(address + 4, 1, random.next());
  plan.store(address + 24, 4, mxcsr(plan));
}

function alignFx(plan: Plan): void {
  plan.address &= plan.random.oneIn(8) ? ~0 : ~15;
}

function loadMxcsr(plan: Plan): void {
  plan.setOperand(0, BigInt(mxcsr(plan)));
}

function mxcsr(plan: Plan): number {
  const { random } = plan;
  return random.oneIn(8) ? random.next() : random.below(0x10000);
}

/** Whether the form names MMX or XMM registers. */
export function isVector(plan: Plan): boolean {
  return plan.form.operands.some(({ location }) => VECTOR.has(location));
}

/** Values for vector registers and memory, MXCSR, and the x87 state that MMX shares. */
export function setupVector(plan: Plan): void {
  const { random, state, form } = plan;
  const kind = laneKind(plan);
  if (kind.startsWith('f')) {
    const masks = random.oneIn(6) ? random.next() & 0x1f80 : 0x1f80;
    const control = random.oneIn(2) ? 0 : random.next() & 0xe040;
    state.mxcsr = masks | control | (random.oneIn(6) ? random.below(64) : 0);
  }
  state.statusWord = random.below(8) << 11;
  state.tags = random.oneIn(2) ? 0xff : random.below(256);
  const isText = /^PCMP[EI]STR/.test(plainName(plan));
  form.operands.forEach((spec, position) => {
    if (!VECTOR.has(spec.location) && position !== plan.memoryAt) return;
    const bytes = Math.max(plan.bytesOf(position), position === plan.memoryAt ? 0 : 8);
    const value = isText ? textValue(plan, bytes) : laneValues(random, kind, bytes);
    setVector(plan, position, bytes, value);
  });
  alignMemory(plan);
}

function setVector(plan: Plan, position: number, bytes: number, value: bigint): void {
  const chosen = plan.operands[position];
  if (position === plan.memoryAt) plan.setOperand(position, value);
  else if (chosen !== undefined && 'kind' in chosen && chosen.kind === 'register') {
    const { class: kind, number } = chosen;
    if (kind === 'xmm' || kind === 'ymm') storeValue(plan.state.xmm(number), 0, bytes, value);
    if (kind === 'ymm') storeValue(plan.state.ymmHigh(number), 0, 16, value >> 128n);
    if (kind === 'mm') {
      // MMX registers are physical; the image holds the stack from its top.
      const top = (plan.state.statusWord >> 11) & 7;
      const at = StateOffset.fx + 32 + (((number - top) & 7) << 4);
      storeValue(plan.state.bytes, at, 8, value);
    }
  }
}

/** Operands of 16 bytes fault when they are not aligned; most cases should not. */
function alignMemory(plan: Plan): void {
  if (!plan.hasMemory || plan.bytesOf(plan.memoryAt) < 16) return;
  const value = plan.operandValue(plan.memoryAt);
  const isFree = plan.form.vex !== '' && !/^VMOV(A|NT|DQA)/.test(plan.form.mnemonic);
  if (!plan.random.oneIn(isFree ? 2 : 8)) plan.address &= ~(plan.bytesOf(plan.memoryAt) - 1);
  plan.setOperand(plan.memoryAt, value);
}

/** Characters of a small alphabet with a terminator somewhere. */
function textValue(plan: Plan, bytes: number): bigint {
  const { random } = plan;
  const wide = ((plan.immediate ?? 0) & 1) === 1;
  const step = wide ? 2 : 1;
  let value = 0n;
  for (let at = 0; at < bytes; at += step) {
    const character = random.oneIn(12)
      ? 0
      : random.oneIn(10)
        ? random.below(256)
        : 0x61 + random.below(4);
    value |= BigInt(character) << BigInt(8 * at);
  }
  return value;
}

/** The name without the V of AVX. */
function plainName({ form }: Plan): string {
  return form.vex === '' ? form.mnemonic : form.mnemonic.replace(/^V/, '');
}

type Kind = 'f16' | 'f32' | 'f64' | 'i8' | 'i16' | 'i32' | 'i64';

/** What the lanes of an instruction hold, from its name. */
function laneKind(plan: Plan): Kind {
  const mnemonic = plainName(plan);
  if (mnemonic === 'CVTPS2PH') return 'f32';
  if (mnemonic === 'CVTPH2PS') return 'f16';
  if (/^CVTT?(PS|SS)2/.test(mnemonic)) return 'f32';
  if (/^CVTT?(PD|SD)2/.test(mnemonic)) return 'f64';
  if (/^CVT/.test(mnemonic)) return 'i32';
  if (!mnemonic.startsWith('P')) {
    if (/(PS|SS)$/.test(mnemonic)) return 'f32';
    if (/(PD|SD)$/.test(mnemonic)) return 'f64';
  }
  if (/W$/.test(mnemonic)) return 'i16';
  if (/D$/.test(mnemonic)) return 'i32';
  return plan.random.pick(['i8', 'i16', 'i32', 'i64'] as const);
}

/** Immediates and implicit operands that vector instructions treat specially. */
export function adjustVector(plan: Plan): void {
  const { form, random } = plan;
  const name = plainName(plan);
  const position = form.operands.findIndex((spec) => spec.location === Location.immediate);
  if (position >= 0) {
    const wide = operandBytes('b', plan.operandSize) * 8;
    const isShift = /^PS[LR][LA]/.test(name);
    const bound = /^CMP/.test(name) ? (form.vex === '' ? 8 : 32) : /^ROUND/.test(name) ? 16 : 256;
    const value = isShift
      ? random.pick([0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 200])
      : random.below(bound);
    plan.setImmediate(position, value & ((1 << wide) - 1));
  } else if (/^PS[LR][LA][WDQ]$/.test(name) && !random.oneIn(4)) {
    const count = BigInt(random.pick([0, 1, 3, 8, 15, 16, 31, 32, 63, 64, 65]));
    const last = form.operands.length - 1;
    setVector(plan, last, plan.bytesOf(last), count);
  } else if (/^PS[LR][LA]V[DQ]$/.test(name)) smallCounts(plan, name.endsWith('D') ? 4 : 8);
  if (/^PCMPESTR/.test(name)) {
    plan.setGpr(0, random.oneIn(6) ? random.next() : random.between(-18, 18));
    plan.setGpr(2, random.oneIn(6) ? random.next() : random.between(-18, 18));
  }
  const implicit = form.operands.findIndex((spec) => spec.location === Location.implicitDi);
  if (implicit >= 0) maskedStore(plan);
}

/** Counts for each element, most of them below its width. */
function smallCounts(plan: Plan, step: 4 | 8): void {
  let value = 0n;
  for (let at = 0; at < plan.bytesOf(2); at += step) {
    const count = plan.random.oneIn(8) ? plan.random.next() : plan.random.below(70);
    value |= BigInt(count) << BigInt(8 * at);
  }
  setVector(plan, 2, plan.bytesOf(2), value);
}

/** MASKMOVQ and MASKMOVDQU store at DS:EDI. */
function maskedStore(plan: Plan): void {
  const { random } = plan;
  if (random.oneIn(4)) plan.addressBits = 16;
  const address = random.oneIn(12) ? 0xa000 - random.between(0, 15) : 0x8f00 + random.below(512);
  plan.setGprPart(7, plan.addressBits === 16 ? 2 : 4, address);
}

const VECTOR: ReadonlySet<number> = new Set([
  Location.regMm,
  Location.rmMm,
  Location.rmMmOnly,
  Location.regXmm,
  Location.rmXmm,
  Location.rmXmmOnly,
  Location.xmm0,
  Location.vexXmm,
  Location.immediateXmm,
]);
