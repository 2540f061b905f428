import type { Plan } from './plan.ts';
import type { VectorFault } from './vector-file.ts';

/** All flags that an ordinary process can see change: not RF, which faults set. */
const VISIBLE = 0x00244dd5 | 0x3200;
const OVERFLOW = 0x800;
const CARRY = 0x1;

/** Bits of EFLAGS that the manuals define after this case. */
export function definedFlags(plan: Plan, fault: VectorFault | undefined): number {
  const { form } = plan;
  let undefinedFlags = form.flags.undefined & VISIBLE;
  // A fault leaves the flags as they were (SDM vol. 3A, 6.5); a trap such as #OF does too.
  if (fault !== undefined) return VISIBLE;
  const count = shiftCount(plan);
  if (count === 0) return VISIBLE;
  if (count === 1) undefinedFlags &= ~OVERFLOW;
  if (count !== undefined && /^(SHL|SAL|SHR)$/.test(form.mnemonic)) {
    // CF is undefined for counts of the operand's width and above (SDM vol. 2B, SAL).
    if (count >= plan.bytesOf(0) * 8) undefinedFlags |= CARRY;
  }
  return VISIBLE & ~undefinedFlags;
}

/** Bits of the x87 status word that the manuals define: C0..C3 are bits 8, 9, 10 and 14. */
export function definedStatus(plan: Plan, fault: VectorFault | undefined): number {
  if (fault !== undefined) return 0xffff;
  const bits = (plan.form.flags.undefined >>> 24) & 15;
  return 0xffff & ~(((bits & 7) << 8) | ((bits & 8) << 11));
}

/** The count of a shift or rotate after masking, or undefined for other instructions. */
function shiftCount(plan: Plan): number | undefined {
  const { form } = plan;
  if (!/^(ROL|ROR|RCL|RCR|SHL|SAL|SHR|SAR|SHLD|SHRD)$/.test(form.mnemonic)) return undefined;
  const last = plan.spec(form.operands.length - 1).text;
  const count = last === 'CL' ? plan.state.gpr(1) : (plan.immediate ?? 1);
  return count & 31;
}
