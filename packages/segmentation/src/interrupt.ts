/**
 * Delivery of interrupts and exceptions (SDM 2A INT n, 3A 6.12, 20.1.4, 20.2, 20.3).
 *
 * Hot: 32-bit interrupt and trap gates with and without a change of level; benchmark in
 * segmentation.bench.ts.
 */
import { Eflags, readEflags } from '@ringfence/memory';
import { commitCode, fetchGateCode } from './code-segment.ts';
import type { Context } from './context.ts';
import {
  descriptorDpl,
  DescriptorBit,
  gateOffset,
  isConforming,
  SystemType,
  Word,
} from './descriptor.ts';
import { generalProtection, segmentNotPresent, Vector, type Fault } from './fault.ts';
import { openInnerStack } from './inner-stack.ts';
import { InterruptKind } from './interfaces.ts';
import type { Stack } from './stack.ts';
import { Segment, State } from './state.ts';
import { fetchTaskOfGate, switchTask, TaskSource } from './task-switch.ts';
import { redirectInterrupt } from './virtual-interrupt.ts';

/** Set in the vector part of an error code: the index names an IDT entry (SDM 3A 6.13). */
const idtError = 2;

/** Delivers an interrupt or exception; `errorCode` is -1 for none (SDM 3A 6.12). */
export function interrupt(
  context: Context,
  vector: number,
  kind: InterruptKind,
  errorCode: number,
): Fault {
  const isSoftware = kind === InterruptKind.software || kind === InterruptKind.softwareTrap;
  context.external = isSoftware ? 0 : 1;
  const fault = context.isReal()
    ? deliverReal(context, vector, kind)
    : deliverProtected(context, vector, kind, errorCode, isSoftware);
  context.external = 0;
  return fault;
}

function returnAddress(context: Context, kind: InterruptKind): number {
  return context.get(kind >= InterruptKind.software ? State.nextEip : State.rip);
}

/** Through the interrupt vector table; there are no error codes (SDM 3A 20.1.4). */
function deliverReal(context: Context, vector: number, kind: InterruptKind): Fault {
  if (vector * 4 + 3 > context.get(State.idtrLimit)) {
    return generalProtection((vector << 3) | idtError | context.external);
  }
  const memory = context.memory;
  const target = memory.read32((context.get(State.idtrBase) + vector * 4) | 0, true);
  if (memory.fault !== 0) return memory.fault;
  const stack = context.openStack();
  const fault = stack.reserve(3, 2, context.external);
  if (fault !== 0) return fault;
  stack.push(readEflags(context.words), 2);
  stack.push(context.get(Segment.cs + Word.selector), 2);
  stack.push(returnAddress(context, kind), 2);
  context.set(State.esp, stack.merge(context.get(State.esp)));
  const cleared = Eflags.if | Eflags.tf | Eflags.ac | Eflags.rf;
  context.set(State.eflags, context.get(State.eflags) & ~cleared);
  context.setReal(Segment.cs, target >>> 16);
  context.setEip(target & 0xffff);
  context.updateCodeMode();
  return 0;
}

function deliverProtected(
  context: Context,
  vector: number,
  kind: InterruptKind,
  errorCode: number,
  isSoftware: boolean,
): Fault {
  if (kind === InterruptKind.software && context.isVirtual8086()) {
    const fault = redirectInterrupt(context, vector);
    if (fault !== 0 || context.result === 1) return fault;
  }
  const idtCode = (vector << 3) | idtError | context.external;
  if (vector * 8 + 7 > context.get(State.idtrLimit)) return generalProtection(idtCode);
  const memory = context.memory;
  const at = (context.get(State.idtrBase) + vector * 8) | 0;
  const gateLow = memory.read32(at, true);
  if (memory.fault !== 0) return memory.fault;
  const gateHigh = memory.read32((at + 4) | 0, true);
  if (memory.fault !== 0) return memory.fault;
  // With S: a code or data descriptor is no gate.
  const type = (gateHigh >>> 8) & 31;
  const isGate = (type & 0x16) === SystemType.interruptGate16;
  if (!isGate && type !== SystemType.taskGate) return generalProtection(idtCode);
  if (isSoftware && descriptorDpl(gateHigh) < context.get(State.cpl)) {
    return generalProtection(idtCode);
  }
  if ((gateHigh & DescriptorBit.present) === 0) return segmentNotPresent(idtCode);
  // #DB as a fault, of an instruction breakpoint or DR7.GD, is the exception (SDM 3B 17.3.1.1).
  const savesResume = kind === InterruptKind.fault && vector !== Vector.debug;
  const savedFlags = savesResume ? Eflags.rf : 0;
  if (!isGate) {
    context.low = gateLow;
    return deliverToTask(context, returnAddress(context, kind), savedFlags, errorCode);
  }
  return deliverThroughGate(
    context,
    gateLow,
    gateHigh,
    returnAddress(context, kind),
    savedFlags | readEflags(context.words),
    errorCode,
  );
}

