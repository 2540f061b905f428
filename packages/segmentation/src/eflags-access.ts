/** PUSHF, POPF, CLI and STI with IOPL, VME and PVI (SDM 2B PUSHF, POPF, STI; 2A CLI). */
import { arithmeticFlags, Eflags, readEflags, writeEflags } from '@ringfence/memory';
import type { Context } from './context.ts';
import { generalProtection, type Fault } from './fault.ts';
import type { OperandBytes } from './interfaces.ts';
import { ControlBit, State } from './state.ts';

/** What POPF can load at any privilege (SDM 2B table 4-16). */
const always = arithmeticFlags | Eflags.tf | Eflags.df | Eflags.nt | Eflags.ac | Eflags.id;

/** PUSHF: the image goes to `context.result`, RF and VM clear in it (SDM 2B PUSHF). */
export function pushf(context: Context, size: OperandBytes): Fault {
  const eflags = readEflags(context.words);
  let image = eflags & ~(Eflags.rf | Eflags.vm);
  if (context.isVirtual8086() && context.iopl() < 3) {
    if (!hasVirtualFlags(context) || size === 4) return generalProtection(0);
    image = (eflags & ~Eflags.if) | ((eflags >> 10) & Eflags.if) | Eflags.iopl;
  }
  context.result = size === 2 ? image & 0xffff : image;
  return 0;
}

/** POPF of `image`; RF is cleared, VM, VIF and VIP stay (SDM 2B POPF). */
export function popf(context: Context, image: number, size: OperandBytes): Fault {
  let mask = always;
  let value = image;
  const iopl = context.iopl();
  if (!context.isVirtual8086()) {
    const cpl = context.get(State.cpl);
    if (cpl <= iopl) mask |= Eflags.if;
    if (cpl === 0) mask |= Eflags.iopl;
  } else if (iopl === 3) {
    mask |= Eflags.if;
  } else {
    if (!hasVirtualFlags(context) || size === 4) return generalProtection(0);
    const pending = (context.get(State.eflags) & Eflags.vip) !== 0;
    if ((image & Eflags.tf) !== 0 || (pending && (image & Eflags.if) !== 0)) {
      return generalProtection(0);
    }
    value = (image & 0xffff) | ((image & Eflags.if) << 10);
    writeEflags(context.words, value, (always & 0xffff) | Eflags.vif);
    return 0;
  }
  if (size === 2) mask &= 0xffff;
  else value &= ~Eflags.rf;
  writeEflags(context.words, value, size === 2 ? mask : mask | Eflags.rf);
  return 0;
}

/** CLI: clears IF, or VIF where VME or PVI stand in for it (SDM 2A CLI). */
export function cli(context: Context): Fault {
  const flag = interruptFlag(context);
  if (flag === 0) return generalProtection(0);
  writeEflags(context.words, 0, flag);
  return 0;
}

/** STI: sets IF and starts the interrupt shadow, or sets VIF (SDM 2B STI). */
export function sti(context: Context): Fault {
  const flag = interruptFlag(context);
  if (flag === 0) return generalProtection(0);
  const eflags = context.get(State.eflags);
  if (flag === Eflags.vif && (eflags & Eflags.vip) !== 0) return generalProtection(0);
  if (flag === Eflags.if && (eflags & Eflags.if) === 0) context.set(State.interruptShadow, 1);
  writeEflags(context.words, flag, flag);
  return 0;
}

/** The flag that CLI and STI act on, 0 when they fault (SDM 2A CLI, table 3-7). */
function interruptFlag(context: Context): number {
  const cpl = context.get(State.cpl);
  const iopl = context.iopl();
  // Virtual-8086 mode has CPL 3, so that IOPL 3 is the same condition in both.
  if (context.isReal() || cpl <= iopl) return Eflags.if;
  const bit = context.isVirtual8086() ? ControlBit.cr4Vme : ControlBit.cr4Pvi;
  return cpl === 3 && (context.get(State.cr4) & bit) !== 0 ? Eflags.vif : 0;
}

/** Virtual-8086 mode extensions are on. */
function hasVirtualFlags(context: Context): boolean {
  return (context.get(State.cr4) & ControlBit.cr4Vme) !== 0;
}
