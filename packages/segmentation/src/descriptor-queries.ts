/** LAR, LSL, VERR, VERW and ARPL: they ask about selectors and never fault for them. */
import { Eflags, writeEflags } from '@ringfence/memory';
import type { Context } from './context.ts';
import {
  descriptorDpl,
  DescriptorBit,
  descriptorLimit,
  isConforming,
  isReadable,
  isWritableData,
  systemType,
} from './descriptor.ts';
import { faultVector, invalidOpcode, Vector, type Fault } from './fault.ts';
import type { OperandBytes } from './interfaces.ts';
import { State } from './state.ts';

/** System types that LAR knows, one bit each: TSS, LDT, call and task gates (SDM 2A table 3-53). */
const larTypes = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 9) | (0b11 << 11);
/** System types that LSL knows: those with a limit (SDM 2A LSL). */
const lslTypes = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 9) | (1 << 11);

/**
 * LAR: the second doubleword without the base (SDM 2A LAR). Bits 19..16, which the manual leaves
 * undefined, hold the limit as they do on processors.
 */
export function lar(context: Context, selector: number, size: OperandBytes): Fault {
  const fault = look(context, selector);
  if (fault > 0) return fault;
  const found = fault === 0 && isVisible(context, selector, larTypes);
  if (found) context.result = context.high & (size === 2 ? 0xff00 : 0x00ff_ff00);
  return setZf(context, found);
}

/** LSL: the limit in bytes (SDM 2A LSL). */
export function lsl(context: Context, selector: number, size: OperandBytes): Fault {
  const fault = look(context, selector);
  if (fault > 0) return fault;
  const found = fault === 0 && isVisible(context, selector, lslTypes);
  if (found) {
    const limit = descriptorLimit(context.low, context.high);
    context.result = size === 2 ? limit & 0xffff : limit;
  }
  return setZf(context, found);
}

/** VERR (SDM 2B VERR). */
export function verr(context: Context, selector: number): Fault {
  const fault = look(context, selector);
  if (fault > 0) return fault;
  const found = fault === 0 && isReadable(context.high) && isVisible(context, selector, 0);
  return setZf(context, found);
}

/** VERW (SDM 2B VERR). */
export function verw(context: Context, selector: number): Fault {
  const fault = look(context, selector);
  if (fault > 0) return fault;
  const found = fault === 0 && isWritableData(context.high) && isVisible(context, selector, 0);
  return setZf(context, found);
}

/** ARPL: raises the RPL of `destination` to that of `source` (SDM 2A ARPL). */
export function arpl(context: Context, destination: number, source: number): Fault {
  if (!context.isProtected()) return invalidOpcode;
  const raised = (destination & 3) < (source & 3);
  context.result = raised ? (destination & ~3) | (source & 3) : destination;
  return setZf(context, raised);
}

/** No descriptor for the selector: null, or outside its table. */
const nothing = -1;

/** Fetches the descriptor: 0, `nothing`, or the fault that reading the table made (positive). */
function look(context: Context, selector: number): number {
  if (!context.isProtected()) return invalidOpcode;
  if ((selector & 0xfffc) === 0) return nothing;
  const fault = context.fetch(selector & 0xffff, Vector.generalProtection);
  if (fault === 0) return 0;
  // #GP is the table's limit; anything else came from memory.
  return faultVector(fault) === Vector.generalProtection ? nothing : fault >>> 0;
}

/** Code and data segments, or one of the system types; visible at CPL and RPL (SDM 2A LAR). */
function isVisible(context: Context, selector: number, types: number): boolean {
  const high = context.high;
  const isSegment = (high & DescriptorBit.segment) !== 0;
  if (!isSegment && ((types >> systemType(high)) & 1) === 0) return false;
  if (isConforming(high)) return true;
  const dpl = descriptorDpl(high);
  return dpl >= context.get(State.cpl) && dpl >= (selector & 3);
}

function setZf(context: Context, value: boolean): Fault {
  writeEflags(context.words, value ? Eflags.zf : 0, Eflags.zf);
  return 0;
}