/** A task gate; the error code goes on the new task's stack (SDM 3A 6.12.2). */
function deliverToTask(
  context: Context,
  eip: number,
  savedFlags: number,
  errorCode: number,
): Fault {
  let fault = fetchTaskOfGate(context);
  if (fault !== 0) return fault;
  const size = (context.high & 0x800) !== 0 ? 4 : 2;
  fault = switchTask(context, context.result, TaskSource.interrupt, eip, savedFlags);
  if (fault !== 0 || errorCode < 0) return fault;
  const stack = context.openStack();
  fault = stack.reserve(1, size, context.external);
  if (fault !== 0) return fault;
  stack.push(errorCode, size);
  context.set(State.esp, stack.merge(context.get(State.esp)));
  return 0;
}

function deliverThroughGate(
  context: Context,
  gateLow: number,
  gateHigh: number,
  savedEip: number,
  savedFlags: number,
  errorCode: number,
): Fault {
  const selector = gateLow >>> 16;
  let fault = fetchGateCode(context, selector, false);
  if (fault !== 0) return fault;
  const { low, high, address } = context;
  const size = (gateHigh & 0x800) !== 0 ? 4 : 2;
  const eip = gateOffset(gateLow, gateHigh);
  const cpl = context.get(State.cpl);
  const dpl = descriptorDpl(high);
  const level = isConforming(high) ? cpl : dpl;
  const fromVirtual8086 = (savedFlags & Eflags.vm) !== 0;
  // From virtual-8086 mode only to level 0 (SDM 2A INT n).
  if (fromVirtual8086 && level !== 0) {
    return generalProtection(context.selectorError(selector));
  }
  const isInner = level < cpl;
  let count = errorCode >= 0 ? 4 : 3;
  let stack: Stack;
  if (isInner) {
    fault = openInnerStack(context, level);
    if (fault !== 0) return fault;
    stack = context.innerStack;
    count += fromVirtual8086 ? 6 : 2;
    const error = context.selectorError(context.candidate[Word.selector] as number);
    fault = stack.reserve(count, size, error);
  } else {
    stack = context.openStack();
    fault = stack.reserve(count, size, context.external);
  }
  if (fault !== 0) return fault;
  fault = context.checkTarget(eip, low, high) || context.touch(address, high);
  if (fault !== 0) return fault;

  if (isInner) {
    if (fromVirtual8086) saveDataSegments(context, stack, size);
    stack.push(context.get(Segment.ss + Word.selector), size);
    stack.push(context.get(State.esp), size);
    context.setStackFromCandidate();
  }
  stack.push(savedFlags, size);
  stack.push(context.get(Segment.cs + Word.selector), size);
  stack.push(savedEip, size);
  if (errorCode >= 0) stack.push(errorCode, size);
  context.set(State.esp, stack.merge(context.get(State.esp)));
  // Bit 8 of the type tells a trap gate from an interrupt gate.
  let cleared = Eflags.tf | Eflags.vm | Eflags.rf | Eflags.nt;
  if ((gateHigh & 0x100) === 0) cleared |= Eflags.if;
  context.set(State.eflags, context.get(State.eflags) & ~cleared);
  commitCode(context, selector, level, low, high, eip);
  context.setCpl(level);
  context.updateCodeMode();
  return 0;
}

/** What a frame from virtual-8086 mode starts with; the registers become null (SDM 3A 20.3.1.1). */
function saveDataSegments(context: Context, stack: Stack, size: number): void {
  stack.push(context.get(Segment.gs + Word.selector), size);
  stack.push(context.get(Segment.fs + Word.selector), size);
  stack.push(context.get(Segment.ds + Word.selector), size);
  stack.push(context.get(Segment.es + Word.selector), size);
  context.setNull(Segment.gs, 0);
  context.setNull(Segment.fs, 0);
  context.setNull(Segment.ds, 0);
  context.setNull(Segment.es, 0);
}
