/** LDTR and TR as segment registers: base and limit, no access bounds (SDM 3A 2.4). */
import type { Context } from './context.ts';
import { descriptorAttributes, descriptorBase, descriptorLimit, Word } from './descriptor.ts';
import { Segment } from './state.ts';

/** TR with a descriptor that is busy from now on (SDM 3A 7.2.4). */
export function setTaskRegister(
  context: Context,
  selector: number,
  low: number,
  high: number,
): void {
  setSystemSegment(context, Segment.tr, selector, low, high | 0x200);
}

/** Loads LDTR or TR with a checked descriptor; they have no access bounds. */
export function setSystemSegment(
  context: Context,
  at: number,
  selector: number,
  low: number,
  high: number,
): void {
  context.set(at + Word.selector, selector);
  context.set(at + Word.attributes, descriptorAttributes(high));
  context.set(at + Word.base, descriptorBase(low, high));
  context.set(at + Word.limit, descriptorLimit(low, high));
}
