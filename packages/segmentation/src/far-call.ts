/** Far CALL, direct, through call gates, and to tasks (SDM 2A CALL, 3A 5.8). */
import { checkDirectCode, commitCode, fetchGateCode } from './code-segment.ts';
import type { Context } from './context.ts';
import {
  descriptorDpl,
  DescriptorBit,
  gateOffset,
  isConforming,
  systemType,
  SystemType,
  Word,
} from './descriptor.ts';
import { checkGate } from './far-jump.ts';
import { generalProtection, Vector, type Fault } from './fault.ts';
import { openInnerStack } from './inner-stack.ts';
import type { OperandBytes } from './interfaces.ts';
import { Segment, State } from './state.ts';
import { checkTaskDescriptor, fetchTaskOfGate, switchTask, TaskSource } from './task-switch.ts';

/** CALL ptr16:16/32 and m16:16/32 (SDM 2A CALL). */
export function farCall(
  context: Context,
  selector: number,
  offset: number,
  size: OperandBytes,
): Fault {
  const eip = size === 2 ? offset & 0xffff : offset;
  const target = selector & 0xffff;
  if (context.isProtected()) return callProtected(context, target, eip, size);
  const stack = context.openStack();
  const fault = stack.reserve(2, size, 0) || context.checkLegacyTarget(eip);
  if (fault !== 0) return fault;
  pushReturn(context, size);
  context.setLegacy(Segment.cs, target);
  context.setEip(eip);
  context.updateCodeMode();
  return 0;
}

function callProtected(context: Context, selector: number, eip: number, size: OperandBytes): Fault {
  if ((selector & 0xfffc) === 0) return generalProtection(0);
  const fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  if ((context.high & DescriptorBit.segment) !== 0) {
    return checkDirectCode(context, selector) || callSameLevel(context, selector, eip, size);
  }
  switch (systemType(context.high)) {
    case SystemType.callGate16:
    case SystemType.callGate32:
      return callThroughGate(context, selector);
    case SystemType.taskGate:
      return callThroughTaskGate(context, selector);
    case SystemType.tss16Available:
    case SystemType.tss32Available:
      return (
        checkTaskDescriptor(context, selector) ||
        switchTask(context, selector, TaskSource.call, context.get(State.nextEip), 0)
      );
    default:
      return generalProtection(selector & 0xfffc);
  }
}

/** Pushes CS and the next EIP on the current stack, where they are known to fit. */
function pushReturn(context: Context, size: number): void {
  const stack = context.stack;
  stack.push(context.get(Segment.cs + Word.selector), size);
  stack.push(context.get(State.nextEip), size);
  context.set(State.esp, stack.merge(context.get(State.esp)));
}

/** The fetched code segment has passed its checks but for the limit. */
function callSameLevel(context: Context, selector: number, eip: number, size: number): Fault {
  const { low, high, address } = context;
  const stack = context.openStack();
  const fault =
    stack.reserve(2, size, 0) ||
    context.checkTarget(eip, low, high) ||
    context.touch(address, high);
  if (fault !== 0) return fault;
  pushReturn(context, size);
  commitCode(context, selector, context.get(State.cpl), low, high, eip);
  context.updateCodeMode();
  return 0;
}

function callThroughTaskGate(context: Context, selector: number): Fault {
  const fault = checkGate(context, selector) || fetchTaskOfGate(context);
  if (fault !== 0) return fault;
  const task = context.result;
  return switchTask(context, task, TaskSource.call, context.get(State.nextEip), 0);
}

function callThroughGate(context: Context, selector: number): Fault {
  let fault = checkGate(context, selector);
  if (fault !== 0) return fault;
  const gateLow = context.low;
  const gateHigh = context.high;
  const size = (gateHigh & 0x800) !== 0 ? 4 : 2;
  const eip = gateOffset(gateLow, gateHigh);
  const code = gateLow >>> 16;
  fault = fetchGateCode(context, code, false);
  if (fault !== 0) return fault;
  const high = context.high;
  if (isConforming(high) || descriptorDpl(high) === context.get(State.cpl)) {
    return callSameLevel(context, code, eip, size);
  }
  return callInnerLevel(context, code, eip, size, gateHigh & 31);
}

/** SDM 2A CALL, "more privilege": switches stacks and copies `count` parameters of `size` bytes. */
function callInnerLevel(
  context: Context,
  code: number,
  eip: number,
  size: number,
  count: number,
): Fault {
  const { low, high, address } = context;
  const level = descriptorDpl(high);
  let fault = openInnerStack(context, level);
  if (fault !== 0) return fault;
  const inner = context.innerStack;
  const error = (context.candidate[Word.selector] as number) & 0xfffc;
  fault = inner.reserve(4 + count, size, error) || context.checkTarget(eip, low, high);
  if (fault !== 0) return fault;
  const outer = context.openStack();
  for (let item = 0; item < count; item++) {
    context.parameters[item] = outer.peek(item * size, size);
    if (outer.fault !== 0) return outer.fault;
  }
  fault = context.touch(address, high);
  if (fault !== 0) return fault;

  inner.push(context.get(Segment.ss + Word.selector), size);
  inner.push(context.get(State.esp), size);
  for (let item = count - 1; item >= 0; item--) {
    inner.push(context.parameters[item] as number, size);
  }
  inner.push(context.get(Segment.cs + Word.selector), size);
  inner.push(context.get(State.nextEip), size);
  context.setStackFromCandidate();
  context.set(State.esp, inner.merge(context.get(State.esp)));
  commitCode(context, code, level, low, high, eip);
  context.setCpl(level);
  context.updateCodeMode();
  return 0;
}
