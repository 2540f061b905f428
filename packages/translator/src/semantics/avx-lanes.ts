/** Operands of 128 and 256 bits, and semantics of AVX made of those of SSE, lane by lane. */
import { Access, FORMS, Location, operandBytes } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { pendingFlags } from '../runtime/sse-float-format.ts';
import { isLaneOperand, LaneContext, outerIndex } from './avx-context.ts';
import type { InstructionContext } from './context.ts';
import { finishFloat } from './float-lanes.ts';
import type { Semantics } from './registry.ts';
import { fromInteger, laneBytes, shuffle, zeroVector } from './vector.ts';
import { loadOf } from './context.ts';

const invalidOpcode = 6;
const deviceNotAvailable = 7;
const generalProtection = 13;
const protection = 1;
const taskSwitched = 8;
/** Bit of EFLAGS. */
const virtual8086 = 0x2_0000;
const osXsave = 0x4_0000;
/** The components SSE and AVX of XCR0. */
const vectorState = 6;
/** From the low half of a YMM register to its high half. */
const toHigh = CpuState.ymmHigh - CpuState.xmm;

/**
 * #UD without CR4.OSXSAVE, without the state in XCR0, and in real and virtual-8086 mode; then #NM
 * by CR0.TS (SDM vol. 2A, tables 2-15 to 2-29).
 */
export function requireAvx(c: InstructionContext): void {
  const b = c.b;
  if (!b.isFirst('AVX is on')) return;
  const differ = (address: number, bits: number): Value =>
    b.and(b.xor(b.load('i32.load', address), bits), bits);
  const cr0 = CpuState.cr;
  const isVirtual = b.and(b.load('i32.load', CpuState.eflags), virtual8086);
  const mode = b.or(differ(cr0, protection), isVirtual);
  const state = b.or(differ(CpuState.cr + 32, osXsave), differ(CpuState.xcr0, vectorState));
  const isUndefined = b.or(mode, state);
  const isBusy = b.and(b.load('i32.load', cr0), taskSwitched);
  const vector = b.select(isUndefined, b.i32(invalidOpcode), b.i32(deviceNotAvailable));
  b.faultIf(b.or(isUndefined, isBusy), vector);
}

/** The halves of an operand; there is one of 128 bits. */
export type Halves = readonly [low: Value, high?: Value];

/** Vector operand `index`: a register of 128 or 256 bits, or memory, which need not be aligned. */
export function readHalves(c: InstructionContext, index: number, aligned = false): Halves {
  const b = c.b;
  const bytes = widthOf(c, index);
  if (!c.isMemory(index)) {
    const { offset, dynamic } = c.register(index);
    const low = b.load('v128.load', offset, dynamic);
    return bytes === 32 ? [low, b.load('v128.load', offset + toHigh, dynamic)] : [low];
  }
  const linear = c.linear(index, bytes, false);
  if (aligned) b.faultIf(b.and(linear, bytes - 1), generalProtection, 0);
  if (bytes < 16) return [fromInteger(c, b.guestLoad(loadOf[bytes] ?? '', linear), bytes)];
  const low = b.guestLoad('v128.load', linear);
  return bytes === 32 ? [low, b.guestLoad('v128.load', b.add(linear, 16))] : [low];
}

/** Writes a register, whose bits above the operand become zero, or memory, all or nothing. */
export function writeHalves(
  c: InstructionContext,
  index: number,
  [low, high]: Halves,
  aligned = false,
): void {
  const b = c.b;
  if (!c.isMemory(index)) {
    const { offset, dynamic } = c.register(index);
    b.store('v128.store', offset, low, dynamic);
    b.store('v128.store', offset + toHigh, high ?? zeroVector(c), dynamic);
    return;
  }
  const bytes = high === undefined ? 16 : 32;
  const linear = c.linear(index, bytes, true);
  if (aligned) b.faultIf(b.and(linear, bytes - 1), generalProtection, 0);
  else if (high !== undefined) {
    // Alignment is checked of each half, as by an AMD EPYC.
    b.guestProbe(16, linear);
    b.guestProbe(16, b.add(linear, 16));
  }
  b.guestStore('v128.store', linear, low);
  if (high !== undefined) b.guestStore('v128.store', b.add(linear, 16), high);
}

