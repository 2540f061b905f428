/**
 * The second half of a task switch, past the commit point: the state in `context.task` becomes the
 * CPU's (SDM 3A 7.3, steps 9 to 13). Faults are those of the new task.
 */
import { definedFlags, Eflags, writeEflags } from '@ringfence/memory';
import type { Context } from './context.ts';
import {
  descriptorDpl,
  DescriptorBit,
  isCode,
  isConforming,
  isReadable,
  isWritableData,
  systemType,
  SystemType,
  Word,
} from './descriptor.ts';
import { invalidTss, segmentNotPresent, stackFault, Vector, type Fault } from './fault.ts';
import { ControlBit, Segment, State } from './state.ts';
import { setSystemSegment } from './system-segment.ts';
import { checkVirtualInterrupt } from './virtual-interrupt.ts';

/** Where `context.task` has the fields of either kind of TSS. */
const fields32 = { cr3: 7, eip: 8, flags: 9, gpr: 10, segments: 18, ldt: 24, trap: 25 } as const;
const fields16 = { eip: 7, flags: 8, gpr: 9, segments: 17, ldt: 21 } as const;

/** L0 to L3 and LE of DR7, which a task switch clears (SDM 3B 17.2.4). */
const localBreakpoints = 0x155;

/** Loads the state in `context.task`; TR is loaded already. `isNested`: by CALL or interrupt. */
export function loadTask(context: Context, is32: boolean, isNested: boolean): Fault {
  const task = context.task;
  const fields = is32 ? fields32 : fields16;
  const flags = (task[fields.flags] as number) & (is32 ? -1 : 0xffff);
  context.set(State.cr0, context.get(State.cr0) | ControlBit.cr0Ts);
  context.set(State.dr7, context.get(State.dr7) & ~localBreakpoints);
  writeEflags(context.words, isNested ? flags | Eflags.nt : flags, definedFlags);
  context.setEip(task[fields.eip] as number);
  // The high halves that a 16-bit TSS has no place for are set, as processors do.
  for (let register = 0; register < 8; register++) {
    const value = task[fields.gpr + register] as number;
    context.set(State.gpr + register * 2, is32 ? value : value | 0xffff_0000);
  }
  loadSelectors(context, fields.segments, is32);
  context.setNull(Segment.ldtr, (task[fields.ldt] as number) & 0xffff);

  let fault = 0;
  if (is32 && (context.get(State.cr0) & ControlBit.cr0Pg) !== 0) {
    fault = context.host.loadCr3(task[fields32.cr3] as number);
  }
  const isVirtual8086 = (flags & Eflags.vm) !== 0;
  context.setCpl(isVirtual8086 ? 3 : context.get(Segment.cs + Word.selector) & 3);
  if (fault === 0) fault = loadLdt(context);
  if (fault === 0 && !isVirtual8086) fault = loadCode(context) || loadStack(context);
  if (fault !== 0) {
    // There is no stack yet to push this fault on: at CPL 3 it comes to one of the TSS.
    context.setCpl(3);
  } else if (isVirtual8086) loadVirtual8086(context);
  else fault = loadDataSegments(context);
  context.updateCodeMode();
  if (fault === 0) fault = context.checkLegacyTarget(context.get(State.rip));
  context.host.onTaskSwitch(fault === 0 && is32 && ((task[fields32.trap] as number) & 1) !== 0);
  return fault !== 0 ? fault : checkVirtualInterrupt(context);
}

/** All selectors are visible in the new task even if a descriptor faults (SDM 3A 7.3). */
function loadSelectors(context: Context, first: number, is32: boolean): void {
  const task = context.task;
  context.setNull(Segment.es, (task[first] as number) & 0xffff);
  context.setNull(Segment.cs, (task[first + 1] as number) & 0xffff);
  context.setNull(Segment.ss, (task[first + 2] as number) & 0xffff);
  context.setNull(Segment.ds, (task[first + 3] as number) & 0xffff);
  context.setNull(Segment.fs, is32 ? (task[first + 4] as number) & 0xffff : 0);
  context.setNull(Segment.gs, is32 ? (task[first + 5] as number) & 0xffff : 0);
}

