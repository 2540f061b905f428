/** GDTR, IDTR, LDTR and TR (SDM 3A 2.4, 2A LGDT, LLDT, LTR; 2B SGDT, SLDT, STR). */
import type { Context } from './context.ts';
import { DescriptorBit, systemType, SystemType, Word } from './descriptor.ts';
import {
  generalProtection,
  invalidOpcode,
  segmentNotPresent,
  Vector,
  type Fault,
} from './fault.ts';
import type { OperandBytes } from './interfaces.ts';
import { ControlBit, Segment, State } from './state.ts';
import { setSystemSegment, setTaskRegister } from './system-segment.ts';

/** LGDT and LIDT; `at` is the base's word, the limit's is two words on (SDM 2A LGDT). */
export function loadTableRegister(
  context: Context,
  at: number,
  base: number,
  limit: number,
  size: OperandBytes,
): Fault {
  if (context.get(State.cpl) !== 0) return generalProtection(0);
  context.set(at, size === 2 ? base & 0xff_ffff : base);
  context.set(at + 1, 0);
  context.set(at + 2, limit & 0xffff);
  return 0;
}

/** LLDT (SDM 2A LLDT). */
export function lldt(context: Context, operand: number): Fault {
  const selector = operand & 0xffff;
  const denied = checkPrivilegedProtected(context);
  if (denied !== 0) return denied;
  if ((selector & 0xfffc) === 0) {
    context.setNull(Segment.ldtr, selector);
    return 0;
  }
  const error = selector & 0xfffc;
  if ((selector & 4) !== 0) return generalProtection(error);
  const fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  const { low, high } = context;
  const isLdt = (high & DescriptorBit.segment) === 0 && systemType(high) === SystemType.ldt;
  if (!isLdt) return generalProtection(error);
  if ((high & DescriptorBit.present) === 0) return segmentNotPresent(error);
  setSystemSegment(context, Segment.ldtr, selector, low, high);
  return 0;
}

/** LTR (SDM 2A LTR). */
export function ltr(context: Context, operand: number): Fault {
  const selector = operand & 0xffff;
  const denied = checkPrivilegedProtected(context);
  if (denied !== 0) return denied;
  const error = selector & 0xfffc;
  if (error === 0 || (selector & 4) !== 0) return generalProtection(error);
  const fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  const { low, high } = context;
  const isAvailableTask = (high & DescriptorBit.segment) === 0 && (systemType(high) & 7) === 1;
  if (!isAvailableTask) return generalProtection(error);
  if ((high & DescriptorBit.present) === 0) return segmentNotPresent(error);
  const written = context.memory.write8((context.address + 5) | 0, (high >>> 8) | 2, true);
  if (written !== 0) return written;
  setTaskRegister(context, selector, low, high);
  return 0;
}

/** UMIP: #GP(0) for SGDT, SIDT, SLDT, SMSW and STR above CPL 0 (SDM 2B SGDT). */
export function checkUmip(context: Context): Fault {
  const isOn = (context.get(State.cr4) & ControlBit.cr4Umip) !== 0;
  return isOn && context.get(State.cpl) !== 0 ? generalProtection(0) : 0;
}

/** SLDT and STR: #UD outside protected mode, UMIP; the selector goes to `context.result`. */
export function storeSelector(context: Context, at: number): Fault {
  if (!context.isProtected()) return invalidOpcode;
  context.result = context.get(at + Word.selector);
  return checkUmip(context);
}

function checkPrivilegedProtected(context: Context): Fault {
  if (!context.isProtected()) return invalidOpcode;
  return context.get(State.cpl) !== 0 ? generalProtection(0) : 0;
}
