/**
 * What CPUID says. The default model calls itself AMD: a family that needs no page-table isolation,
 * which is true here, so a guest asks less of its MMU and runs faster. It has RDRAND, from which
 * Linux has its random numbers at once: without, each exec hashes the pool for new ones until the
 * kernel has gathered enough from interrupts, an eighth of what fork and exec take.
 */
import type { CpuidValues } from '@ringfence/hypercall';
import { monitorLineBytes } from './address-monitor.ts';
import type { FeatureWords } from './features.ts';
import { featureWords } from './features.ts';
import { avxArea, Component, componentsOf, saveAreaBytes } from './saved-state.ts';

/** What CPUID says, and what depends on it. */
export interface CpuModel {
  readonly name: string;
  /** Twelve characters of leaf 0. */
  readonly vendor: string;
  /** Leaf 1 EAX: family, model, stepping. */
  readonly signature: number;
  readonly brand: string;
  /** Names of `features.ts`; an instruction of any other is undefined. */
  readonly has: ReadonlySet<string>;
  /** `has` as CPUID shows it. */
  readonly features: FeatureWords;
  /** MAXPHYADDR. */
  readonly physicalBits: number;
}

const pentium = 'FPU VME DE PSE TSC MSR MCE CX8';
const pentium3 = `${pentium} PAE APIC SEP MTRR PGE MCA CMOV PAT PSE36 MMX FXSR SSE`;
const standard =
  `${pentium3} CLFSH SSE2 SSE3 SSSE3 CX16 SSE4.1 SSE4.2 MOVBE POPCNT TSC-DEADLINE ` +
  'RDRAND NX MMXEXT LAHF XSAVEERPTR';
const maximum =
  `${standard} SYSCALL PCLMULQDQ AES XSAVE RDTSCP PREFETCHW SMEP INVPCID RDSEED SMAP ` +
  'UMIP RDPID LZCNT BMI1 BMI2 ADX SHA SSE4A CLFLUSHOPT CLWB WBNOINVD ERMS FSRM ' +
  'FXSR-OPT XSAVEOPT XSAVEC XGETBV1 XSAVES X2APIC TSC-ADJUST ' +
  'AVX AVX2 F16C FMA VAES VPCLMULQDQ MONITOR CLZERO';

type ModelRow = Omit<CpuModel, 'has' | 'features'> & { readonly names: string };

const rows: readonly ModelRow[] = [
  {
    name: 'qemu32',
    vendor: 'AuthenticAMD',
    signature: 0x0010_0f23,
    brand: 'Ringfence Virtual CPU',
    names: standard,
    physicalBits: 40,
  },
  {
    name: 'max',
    vendor: 'AuthenticAMD',
    signature: 0x0010_0f23,
    brand: 'Ringfence Virtual CPU (max)',
    names: maximum,
    physicalBits: 40,
  },
  {
    name: 'pentium3',
    vendor: 'GenuineIntel',
    signature: 0x0000_0673,
    brand: '',
    names: pentium3,
    physicalBits: 36,
  },
  {
    name: 'pentium',
    vendor: 'GenuineIntel',
    signature: 0x0000_0543,
    brand: '',
    names: `${pentium} MMX`,
    physicalBits: 32,
  },
  {
    name: '486',
    vendor: 'GenuineIntel',
    signature: 0x0000_0480,
    brand: '',
    names: 'FPU VME',
    physicalBits: 32,
  },
];

/** The models that `-cpu` knows, the first is the default. */
export const cpuModels: readonly CpuModel[] = rows.map(({ names, ...model }) => {
  const has = new Set(names.split(' '));
  return { ...model, has, features: featureWords(has, model.vendor === 'AuthenticAMD') };
});

/** Returns a model with another name, another vendor and other features. */
export function modelWith(
  model: CpuModel,
  name: string,
  vendor: string,
  has: ReadonlySet<string>,
): CpuModel {
  const features = featureWords(has, vendor === 'AuthenticAMD');
  return { ...model, name, vendor, has, features };
}

/** ECX bit 31 of leaf 1: a hypervisor is present. */
const hypervisorPresent = 1 << 31;

/** EDX bit 9 of leaves 1 and 0x80000001 (AMD): a local APIC that is enabled. */
export const apicPresent: number = 1 << 9;

/** ECX bit 24 of leaf 1: the local APIC's timer has a TSC-deadline mode. */
export const tscDeadlinePresent: number = 1 << 24;

/** ECX bit 21 of leaf 1: the local APIC has x2APIC mode. */
const x2ApicPresent = 1 << 21;

/** What leaf 1 tells of a local APIC. */
export interface CpuidApic {
  readonly enabled: boolean;
  readonly id: number;
}

/** What CPUID shows beside the model: it changes while the machine runs. */
export interface CpuidState {
  readonly hypervisor: boolean;
  readonly apic: CpuidApic | undefined;
  /** CR4.OSXSAVE. */
  readonly osXsave: boolean;
  /** XCR0: the components of extended state that are enabled. */
  readonly components: number;
}

/** ECX bit 27 of leaf 1: CR4.OSXSAVE is set. */
const osXsavePresent = 1 << 27;