/** Bytes of a vector operand that a register of its kind has, or memory. */
function widthOf(c: InstructionContext, index: number): number {
  const bytes = c.bytes(index);
  return c.isMemory(index) || bytes === 32 ? bytes : 16;
}

/** Forms of SSE by what an encoding with VEX keeps of theirs. */
const legacyForms: ReadonlyMap<string, Form> = new Map(
  FORMS.filter((form) => form.vex === '' && !form.operands.some(isMmx)).map((form) => [
    keyOf(form),
    form,
  ]),
);

function isMmx({ location }: { readonly location: number }): boolean {
  return (
    location === Location.regMm || location === Location.rmMm || location === Location.rmMmOnly
  );
}

function keyOf({ map, opcode, prefix, digit, mod }: Form): string {
  return `${map} ${opcode} ${prefix} ${digit} ${mod}`;
}

/** How semantics of SSE become those of AVX. */
export interface LaneRules {
  /** The name of SSE's instruction, where the encoding does not say it. */
  readonly as?: string;
  /** How far the immediate is shifted for the second lane. */
  readonly shift?: number;
  /** Both results are half as wide as a lane and come to stand in one. */
  readonly narrows?: boolean;
  /** Floating-point exceptions of both lanes are reported together. */
  readonly isFloat?: boolean;
}

/** Semantics of an instruction with VEX from those of SSE. */
export function inLanes(build: Semantics, rules: LaneRules = {}): Semantics {
  return (c) => {
    const b = c.b;
    requireAvx(c);
    const legacy = legacyOf(c.form, rules.as);
    const isWide = c.form.vex === '256';
    const operands = legacy.operands.map((_, index) => sources(c, legacy, index));
    const isPart = isWide && rules.isFloat === true;
    if (isPart) b.store('i32.store', pendingFlags, b.i32(0));
    const results = (isWide ? [0, 1] : [0]).map((lane) => {
      const values = operands.map((halves) => halves?.[lane as 0 | 1]);
      const shift = lane === 0 ? 0 : (rules.shift ?? 0);
      const context = new LaneContext({ outer: c, legacy, values, shift, isPart });
      build(context);
      return context.result();
    });
    if (isPart) b.if(b.load('i32.load', pendingFlags), () => finishFloat(c));
    const [low, high] = results;
    if (low === undefined || !writesVector(legacy)) return;
    if (high === undefined || rules.narrows !== true) {
      writeHalves(c, 0, high === undefined ? [low] : [low, high]);
    } else writeHalves(c, 0, [shuffle(c, low, high, laneBytes([0, 2], 8))]);
  };
}

function writesVector({ operands: [destination] }: Form): boolean {
  return destination !== undefined && (destination.access & Access.write) !== 0;
}

function legacyOf(form: Form, name: string | undefined): Form {
  const found =
    name === undefined
      ? legacyForms.get(keyOf(form))
      : FORMS.find((each) => each.mnemonic === name && !each.operands.some(isMmx));
  if (found === undefined) throw new Error(`translator: no form of SSE for ${form.mnemonic}`);
  return found;
}

/** What the lanes of an operand of SSE's form are; undefined where they are not read before. */
function sources(c: InstructionContext, legacy: Form, index: number): Halves | undefined {
  const operand = legacy.operands[index];
  if (operand === undefined || (operand.access & Access.read) === 0) return undefined;
  if (!isLaneOperand(c, legacy, index)) return undefined;
  const position = outerIndex({ outer: c, legacy }, index);
  const halves = readHalves(c, position);
  const [low, high] = halves;
  if (c.form.vex !== '256' || high !== undefined) return halves;
  const bytes = operandBytes(c.operand(position).memorySize, 32);
  // Either a count, which is the same for both lanes, or what is made twice as wide.
  if (operand.memorySize === 'dq') return [low, low];
  const second = Array.from({ length: 16 }, (_, at) => (at < bytes / 2 ? at + bytes / 2 : 16));
  return [low, shuffle(c, low, zeroVector(c), second)];
}
