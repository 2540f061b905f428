/** Far JMP (SDM 2A JMP, 3A 5.8). */
import { checkDirectCode, commitCode, fetchGateCode } from './code-segment.ts';
import type { Context } from './context.ts';
import { descriptorDpl, DescriptorBit, gateOffset, systemType, SystemType } from './descriptor.ts';
import { generalProtection, segmentNotPresent, Vector, type Fault } from './fault.ts';
import type { OperandBytes } from './interfaces.ts';
import { Segment, State } from './state.ts';
import { checkTaskDescriptor, fetchTaskOfGate, switchTask, TaskSource } from './task-switch.ts';

/** JMP ptr16:16/32 and m16:16/32 (SDM 2A JMP). */
export function farJump(
  context: Context,
  selector: number,
  offset: number,
  size: OperandBytes,
): Fault {
  const eip = size === 2 ? offset & 0xffff : offset;
  const target = selector & 0xffff;
  if (context.isProtected()) return jumpProtected(context, target, eip);
  const fault = context.checkLegacyTarget(eip);
  if (fault !== 0) return fault;
  context.setLegacy(Segment.cs, target);
  context.setEip(eip);
  context.updateCodeMode();
  return 0;
}

function jumpProtected(context: Context, selector: number, eip: number): Fault {
  if ((selector & 0xfffc) === 0) return generalProtection(0);
  const fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  if ((context.high & DescriptorBit.segment) !== 0) {
    return checkDirectCode(context, selector) || commitJump(context, selector, eip);
  }
  switch (systemType(context.high)) {
    case SystemType.callGate16:
    case SystemType.callGate32:
      return jumpThroughCallGate(context, selector);
    case SystemType.taskGate:
      return jumpThroughTaskGate(context, selector);
    case SystemType.tss16Available:
    case SystemType.tss32Available:
      return (
        checkTaskDescriptor(context, selector) ||
        switchTask(context, selector, TaskSource.jump, context.get(State.nextEip), 0)
      );
    default:
      return generalProtection(selector & 0xfffc);
  }
}

/** The target has passed its checks but for the limit; CPL stays as it is. */
function commitJump(context: Context, selector: number, eip: number): Fault {
  const { low, high } = context;
  const fault = context.checkTarget(eip, low, high) || context.touch(context.address, high);
  if (fault !== 0) return fault;
  commitCode(context, selector, context.get(State.cpl), low, high, eip);
  context.updateCodeMode();
  return 0;
}

/** Gate DPL against CPL and the selector's RPL, and present (SDM 3A 5.8.4, 7.2.5). */
export function checkGate(context: Context, selector: number): Fault {
  const dpl = descriptorDpl(context.high);
  if (dpl < context.get(State.cpl) || dpl < (selector & 3)) {
    return generalProtection(selector & 0xfffc);
  }
  if ((context.high & DescriptorBit.present) === 0) return segmentNotPresent(selector & 0xfffc);
  return 0;
}

function jumpThroughCallGate(context: Context, selector: number): Fault {
  const fault = checkGate(context, selector);
  if (fault !== 0) return fault;
  const eip = gateOffset(context.low, context.high);
  const code = context.low >>> 16;
  return fetchGateCode(context, code, true) || commitJump(context, code, eip);
}

function jumpThroughTaskGate(context: Context, selector: number): Fault {
  const fault = checkGate(context, selector) || fetchTaskOfGate(context);
  if (fault !== 0) return fault;
  const task = context.result;
  return switchTask(context, task, TaskSource.jump, context.get(State.nextEip), 0);
}
