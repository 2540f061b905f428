import { Eflags, writeEflags } from '@ringfence/memory';
import type { Context } from './context.ts';
import { Attribute, decodeNull, setBounds, Word } from './descriptor.ts';
import { Segment, segmentWords, State } from './state.ts';

/**
 * Segment registers, GDTR, IDTR, LDTR, TR, CPL and EIP as after power-up (SDM 3A table 9-1). CR0
 * and the rest of the CPU state are the caller's; EFLAGS.VM is cleared because the mode depends on
 * it.
 */
export function reset(context: Context): void {
  writeEflags(context.words, 0, Eflags.vm);
  for (let at: number = Segment.es; at <= Segment.gs; at += segmentWords) {
    decodeNull(context.words, at, 0);
    setBounds(context.words, at, 0x93, 0xffff);
  }
  context.set(Segment.cs + Word.selector, 0xf000);
  context.set(Segment.cs + Word.base, 0xffff_0000);
  resetSystem(context, Segment.ldtr, 2 | Attribute.present);
  resetSystem(context, Segment.tr, 11 | Attribute.present);
  for (const at of [State.gdtrBase, State.idtrBase]) {
    context.set(at, 0);
    context.set(at + 1, 0);
    context.set(at + 2, 0xffff);
  }
  context.setEip(0xfff0);
  context.setCpl(0);
  context.updateCodeMode();
}

function resetSystem(context: Context, at: number, attributes: number): void {
  decodeNull(context.words, at, 0);
  context.set(at + Word.attributes, attributes);
  context.set(at + Word.limit, 0xffff);
}
