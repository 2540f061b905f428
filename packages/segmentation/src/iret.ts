/**
 * IRET and IRETD in every mode (SDM 2A IRET).
 *
 * Hot: every return from a kernel that uses interrupt gates; benchmark in segmentation.bench.ts.
 */
import { arithmeticFlags, definedFlags, Eflags, writeEflags } from '@ringfence/memory';
import { commitCode, fetchReturnCode } from './code-segment.ts';
import type { Context } from './context.ts';
import { DescriptorBit, systemType, Word } from './descriptor.ts';
import { checkOuterStack, commitOuterStack } from './far-return.ts';
import { generalProtection, invalidTss, segmentNotPresent, Vector, type Fault } from './fault.ts';
import type { OperandBytes } from './interfaces.ts';
import { ControlBit, Segment, State } from './state.ts';
import { switchTask, TaskSource } from './task-switch.ts';
import { checkVirtualInterrupt } from './virtual-interrupt.ts';

/** What IRETD loads in real mode: all but VM, VIF and VIP (SDM 2A IRET). */
const realFlags = definedFlags & ~(Eflags.vm | Eflags.vif | Eflags.vip);
const alwaysLoaded = arithmeticFlags | Eflags.tf | Eflags.df | Eflags.nt;
const loadedBy32 = Eflags.rf | Eflags.ac | Eflags.id;

/** IRET and IRETD (SDM 2A IRET). */
export function iret(context: Context, size: OperandBytes): Fault {
  if (context.isReal()) return returnLegacy(context, size, realFlags);
  const eflags = context.get(State.eflags);
  if ((eflags & Eflags.vm) !== 0) return returnFromVirtual8086(context, size);
  if ((eflags & Eflags.nt) !== 0) return returnToTask(context);
  return returnProtected(context, size);
}

/** Real mode, and virtual-8086 mode with IOPL 3: no checks but the limits. */
function returnLegacy(context: Context, size: OperandBytes, flagsMask: number): Fault {
  const stack = context.openStack();
  const eip = stack.peek(0, size);
  if (stack.fault !== 0) return stack.fault;
  const selector = stack.peek(size, size) & 0xffff;
  if (stack.fault !== 0) return stack.fault;
  const flags = stack.peek(2 * size, size);
  if (stack.fault !== 0) return stack.fault;
  const fault = context.checkLegacyTarget(eip);
  if (fault !== 0) return fault;
  context.setLegacy(Segment.cs, selector);
  context.setEip(eip);
  stack.release(3 * size);
  context.set(State.esp, stack.merge(context.get(State.esp)));
  writeEflags(context.words, flags, size === 4 ? flagsMask : flagsMask & 0xffff);
  context.updateCodeMode();
  return 0;
}

function returnFromVirtual8086(context: Context, size: OperandBytes): Fault {
  if (context.iopl() === 3) return returnLegacy(context, size, realFlags & ~Eflags.iopl);
  if ((context.get(State.cr4) & ControlBit.cr4Vme) === 0 || size === 4) {
    return generalProtection(0);
  }
  // VME: the popped IF goes to VIF, unless that lets a pending interrupt through (SDM 3A 20.3.2).
  const stack = context.openStack();
  const flags = stack.peek(4, 2);
  if (stack.fault !== 0) return stack.fault;
  const pending = (context.get(State.eflags) & Eflags.vip) !== 0;
  if ((flags & Eflags.tf) !== 0 || (pending && (flags & Eflags.if) !== 0)) {
    return generalProtection(0);
  }
  const fault = returnLegacy(context, 2, realFlags & ~(Eflags.iopl | Eflags.if));
  if (fault === 0) writeEflags(context.words, flags << 10, Eflags.vif);
  return fault;
}