function loadLdt(context: Context): Fault {
  const selector = context.get(Segment.ldtr + Word.selector);
  if ((selector & 0xfffc) === 0) return 0;
  const bad = invalidTss(context.selectorError(selector));
  if ((selector & 4) !== 0) return bad;
  const fault = context.fetch(selector, Vector.invalidTss);
  if (fault !== 0) return fault;
  const { low, high } = context;
  const isLdt = (high & DescriptorBit.segment) === 0 && systemType(high) === SystemType.ldt;
  if (!isLdt || (high & DescriptorBit.present) === 0) return bad;
  setSystemSegment(context, Segment.ldtr, selector, low, high);
  return 0;
}

function loadVirtual8086(context: Context): void {
  context.setVirtual8086(Segment.es, context.get(Segment.es + Word.selector));
  context.setVirtual8086(Segment.cs, context.get(Segment.cs + Word.selector));
  context.setVirtual8086(Segment.ss, context.get(Segment.ss + Word.selector));
  context.setVirtual8086(Segment.ds, context.get(Segment.ds + Word.selector));
  context.setVirtual8086(Segment.fs, context.get(Segment.fs + Word.selector));
  context.setVirtual8086(Segment.gs, context.get(Segment.gs + Word.selector));
}

function loadDataSegments(context: Context): Fault {
  return (
    loadData(context, Segment.es) ||
    loadData(context, Segment.ds) ||
    loadData(context, Segment.fs) ||
    loadData(context, Segment.gs)
  );
}

function loadCode(context: Context): Fault {
  const selector = context.get(Segment.cs + Word.selector);
  const error = context.selectorError(selector);
  if ((selector & 0xfffc) === 0) return invalidTss(error);
  const fault = context.fetch(selector, Vector.invalidTss);
  if (fault !== 0) return fault;
  const { low, high, address } = context;
  const dpl = descriptorDpl(high);
  const rpl = selector & 3;
  if (!isCode(high) || (isConforming(high) ? dpl > rpl : dpl !== rpl)) return invalidTss(error);
  if ((high & DescriptorBit.present) === 0) return segmentNotPresent(error);
  return commit(context, Segment.cs, low, high, address);
}

function loadStack(context: Context): Fault {
  const selector = context.get(Segment.ss + Word.selector);
  const error = context.selectorError(selector);
  if ((selector & 0xfffc) === 0) return invalidTss(error);
  const fault = context.fetch(selector, Vector.invalidTss);
  if (fault !== 0) return fault;
  const { low, high, address } = context;
  const cpl = context.get(State.cpl);
  if (!isWritableData(high) || descriptorDpl(high) !== cpl || (selector & 3) !== cpl) {
    return invalidTss(error);
  }
  if ((high & DescriptorBit.present) === 0) return stackFault(error);
  return commit(context, Segment.ss, low, high, address);
}

function loadData(context: Context, at: number): Fault {
  const selector = context.get(at + Word.selector);
  if ((selector & 0xfffc) === 0) return 0;
  const error = context.selectorError(selector);
  const fault = context.fetch(selector, Vector.invalidTss);
  if (fault !== 0) return fault;
  const { low, high, address } = context;
  const dpl = descriptorDpl(high);
  const allowed = isConforming(high) || (dpl >= context.get(State.cpl) && dpl >= (selector & 3));
  if (!isReadable(high) || !allowed) return invalidTss(error);
  if ((high & DescriptorBit.present) === 0) return segmentNotPresent(error);
  return commit(context, at, low, high, address);
}

function commit(context: Context, at: number, low: number, high: number, address: number): Fault {
  const fault = context.touch(address, high);
  if (fault !== 0) return fault;
  context.setSegment(at, context.get(at + Word.selector), low, high);
  return 0;
}
