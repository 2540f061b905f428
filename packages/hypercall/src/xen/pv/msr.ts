/** Model-specific registers of a paravirtual guest (Xen, arch/x86/msr.c, "guest_rdmsr"). */
import type { MsrValue } from '../../interfaces.ts';
import { CpuidFaulting } from '../cpuid-faulting.ts';
import { xenHypercallMsr } from '../hvm-abi.ts';
import type { PvGuest } from './guest.ts';
import { paravirtualHypercallPage } from './hypervisor-area.ts';

/** The number of the MSR that has the time-stamp counter. */
export const timeStampCounter = 0x10;
/** IA32_APIC_BASE: where it would be, enabled, of the first processor. */
const apicBase = 0x1b;
const apicBaseValue = 0xfee0_0900;
/** IA32_EFER: only NXE means something to a 32-bit guest. */
const extendedFeatures = 0xc000_0080;
const noExecuteEnable = 0x800;
/** IA32_BIOS_SIGN_ID: programs write 0 before they read it. */
const microcodeRevision = 0x8b;
/**
 * IA32_MISC_ENABLE: fast strings, and neither branch tracing, precise events nor xTPR messages. It
 * is the host's: writes are taken, and nothing comes of them.
 */
const miscellaneous = 0x1a0;
const miscellaneousValue = 0x80_1801;
const pageBytes = 4096;

/** Returns a register's value; nothing for one that faults. */
export function readPvMsr(guest: PvGuest, index: number): MsrValue | undefined {
  switch (index >>> 0) {
    case timeStampCounter: {
      const { clock } = guest.domain.services;
      const tsc = clock.tscAt(Math.floor(clock.now()));
      return { low: Number(tsc & 0xffff_ffffn), high: Number((tsc >> 32n) & 0xffff_ffffn) };
    }
    case apicBase:
      return { low: apicBaseValue | 0, high: 0 };
    case extendedFeatures:
      return { low: guest.hasNoExecute ? noExecuteEnable : 0, high: 0 };
    case CpuidFaulting.platformInfo:
      return { low: CpuidFaulting.available | 0, high: 0 };
    case CpuidFaulting.featureEnables:
      return { low: guest.domain.cpuidFaulting ? 1 : 0, high: 0 };
    case miscellaneous:
      return { low: miscellaneousValue, high: 0 };
    case microcodeRevision:
    case xenHypercallMsr:
      return { low: 0, high: 0 };
    default:
      return undefined;
  }
}

/** Writes a register; false for what faults. */
export function writePvMsr(guest: PvGuest, index: number, { low, high }: MsrValue): boolean {
  switch (index >>> 0) {
    case CpuidFaulting.featureEnables: {
      const isKnown = high === 0 && (low & ~1) === 0;
      guest.domain.cpuidFaulting = isKnown ? low === 1 : guest.domain.cpuidFaulting;
      return isKnown;
    }
    case xenHypercallMsr: {
      const frame = low >>> 12;
      const isGood = high === 0 && low % pageBytes === 0 && guest.isOwnMemory(frame);
      if (isGood) {
        guest.domain.services.memory.write(frame * pageBytes, paravirtualHypercallPage());
      }
      return isGood;
    }
    case microcodeRevision:
      return low === 0 && high === 0;
    case miscellaneous:
      return true;
    default:
      return false;
  }
}
