/** Model-specific registers of a paravirtual guest (Xen, arch/x86/msr.c, "guest_rdmsr"). */
import { pageBytes } from '@ringfence/memory';
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
/** IA32_BIOS_SIGN_ID: programs of Intel's processors write 0 before they read it. */
const microcodeRevision = 0x8b;
/** TSC_AUX: what RDTSCP puts into ECX. */
export const timeStampAuxiliary = 0xc000_0103;
/** IA32_PAT as Xen has it for all of its guests. */
const pageAttributes = 0x277;
const pageAttributesValue = { low: 0x0007_0406, high: 0x0501 } as const;
/** IA32_FEATURE_CONTROL of Intel's processors: locked, with nothing in it. */
const featureControl = 0x3a;
/** IA32_MCG_CAP: two banks; Intel's have threshold-based status and software recovery. */
const machineCheckBanks = 0x179;
const bankCount = 2;
const intelMachineCheck = 0x0100_0800;
/** IA32_MC0_CTL, and the registers of each bank: control, status, address, miscellaneous. */
const firstBank = 0x400;
const registersPerBank = 4;
/**
 * IA32_MISC_ENABLE: fast strings, and neither branch tracing, precise events nor xTPR messages. It
 * is the host's: writes are taken, and nothing comes of them.
 */
const miscellaneous = 0x1a0;
const miscellaneousValue = 0x80_1801;

const ofIntel = 'GenuineIntel';
const ofAmd = 'AuthenticAMD';

/**
 * Registers of frequencies, counters, machine checks and the chipset that a guest without devices
 * has no say in: first and last number, the vendor of the processors that have them, whether they
 * are read, as 0, and written, without effect.
 */
const idle: readonly (readonly [
  first: number,
  last: number,
  vendor: string | undefined,
  uses: 'read' | 'write' | 'both',
])[] = [
  // P5_MC_ADDR, P5_MC_TYPE; IA32_MPERF, IA32_APERF.
  [0x0, 0x1, undefined, 'read'],
  [0xe7, 0xe8, undefined, 'write'],
  // Counters and what they count, while nobody has switched performance monitoring on.
  [0xc1, 0xc8, ofIntel, 'both'],
  [0x186, 0x189, ofIntel, 'both'],
  [0x309, 0x30b, ofIntel, 'both'],
  [0x38d, 0x390, ofIntel, 'both'],
  [0xc001_0000, 0xc001_0007, ofAmd, 'both'],
  [0xc001_0200, 0xc001_020b, ofAmd, 'both'],
  // IA32_MCG_STATUS, IA32_MCG_CTL; IA32_MC0_CTL2 and behind; banks, and those that are not there.
  [0x17a, 0x17b, undefined, 'both'],
  [0x280, 0x29f, undefined, 'read'],
  [0x400, 0x407, undefined, 'both'],
  [0x408, 0x47f, undefined, 'read'],
  // IA32_PERF_STATUS, _PERF_CTL, _CLOCK_MODULATION, _ENERGY_PERF_BIAS, _PERF_CAPABILITIES.
  [0x198, 0x198, ofIntel, 'read'],
  [0x199, 0x199, ofIntel, 'both'],
  [0x19a, 0x19a, ofIntel, 'write'],
  [0x1b0, 0x1b0, ofIntel, 'write'],
  [0x345, 0x345, undefined, 'read'],
  // SYSCFG, HWCR, IORRs and TOP_MEM, NB_CFG, P-states, TSEG.
  [0xc001_0010, 0xc001_0010, ofAmd, 'read'],
  [0xc001_0015, 0xc001_0015, ofAmd, 'both'],
  [0xc001_0016, 0xc001_001a, ofAmd, 'read'],
  [0xc001_001d, 0xc001_001d, ofAmd, 'read'],
  [0xc001_001f, 0xc001_001f, undefined, 'both'],
  [0xc001_0061, 0xc001_006b, ofAmd, 'both'],
  [0xc001_0112, 0xc001_0113, ofAmd, 'read'],
];

/** Whether a register is among the idle ones for a use. */
function isIdle(guest: PvGuest, index: number, use: 'read' | 'write'): boolean {
  return idle.some(([first, last, vendor, uses]) => {
    const isMeant = index >= first && index <= last && (uses === use || uses === 'both');
    return isMeant && (vendor === undefined || vendor === guest.processor?.vendor);
  });
}

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
    case pageAttributes:
      return pageAttributesValue;
    case featureControl:
      return guest.processor?.vendor === ofIntel ? { low: 1, high: 0 } : undefined;
    case machineCheckBanks: {
      const extra = guest.processor?.vendor === ofIntel ? intelMachineCheck : 0;
      return { low: bankCount | extra, high: 0 };
    }
    case timeStampAuxiliary:
      return guest.processor?.readRegister(timeStampAuxiliary);
    case microcodeRevision:
      return guest.processor?.readRegister(microcodeRevision) ?? { low: 0, high: 0 };
    case xenHypercallMsr:
      return { low: 0, high: 0 };
    default:
      return readIdle(guest, index >>> 0);
  }
}

function readIdle(guest: PvGuest, index: number): MsrValue | undefined {
  const isBankControl = index % registersPerBank === 0;
  if (isBankControl && index >= firstBank && index < firstBank + bankCount * registersPerBank) {
    return { low: -1, high: -1 };
  }
  return isIdle(guest, index, 'read') ? { low: 0, high: 0 } : undefined;
}

/**
 * What a read gives that is to fault: 0 of a register that the processor has, as long as the guest
 * has no handler of #GP. Kernels read registers before they have one.
 */
export function readBeforeHandlers(guest: PvGuest, index: number): MsrValue | undefined {
  const isXens = index >>> 16 === xenHypercallMsr >>> 16;
  const hasHandler = guest.traps[generalProtection] !== undefined;
  const isThere = guest.processor?.readRegister(index) !== undefined;
  return isThere && !hasHandler && !isXens ? { low: 0, high: 0 } : undefined;
}

const generalProtection = 13;

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
    case extendedFeatures: {
      // Linux writes back what it read; no other value is taken.
      const now = readPvMsr(guest, extendedFeatures);
      return high === 0 && low === now?.low;
    }
    case timeStampAuxiliary:
      return guest.processor?.writeRegister(timeStampAuxiliary, low, high) ?? false;
    case microcodeRevision:
      return guest.processor?.vendor !== ofAmd && low === 0 && high === 0;
    case miscellaneous:
      return true;
    default:
      return isIdle(guest, index >>> 0, 'write');
  }
}
