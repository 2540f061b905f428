/**
 * CPU features: where CPUID shows each, and which of them instructions need (SDM 2A CPUID; APM 3,
 * appendix E). One list of names says both, so that they agree.
 */
import { NO_FORM } from '@ringfence/decoder';
import { FORMS } from '@ringfence/isa';

/** Registers of CPUID that show features. */
export interface FeatureWords {
  /** Leaf 1. */
  readonly edx: number;
  readonly ecx: number;
  /** Leaf 0x80000001. */
  readonly extendedEdx: number;
  readonly extendedEcx: number;
  /** Leaf 7, subleaf 0. */
  readonly structuredEbx: number;
  readonly structuredEcx: number;
  readonly structuredEdx: number;
  /** Leaf 13, subleaf 1. */
  readonly saveEax: number;
  /** Leaf 0x80000008. */
  readonly sizesEbx: number;
}

const rows: readonly (readonly [word: keyof FeatureWords, first: number, names: string])[] = [
  ['edx', 0, 'FPU VME DE PSE TSC MSR PAE MCE CX8 APIC'],
  ['edx', 11, 'SEP MTRR PGE MCA CMOV PAT PSE36'],
  ['edx', 19, 'CLFSH'],
  ['edx', 23, 'MMX FXSR SSE SSE2'],
  ['ecx', 0, 'SSE3 PCLMULQDQ'],
  ['ecx', 3, 'MONITOR'],
  ['ecx', 9, 'SSSE3'],
  ['ecx', 12, 'FMA'],
  ['ecx', 13, 'CX16'],
  ['ecx', 19, 'SSE4.1 SSE4.2'],
  ['ecx', 21, 'X2APIC'],
  ['ecx', 22, 'MOVBE POPCNT TSC-DEADLINE AES XSAVE'],
  ['ecx', 28, 'AVX F16C RDRAND'],
  ['extendedEdx', 11, 'SYSCALL'],
  ['extendedEdx', 20, 'NX'],
  ['extendedEdx', 22, 'MMXEXT'],
  ['extendedEdx', 25, 'FXSR-OPT'],
  ['extendedEdx', 27, 'RDTSCP'],
  ['extendedEcx', 0, 'LAHF'],
  ['extendedEcx', 5, 'LZCNT SSE4A'],
  ['extendedEcx', 8, 'PREFETCHW'],
  ['structuredEbx', 1, 'TSC-ADJUST'],
  ['structuredEbx', 3, 'BMI1'],
  ['structuredEbx', 5, 'AVX2'],
  ['structuredEbx', 7, 'SMEP BMI2'],
  ['structuredEbx', 9, 'ERMS INVPCID'],
  ['structuredEbx', 18, 'RDSEED ADX'],
  ['structuredEbx', 20, 'SMAP'],
  ['structuredEbx', 23, 'CLFLUSHOPT CLWB'],
  ['structuredEbx', 29, 'SHA'],
  ['structuredEcx', 2, 'UMIP'],
  ['structuredEcx', 9, 'VAES VPCLMULQDQ'],
  ['structuredEcx', 22, 'RDPID'],
  ['structuredEdx', 4, 'FSRM'],
  ['saveEax', 0, 'XSAVEOPT XSAVEC XGETBV1 XSAVES'],
  ['sizesEbx', 0, 'CLZERO'],
  ['sizesEbx', 2, 'XSAVEERPTR'],
  ['sizesEbx', 9, 'WBNOINVD'],
];

/** Bits of leaf 1 EDX that AMD processors show again in leaf 0x80000001. */
const mirroredEdx = 0x0183_f3ff;

const isKnown: ReadonlySet<string> = new Set(rows.flatMap(([, , names]) => names.split(' ')));

/** The CPUID words of a set of features. */
export function featureWords(features: ReadonlySet<string>, isAmd: boolean): FeatureWords {
  const words = {
    edx: 0,
    ecx: 0,
    extendedEdx: 0,
    extendedEcx: 0,
    structuredEbx: 0,
    structuredEcx: 0,
    structuredEdx: 0,
    saveEax: 0,
    sizesEbx: 0,
  };
  for (const [word, first, names] of rows) {
    for (const [index, name] of names.split(' ').entries()) {
      if (features.has(name)) words[word] |= 1 << (first + index);
    }
  }
  if (isAmd) words.extendedEdx |= words.edx & mirroredEdx;
  return words;
}

/** What instructions need that CPUID shows in another way, or not at all. */
const needs: Readonly<Record<string, (features: ReadonlySet<string>) => boolean>> = {
  // With the processors of family 6, and with SSE's prefetch hints among them.
  NOPL: (features) => features.has('CMOV'),
  PMC: (features) => features.has('CMOV'),
  // VMCALL and VMMCALL are hypercalls; the others are undefined by their semantics.
  VMX: () => true,
  SVM: () => true,
  LM: () => true,
  FSGSBASE: () => false,
};

/** Instructions that were no-operations before the feature whose hint they are. */
const hints: ReadonlySet<string> = new Set(['PAUSE']);

/**
 * What instructions are without their feature: F3 had no effect (SDM 2A to 2D, LZCNT, TZCNT and
 * WBNOINVD).
 * Their operands are the same.
 */
const precursors: ReadonlyMap<string, string> = new Map([
  ['LZCNT', 'BSR'],
  ['TZCNT', 'BSF'],
  ['WBNOINVD', 'WBINVD'],
]);

/**
 * What a processor with these features takes each form for, by form number: the form itself, its
 * precursor, or `NO_FORM`. An argument of `decodeInto`.
 */
export function formsOf(features: ReadonlySet<string>): Int16Array {
  return Int16Array.from(FORMS, (form) => {
    if (hints.has(form.mnemonic)) return form.index;
    const rule = needs[form.feature];
    const has = rule?.(features) ?? (!isKnown.has(form.feature) || features.has(form.feature));
    if (has) return form.index;
    const precursor = FORMS.find(({ mnemonic }) => mnemonic === precursors.get(form.mnemonic));
    return precursor?.index ?? NO_FORM;
  });
}
