/**
 * What CPUID says. The default model calls itself AMD: a family that needs no page-table isolation,
 * which is true here, so a guest asks less of its MMU and runs faster.
 */
import type { CpuidValues } from '@ringfence/hypercall';

/** CPUID values by leaf, and what depends on them. */
export interface CpuModel {
  readonly name: string;
  /** Twelve characters of leaf 0. */
  readonly vendor: string;
  /** Leaf 1 EAX: family, model, stepping. */
  readonly signature: number;
  readonly brand: string;
  /** Leaf 1 EDX and ECX, leaf 0x80000001 EDX and ECX. */
  readonly features: {
    readonly edx: number;
    readonly ecx: number;
    readonly extendedEdx: number;
    readonly extendedEcx: number;
  };
  /** MAXPHYADDR. */
  readonly physicalBits: number;
}

const bits = (...positions: number[]): number =>
  positions.reduce((mask, position) => mask | (1 << position), 0);

/** FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFLUSH MMX FXSR SSE SSE2. */
const commonEdx = bits(
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  11,
  12,
  13,
  14,
  15,
  16,
  17,
  19,
  23,
  24,
  25,
  26,
);

/** SSE3 PCLMULQDQ SSSE3 CX16 SSE4.1 SSE4.2 MOVBE POPCNT TSC-deadline AES RDRAND. */
const maximumEcx = bits(0, 1, 9, 13, 19, 20, 22, 23, 24, 25, 30);

/** The models that `-cpu` knows, the first is the default. */
export const cpuModels: readonly CpuModel[] = [
  {
    name: 'qemu32',
    vendor: 'AuthenticAMD',
    signature: 0x0010_0f23,
    brand: 'Ringfence Virtual CPU',
    features: {
      edx: commonEdx,
      ecx: bits(0, 9, 13, 19, 20, 22, 23, 24),
      // The AMD mirror of leaf 1, NX, MMXEXT; LAHF.
      extendedEdx: (commonEdx & 0x0183_f3ff) | bits(20, 22),
      extendedEcx: bits(0),
    },
    physicalBits: 40,
  },
  {
    name: 'max',
    vendor: 'AuthenticAMD',
    signature: 0x0010_0f23,
    brand: 'Ringfence Virtual CPU (max)',
    features: {
      edx: commonEdx,
      ecx: maximumEcx,
      extendedEdx: (commonEdx & 0x0183_f3ff) | bits(20, 22, 27),
      extendedEcx: bits(0, 5, 8),
    },
    physicalBits: 40,
  },
  {
    name: 'pentium3',
    vendor: 'GenuineIntel',
    signature: 0x0000_0673,
    brand: '',
    features: {
      edx: commonEdx & ~bits(19, 26),
      ecx: 0,
      extendedEdx: 0,
      extendedEcx: 0,
    },
    physicalBits: 36,
  },
  {
    name: 'pentium',
    vendor: 'GenuineIntel',
    signature: 0x0000_0543,
    brand: '',
    features: { edx: bits(0, 1, 2, 3, 4, 5, 7, 8, 23), ecx: 0, extendedEdx: 0, extendedEcx: 0 },
    physicalBits: 32,
  },
  {
    name: '486',
    vendor: 'GenuineIntel',
    signature: 0x0000_0480,
    brand: '',
    features: { edx: bits(0, 1), ecx: 0, extendedEdx: 0, extendedEcx: 0 },
    physicalBits: 32,
  },
];

/** ECX bit 31 of leaf 1: a hypervisor is present. */
const hypervisorPresent = 1 << 31;

/** EDX bit 9 of leaves 1 and 0x80000001 (AMD): a local APIC that is enabled. */
export const apicPresent: number = 1 << 9;

/** ECX bit 24 of leaf 1: the local APIC's timer has a TSC-deadline mode. */
export const tscDeadlinePresent: number = 1 << 24;

/** What leaf 1 tells of a local APIC. */
export interface CpuidApic {
  readonly enabled: boolean;
  readonly id: number;
}

/** Values of a leaf below 0x40000000 or from 0x80000000 on; the highest leaf's beyond the range. */
export function cpuidLeaf(
  model: CpuModel,
  leaf: number,
  hypervisor: boolean,
  apic?: CpuidApic,
): CpuidValues {
  const { features } = model;
  const withoutApic = apic?.enabled === true ? 0 : apicPresent;
  switch (leaf >>> 0) {
    case 0:
      return {
        eax: 1,
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
          (features.ecx & (apic === undefined ? ~tscDeadlinePresent : -1)) |
          (hypervisor ? hypervisorPresent : 0),
        edx: features.edx & ~withoutApic,
      };
    case 0x8000_0000:
      return model.brand === '' ? none : { eax: 0x8000_0008 | 0, ebx: 0, ecx: 0, edx: 0 };
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
      return { eax: model.physicalBits | (48 << 8), ebx: 0, ecx: 0, edx: 0 };
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
