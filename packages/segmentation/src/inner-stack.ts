/** The stack of an inner privilege level, from the current TSS (SDM 3A 5.8.5, 7.2). */
import type { Context } from './context.ts';
import { decodeSegment, descriptorDpl, DescriptorBit, isWritableData, Word } from './descriptor.ts';
import { invalidTss, stackFault, Vector, type Fault } from './fault.ts';
import { Segment } from './state.ts';

/** Set in the type of a 32-bit TSS (SDM 3A 7.2.2). */
const tss32 = 8;

/**
 * Opens `context.innerStack` for privilege level `level` with supervisor privilege, and leaves the
 * decoded stack segment, accessed bit written, in `context.candidate`. Overwrites the fetched
 * descriptor. Checks in the order of SDM 2A CALL, "more privilege".
 */
export function openInnerStack(context: Context, level: number): Fault {
  const memory = context.memory;
  const taskBase = context.get(Segment.tr + Word.base);
  const taskLimit = context.get(Segment.tr + Word.limit) >>> 0;
  const is32 = (context.get(Segment.tr + Word.attributes) & tss32) !== 0;
  const offset = is32 ? level * 8 + 4 : level * 4 + 2;
  if (offset + (is32 ? 5 : 3) > taskLimit) {
    return invalidTss(context.selectorError(context.get(Segment.tr + Word.selector)));
  }
  const at = (taskBase + offset) | 0;
  const esp = is32 ? memory.read32(at, true) : memory.read16(at, true);
  if (memory.fault !== 0) return memory.fault;
  const selector = memory.read16((at + (is32 ? 4 : 2)) | 0, true);
  if (memory.fault !== 0) return memory.fault;

  if ((selector & 0xfffc) === 0) return invalidTss(context.external);
  let fault = context.fetch(selector, Vector.invalidTss);
  if (fault !== 0) return fault;
  const { low, high } = context;
  if ((selector & 3) !== level || descriptorDpl(high) !== level || !isWritableData(high)) {
    return invalidTss(context.selectorError(selector));
  }
  if ((high & DescriptorBit.present) === 0) return stackFault(context.selectorError(selector));
  fault = context.touch(context.address, high);
  if (fault !== 0) return fault;
  decodeSegment(context.candidate, 0, selector, low, high);
  context.innerStack.open(context.candidate, 0, esp, true);
  return 0;
}
