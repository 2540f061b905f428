/**
 * What of the processor's features a paravirtual guest is shown: those are hidden that it could
 * only have with page tables, control registers or an APIC of its own (Xen,
 * public/arch-x86/cpufeatureset.h, features marked for translated guests alone).
 */
import type { CpuidValues } from '../../interfaces.ts';

const bits = (...numbers: readonly number[]): number =>
  numbers.reduce((mask, number) => mask | (1 << number), 0);

/** VME, PSE, MTRR, PGE, PSE-36: leaf 1 and, of AMD's processors, leaf 0x80000001 have them. */
const ofPaging = bits(1, 3, 12, 13, 17);
/** MONITOR, VMX, SMX, PCID, x2APIC, and the deadlines of the APIC's timer. */
const ofControl = bits(3, 5, 6, 17, 21, 24);
/** SMEP, INVPCID, SMAP. */
const ofProtection = bits(7, 10, 20);
const userMode = bits(2);
/** SYSCALL, which is undefined outside of 64-bit mode here; SVM. */
const systemCall = bits(11);
const secureMachine = bits(2);
/** XSAVES: state of the supervisor's. */
const supervisorState = bits(3);

interface HiddenBits {
  readonly subleaf?: number;
  readonly eax?: number;
  readonly ebx?: number;
  readonly ecx?: number;
  readonly edx?: number;
}

const hidden: Readonly<Record<number, HiddenBits>> = {
  1: { ecx: ofControl, edx: ofPaging },
  7: { subleaf: 0, ebx: ofProtection, ecx: userMode },
  0xd: { subleaf: 1, eax: supervisorState },
  0x8000_0001: { ecx: secureMachine, edx: ofPaging | systemCall },
};

/** Returns what a paravirtual guest is shown of a leaf of the processor's. */
export function paravirtualCpuid(
  leaf: number,
  subleaf: number,
  { eax, ebx, ecx, edx }: CpuidValues,
): CpuidValues {
  const { subleaf: only = subleaf, ...without } = hidden[leaf] ?? {};
  const mask = only === subleaf ? without : {};
  return {
    eax: eax & ~(mask.eax ?? 0),
    ebx: ebx & ~(mask.ebx ?? 0),
    ecx: ecx & ~(mask.ecx ?? 0),
    edx: edx & ~(mask.edx ?? 0),
  };
}
