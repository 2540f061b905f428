/**
 * The checks that a code segment passes before CS is loaded, one function for each way to get
 * there. Each expects the descriptor in `context.low` and `context.high` and leaves it there.
 */
import type { Context } from './context.ts';
import { descriptorDpl, DescriptorBit, isCode, isConforming } from './descriptor.ts';
import { generalProtection, segmentNotPresent, Vector, type Fault } from './fault.ts';
import { Segment, State } from './state.ts';

/** A direct far JMP or CALL to the fetched descriptor (SDM 3A 5.8.1). */
export function checkDirectCode(context: Context, selector: number): Fault {
  const high = context.high;
  const cpl = context.get(State.cpl);
  const dpl = descriptorDpl(high);
  const allowed = isConforming(high) ? dpl <= cpl : dpl === cpl && (selector & 3) <= cpl;
  if (!isCode(high) || !allowed) return generalProtection(context.selectorError(selector));
  return checkPresent(context, selector, high);
}

/**
 * Fetches and checks the code segment of a call, interrupt or trap gate: it must be code at CPL or
 * more privileged (SDM 3A 5.8.4, 6.12.1.1). JMP is stricter (`sameLevel`): nonconforming code must
 * be at CPL. The RPL of the selector in the gate does not matter.
 */
export function fetchGateCode(context: Context, selector: number, sameLevel: boolean): Fault {
  if ((selector & 0xfffc) === 0) return generalProtection(context.external);
  const fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  const high = context.high;
  const dpl = descriptorDpl(high);
  const cpl = context.get(State.cpl);
  if (!isCode(high) || dpl > cpl || (sameLevel && dpl !== cpl && !isConforming(high))) {
    return generalProtection(context.selectorError(selector));
  }
  return checkPresent(context, selector, high);
}

/** Fetches and checks the code segment that RETF or IRET returns to (SDM 3A 5.8.6). */
export function fetchReturnCode(context: Context, selector: number): Fault {
  if ((selector & 0xfffc) === 0) return generalProtection(0);
  const fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  const high = context.high;
  const rpl = selector & 3;
  const dpl = descriptorDpl(high);
  const allowed = isConforming(high) ? dpl <= rpl : dpl === rpl;
  if (!isCode(high) || rpl < context.get(State.cpl) || !allowed) {
    return generalProtection(selector & 0xfffc);
  }
  return checkPresent(context, selector, high);
}

/** Loads CS with a checked descriptor and the RPL that it gets, and EIP. */
export function commitCode(
  context: Context,
  selector: number,
  rpl: number,
  low: number,
  high: number,
  eip: number,
): void {
  context.setSegment(Segment.cs, (selector & 0xfffc) | rpl, low, high);
  context.setEip(eip);
}

function checkPresent(context: Context, selector: number, high: number): Fault {
  if ((high & DescriptorBit.present) !== 0) return 0;
  return segmentNotPresent(context.selectorError(selector));
}