/** The highest basic leaf of a model. */
function highestLeaf(model: CpuModel): number {
  const { features } = model;
  if (model.has.has('XSAVE')) return 13;
  if (features.structuredEbx !== 0 || features.structuredEcx !== 0) return 7;
  return 1;
}

/**
 * Values of a leaf below 0x40000000 or from 0x80000000 on. Beyond the range Intel processors show
 * the highest basic leaf (SDM 2A CPUID), AMD's zeros (APM 3, CPUID).
 */
export function cpuidLeaf(
  model: CpuModel,
  leaf: number,
  subleaf: number,
  state: CpuidState,
): CpuidValues {
  const highest = highestLeaf(model);
  const unsigned = leaf >>> 0;
  if (unsigned <= highest) return basicLeaf(model, unsigned, subleaf, state, highest);
  if (model.brand !== '' && unsigned >= 0x8000_0000 && unsigned <= 0x8000_0008) {
    return extendedLeaf(model, unsigned, state);
  }
  if (model.vendor !== 'GenuineIntel') return none;
  return basicLeaf(model, highest, subleaf, state, highest);
}

function basicLeaf(
  model: CpuModel,
  leaf: number,
  subleaf: number,
  { hypervisor, apic, osXsave, components }: CpuidState,
  highest: number,
): CpuidValues {
  const { features } = model;
  const withoutApic = apic?.enabled === true ? 0 : apicPresent;
  switch (leaf) {
    case 0:
      return {
        eax: highest,
        ebx: characters(model.vendor, 0),
        edx: characters(model.vendor, 4),
        ecx: characters(model.vendor, 8),
      };
    case 1:
      return {
        eax: model.signature,
        // CLFLUSH line of 64 bytes, one logical processor.
        ebx: ((features.edx & (1 << 19)) !== 0 ? 0x0001_0800 : 0) | ((apic?.id ?? 0) << 24),
        ecx:
          (features.ecx & (apic === undefined ? ~(tscDeadlinePresent | x2ApicPresent) : -1)) |
          (hypervisor ? hypervisorPresent : 0) |
          (osXsave ? osXsavePresent : 0),
        edx: features.edx & ~withoutApic,
      };
    case 5:
      // Lines of MONITOR; ECX: extensions are listed, interrupts may end MWAIT with IF clear.
      if (!model.has.has('MONITOR')) return none;
      return { eax: monitorLineBytes, ebx: monitorLineBytes, ecx: 3, edx: 0 };
    case 7:
      if (subleaf !== 0) return none;
      return {
        eax: 0,
        ebx: features.structuredEbx,
        ecx: features.structuredEcx,
        edx: features.structuredEdx,
      };
    case 13:
      return saveLeaf(model, subleaf, components);
    default:
      return none;
  }
}

/** Leaf 13: what XSAVE can save (SDM 1 13.2). */
function saveLeaf({ has, features }: CpuModel, subleaf: number, enabled: number): CpuidValues {
  const all = componentsOf(has);
  const bytes = saveAreaBytes(enabled);
  switch (subleaf) {
    case 0:
      return { eax: all, ebx: bytes, ecx: saveAreaBytes(all), edx: 0 };
    case 1: {
      const compacts = (features.saveEax & 0xa) !== 0;
      return { eax: features.saveEax, ebx: compacts ? bytes : 0, ecx: 0, edx: 0 };
    }
    case 2:
      if ((all & Component.avx) === 0) return none;
      return { eax: avxArea.bytes, ebx: avxArea.offset, ecx: 0, edx: 0 };
    default:
      return none;
  }
}

function extendedLeaf(model: CpuModel, leaf: number, { apic }: CpuidState): CpuidValues {
  const { features } = model;
  const withoutApic = apic?.enabled === true ? 0 : apicPresent;
  switch (leaf) {
    case 0x8000_0000: {
      // AMD's processors say again who made them (APM 3, CPUID Fn8000_0000).
      const vendor = model.vendor === 'GenuineIntel' ? '' : model.vendor;
      return {
        eax: 0x8000_0008 | 0,
        ebx: characters(vendor, 0),
        edx: characters(vendor, 4),
        ecx: characters(vendor, 8),
      };
    }
    case 0x8000_0001:
      return {
        eax: model.signature,
        ebx: 0,
        ecx: features.extendedEcx,
        edx: features.extendedEdx & ~withoutApic,
      };
    case 0x8000_0002:
    case 0x8000_0003:
    case 0x8000_0004: {
      const at = ((leaf & 0xf) - 2) * 16;
      return {
        eax: characters(model.brand, at),
        ebx: characters(model.brand, at + 4),
        ecx: characters(model.brand, at + 8),
        edx: characters(model.brand, at + 12),
      };
    }
    case 0x8000_0007:
      // Invariant TSC.
      return { eax: 0, ebx: 0, ecx: 0, edx: 1 << 8 };
    case 0x8000_0008:
      return { eax: model.physicalBits | (48 << 8), ebx: features.sizesEbx, ecx: 0, edx: 0 };
    default:
      return none;
  }
}

const none: CpuidValues = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

function characters(text: string, at: number): number {
  let value = 0;
  for (let index = 3; index >= 0; index--) {
    value = (value << 8) | (at + index < text.length ? text.charCodeAt(at + index) : 0);
  }
  return value;
}
