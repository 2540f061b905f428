/** Far RET (SDM 2B RET, 3A 5.8.6), and the parts of it that IRET shares. */
import { commitCode, fetchReturnCode } from './code-segment.ts';
import type { Context } from './context.ts';
import {
  Attribute,
  decodeSegment,
  descriptorDpl,
  DescriptorBit,
  isWritableData,
  Word,
} from './descriptor.ts';
import { generalProtection, stackFault, Vector, type Fault } from './fault.ts';
import type { OperandBytes } from './interfaces.ts';
import { Segment, State } from './state.ts';

/** RETF and RETF imm16 (SDM 2B RET). */
export function farReturn(context: Context, releasedBytes: number, size: OperandBytes): Fault {
  const stack = context.openStack();
  const eip = stack.peek(0, size);
  if (stack.fault !== 0) return stack.fault;
  const selector = stack.peek(size, size) & 0xffff;
  if (stack.fault !== 0) return stack.fault;
  const bytes = 2 * size + (releasedBytes & 0xffff);

  if (!context.isProtected()) {
    const fault = context.checkLegacyTarget(eip);
    if (fault !== 0) return fault;
    context.setLegacy(Segment.cs, selector);
    context.setEip(eip);
  } else {
    const fault = fetchReturnCode(context, selector);
    if (fault !== 0) return fault;
    if ((selector & 3) > context.get(State.cpl)) {
      return returnOuter(context, selector, eip, bytes, size);
    }
    const { low, high } = context;
    const denied = context.checkTarget(eip, low, high) || context.touch(context.address, high);
    if (denied !== 0) return denied;
    commitCode(context, selector, selector & 3, low, high, eip);
  }
  stack.release(bytes);
  context.set(State.esp, stack.merge(context.get(State.esp)));
  context.updateCodeMode();
  return 0;
}

/** RETF to an outer level: SS:ESP lie `bytes` above the pointer, past the released parameters. */
function returnOuter(
  context: Context,
  selector: number,
  eip: number,
  bytes: number,
  size: number,
): Fault {
  const { low, high, address } = context;
  const stack = context.stack;
  const esp = stack.peek(bytes, size);
  if (stack.fault !== 0) return stack.fault;
  const stackSelector = stack.peek(bytes + size, size) & 0xffff;
  if (stack.fault !== 0) return stack.fault;
  const level = selector & 3;
  const fault =
    checkOuterStack(context, stackSelector, level) ||
    context.checkTarget(eip, low, high) ||
    context.touch(address, high);
  if (fault !== 0) return fault;
  commitCode(context, selector, level, low, high, eip);
  commitOuterStack(context, esp, level, bytes - 2 * size);
  return 0;
}

/**
 * The stack that RETF or IRET returns to at an outer level, decoded to `context.candidate` with its
 * accessed bit written (SDM 2B RET, "return to outer privilege level").
 */
export function checkOuterStack(context: Context, selector: number, level: number): Fault {
  if ((selector & 0xfffc) === 0) return generalProtection(0);
  let fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  const { low, high } = context;
  if ((selector & 3) !== level || !isWritableData(high) || descriptorDpl(high) !== level) {
    return generalProtection(selector & 0xfffc);
  }
  if ((high & DescriptorBit.present) === 0) return stackFault(selector & 0xfffc);
  fault = context.touch(context.address, high);
  if (fault !== 0) return fault;
  decodeSegment(context.candidate, 0, selector, low, high);
  return 0;
}

/**
 * Loads SS from the candidate, ESP, CPL, and makes the data segments null that the outer level may
 * not use. With a 16-bit stack only SP is loaded, as on every processor since the 80386: the high
 * half of the inner ESP stays (what Linux's espfix32 works around).
 */
export function commitOuterStack(
  context: Context,
  esp: number,
  level: number,
  releasedBytes: number,
): void {
  context.setStackFromCandidate();
  const stack = context.stack;
  stack.open(context.words, Segment.ss, esp, false);
  stack.release(releasedBytes);
  context.set(State.esp, stack.merge(context.get(State.esp)));
  revoke(context, Segment.es, level);
  revoke(context, Segment.ds, level);
  revoke(context, Segment.fs, level);
  revoke(context, Segment.gs, level);
  context.setCpl(level);
  context.updateCodeMode();
}

/**
 * Data or nonconforming code more privileged than the new CPL becomes null (SDM 3A 5.8.6). So does
 * a null selector with an RPL: its hidden DPL is 0, and processors show 0 afterwards.
 */
function revoke(context: Context, at: number, level: number): void {
  const attributes = context.get(at + Word.attributes);
  if (((attributes >>> 5) & 3) >= level) return;
  const conforming = Attribute.code | Attribute.expandDownOrConforming;
  if ((attributes & conforming) !== conforming) context.setNull(at, 0);
}