/** NT is set: back to the task that the current TSS links to (SDM 3A 7.4). */
function returnToTask(context: Context): Fault {
  const memory = context.memory;
  const selector = memory.read16(context.get(Segment.tr + Word.base), true);
  if (memory.fault !== 0) return memory.fault;
  if ((selector & 4) !== 0) return invalidTss(selector & 0xfffc);
  const fault = context.fetch(selector, Vector.invalidTss);
  if (fault !== 0) return fault;
  const high = context.high;
  const isBusyTask = (high & DescriptorBit.segment) === 0 && (systemType(high) & 7) === 3;
  if (!isBusyTask) return invalidTss(selector & 0xfffc);
  if ((high & DescriptorBit.present) === 0) return segmentNotPresent(selector & 0xfffc);
  return switchTask(context, selector, TaskSource.iret, context.get(State.nextEip), 0);
}

function returnProtected(context: Context, size: OperandBytes): Fault {
  const stack = context.openStack();
  const eip = stack.peek(0, size);
  if (stack.fault !== 0) return stack.fault;
  const selector = stack.peek(size, size) & 0xffff;
  if (stack.fault !== 0) return stack.fault;
  const flags = stack.peek(2 * size, size);
  if (stack.fault !== 0) return stack.fault;
  const cpl = context.get(State.cpl);
  if (size === 4 && cpl === 0 && (flags & Eflags.vm) !== 0) {
    return returnToVirtual8086(context, eip, selector, flags);
  }
  let fault = fetchReturnCode(context, selector);
  if (fault !== 0) return fault;
  const { low, high, address } = context;
  const level = selector & 3;
  if (level === cpl) {
    fault = context.checkTarget(eip, low, high) || context.touch(address, high);
    if (fault !== 0) return fault;
    stack.release(3 * size);
    context.set(State.esp, stack.merge(context.get(State.esp)));
    writeEflags(context.words, flags, loadedFlags(context, cpl, size));
    commitCode(context, selector, level, low, high, eip);
    context.updateCodeMode();
    return 0;
  }
  const esp = stack.peek(3 * size, size);
  if (stack.fault !== 0) return stack.fault;
  const stackSelector = stack.peek(4 * size, size) & 0xffff;
  if (stack.fault !== 0) return stack.fault;
  fault =
    checkOuterStack(context, stackSelector, level) ||
    context.checkTarget(eip, low, high) ||
    context.touch(address, high);
  if (fault !== 0) return fault;
  writeEflags(context.words, flags, loadedFlags(context, cpl, size));
  commitCode(context, selector, level, low, high, eip);
  commitOuterStack(context, esp, level, 0);
  return checkVirtualInterrupt(context);
}

/** Which flags IRET loads at `cpl` (SDM 2A IRET, "return to same / outer privilege level"). */
function loadedFlags(context: Context, cpl: number, size: number): number {
  let mask = alwaysLoaded;
  if (size === 4) mask |= loadedBy32;
  if (cpl <= context.iopl()) mask |= Eflags.if;
  if (cpl === 0) mask |= size === 4 ? Eflags.iopl | Eflags.vif | Eflags.vip : Eflags.iopl;
  return mask;
}

/**
 * IRETD at CPL 0 with VM in the popped flags. The high half of EIP is ignored, as processors do
 * where the manual has #GP(0); all 32 bits of ESP are loaded.
 */
function returnToVirtual8086(
  context: Context,
  eip: number,
  selector: number,
  flags: number,
): Fault {
  const stack = context.stack;
  // ESP, SS, ES, DS, FS, GS in the order of the frame.
  for (let item = 0; item < 6; item++) {
    context.parameters[item] = stack.peek(12 + item * 4, 4);
    if (stack.fault !== 0) return stack.fault;
  }
  writeEflags(context.words, flags, definedFlags);
  const values = context.parameters;
  context.set(State.esp, values[0] as number);
  context.setVirtual8086(Segment.cs, selector);
  context.setVirtual8086(Segment.ss, (values[1] as number) & 0xffff);
  context.setVirtual8086(Segment.es, (values[2] as number) & 0xffff);
  context.setVirtual8086(Segment.ds, (values[3] as number) & 0xffff);
  context.setVirtual8086(Segment.fs, (values[4] as number) & 0xffff);
  context.setVirtual8086(Segment.gs, (values[5] as number) & 0xffff);
  context.setEip(eip & 0xffff);
  context.setCpl(3);
  context.updateCodeMode();
  return checkVirtualInterrupt(context);
}
