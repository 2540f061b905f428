/**
 * SYSENTER, SYSEXIT (SDM 2B) and the legacy-mode forms of SYSCALL and SYSRET (APM 3): CS and SS get
 * fixed flat segments, no descriptor is read.
 *
 * Hot: every system call of a 32-bit kernel; benchmark in segmentation.bench.ts.
 */
import { Eflags } from '@ringfence/memory';
import type { Context } from './context.ts';
import { setBounds, Word } from './descriptor.ts';
import { generalProtection, invalidOpcode, type Fault } from './fault.ts';
import { ControlBit, Segment, State } from './state.ts';

/** Flat 32-bit code, execute/read, accessed, present, without DPL. */
const flatCode = 0xc09b;
/** Flat 32-bit data, read/write, accessed, present, without DPL. */
const flatData = 0xc093;

/** SYSENTER with the values of its three MSRs (SDM 2B SYSENTER). */
export function sysenter(context: Context, cs: number, esp: number, eip: number): Fault {
  if (context.isReal() || (cs & 0xfffc) === 0) return generalProtection(0);
  enterKernel(context, cs & 0xfffc, eip, Eflags.vm | Eflags.if);
  context.set(State.esp, esp);
  return 0;
}

/** SYSEXIT with the value of IA32_SYSENTER_CS: to EDX with stack ECX (SDM 2B SYSEXIT). */
export function sysexit(context: Context, cs: number): Fault {
  const denied = context.isReal() || (cs & 0xfffc) === 0 || context.get(State.cpl) !== 0;
  if (denied) return generalProtection(0);
  const ecx = context.get(State.gpr + 2);
  leaveKernel(context, ((cs & 0xfffc) + 16) | 3, ((cs & 0xfffc) + 24) | 3);
  context.setEip(context.get(State.gpr + 4));
  context.set(State.esp, ecx);
  return 0;
}

/** SYSCALL outside long mode: to STAR's EIP, return address in ECX (APM 3 SYSCALL). */
export function syscall(context: Context, starLow: number, starHigh: number): Fault {
  if ((context.get(State.efer) & ControlBit.eferSce) === 0) return invalidOpcode;
  // The manual leaves real mode open; a CPL 0 of which nothing is protected would be meaningless.
  if (context.isReal()) return invalidOpcode;
  context.set(State.gpr + 2, context.get(State.nextEip));
  enterKernel(context, starHigh & 0xfffc, starLow, Eflags.vm | Eflags.if | Eflags.rf);
  return 0;
}

/**
 * SYSRET outside long mode: to ECX, IF set (APM 3 SYSRET). SS gets a whole flat segment of DPL 3,
 * of which the manual promises only the selector.
 */
export function sysret(context: Context, starHigh: number): Fault {
  if ((context.get(State.efer) & ControlBit.eferSce) === 0) return invalidOpcode;
  if (context.isReal() || context.get(State.cpl) !== 0) return generalProtection(0);
  const selector = starHigh >>> 16;
  leaveKernel(context, selector | 3, ((selector + 8) & 0xffff) | 3);
  context.setEip(context.get(State.gpr + 2));
  context.set(State.eflags, context.get(State.eflags) | Eflags.if);
  return 0;
}

function enterKernel(context: Context, cs: number, eip: number, cleared: number): void {
  context.set(State.eflags, context.get(State.eflags) & ~cleared);
  setFlat(context, Segment.cs, cs, flatCode);
  setFlat(context, Segment.ss, (cs + 8) & 0xffff, flatData);
  context.setEip(eip);
  context.setCpl(0);
  context.updateCodeMode();
}

function leaveKernel(context: Context, cs: number, ss: number): void {
  setFlat(context, Segment.cs, cs & 0xffff, flatCode | 0x60);
  setFlat(context, Segment.ss, ss & 0xffff, flatData | 0x60);
  context.setCpl(3);
  context.updateCodeMode();
}

function setFlat(context: Context, at: number, selector: number, attributes: number): void {
  context.set(at + Word.selector, selector);
  context.set(at + Word.base, 0);
  setBounds(context.words, at, attributes, -1);
}
