/** Virtual interrupts of VME and PVI, and redirection of INT n (SDM 3A 20.3.2, 20.3.3, 20.4). */
import { Eflags, readEflags, writeEflags } from '@ringfence/memory';
import type { Context } from './context.ts';
import { Word } from './descriptor.ts';
import { generalProtection, type Fault } from './fault.ts';
import { ControlBit, Segment, State } from './state.ts';
import { ioMapBase } from './task-state.ts';

/**
 * #GP(0) when VIF and VIP are both set where they mean something: an interrupt that the monitor
 * holds back may be delivered now (SDM 3A 20.3.2). Due after IRET and task switches, before the
 * next instruction, hence in the new context.
 */
export function checkVirtualInterrupt(context: Context): Fault {
  const eflags = context.get(State.eflags);
  const both = Eflags.vif | Eflags.vip;
  if ((eflags & both) !== both || context.get(State.cpl) !== 3) return 0;
  const bit = (eflags & Eflags.vm) !== 0 ? ControlBit.cr4Vme : ControlBit.cr4Pvi;
  return (context.get(State.cr4) & bit) !== 0 ? generalProtection(0) : 0;
}

/**
 * INT n in virtual-8086 mode (SDM 3A table 20-2). `context.result` is 1 if the interrupt has been
 * redirected to the 8086 program's own handler (methods 5 and 6) and 0 if it goes through the IDT
 * (methods 1 and 4); #GP(0) for methods 2 and 3.
 */
export function redirectInterrupt(context: Context, vector: number): Fault {
  context.result = 0;
  const iopl = context.iopl();
  if ((context.get(State.cr4) & ControlBit.cr4Vme) !== 0) {
    const memory = context.memory;
    const map = ioMapBase(context);
    if (map < 0) return memory.fault || generalProtection(0);
    const offset = map - 32 + (vector >> 3);
    if (offset < 0 || offset > context.get(Segment.tr + Word.limit) >>> 0) {
      return generalProtection(0);
    }
    const bits = memory.read8((context.get(Segment.tr + Word.base) + offset) | 0, true);
    if (memory.fault !== 0) return memory.fault;
    if (((bits >> (vector & 7)) & 1) === 0) return deliverTo8086(context, vector, iopl);
  }
  return iopl < 3 ? generalProtection(0) : 0;
}

/** Methods 5 and 6 of SDM 3A table 20-2: as real mode does, from the table at linear address 0. */
function deliverTo8086(context: Context, vector: number, iopl: number): Fault {
  const memory = context.memory;
  const target = memory.read32(vector * 4, true);
  if (memory.fault !== 0) return memory.fault;
  const stack = context.openStack();
  const fault = stack.reserve(3, 2, 0);
  if (fault !== 0) return fault;
  const eflags = readEflags(context.words);
  let image = eflags;
  if (iopl < 3) image = (eflags & ~Eflags.if) | ((eflags >> 10) & Eflags.if) | Eflags.iopl;
  stack.push(image, 2);
  stack.push(context.get(Segment.cs + Word.selector), 2);
  stack.push(context.get(State.nextEip), 2);
  context.set(State.esp, stack.merge(context.get(State.esp)));
  const enable = iopl < 3 ? Eflags.vif : Eflags.if;
  writeEflags(context.words, 0, enable | Eflags.tf | Eflags.rf);
  context.setVirtual8086(Segment.cs, target >>> 16);
  context.setEip(target & 0xffff);
  context.updateCodeMode();
  context.result = 1;
  return 0;
}
