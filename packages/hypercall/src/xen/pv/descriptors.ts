/**
 * Segment descriptors that a paravirtual guest may have (Xen, arch/x86/pv/descriptor-tables.c; SDM
 * 3A
 * 3.4.5).
 */
import { pageBytes } from '@ringfence/memory';

const presentBit = 0x8000;
const codeOrData = 0x1000;
const longCode = 0x20_0000;
const accessedBit = 0x100;
const privilegeMask = 0x6000;
/** The privilege level of a 32-bit guest's kernel, as it stands in a descriptor. */
const kernelPrivilege = 0x2000;

/**
 * Returns a descriptor as it may stand in a table, or nothing for one that may not.
 *
 * Code and data segments of level 0 become such of the guest kernel's level, and are marked as
 * accessed, so that the processor never has to write to the table. Call gates may lead to the
 * guest's kernel; other gates and system segments are refused.
 */
export function checkDescriptor(low: number, high: number): readonly [number, number] | undefined {
  if ((high & presentBit) === 0) {
    return [low, high];
  }
  const privilege = (high & privilegeMask) === 0 ? kernelPrivilege : 0;
  if ((high & codeOrData) === 0) {
    return checkGate(low, high | privilege);
  }
  if ((high & longCode) !== 0) {
    return undefined;
  }
  const [wideLow, wideHigh] = widen(low, high);
  return [wideLow, wideHigh | privilege | accessedBit];
}

const largeUnits = 0x80_0000;
/** Where the guest's part of the address space ends. */
export const guestEnd = 0xf580_0000;

/**
 * Flat segments that end within the hypervisor's part reach to its end: old kernels have such, from
 * when its part was smaller, and are to reach the table of machine frames.
 */
function widen(low: number, high: number): readonly [number, number] {
  const isFlat = (high & 0xff00_00ff) === 0 && low >>> 16 === 0;
  const units = ((high & 0xf_0000) | (low & 0xffff)) + 1;
  const end = (high & largeUnits) === 0 ? units : units * pageBytes;
  return isFlat && end > guestEnd ? [low | 0xffff, high | 0xf_0000] : [low, high];
}

const typeMask = 0xf00;
const callGate = 0xc00;
/** Bits 7..5 of a gate are zero; below them is the number of arguments. */
const gateReserved = 0xe0;

function checkGate(low: number, high: number): readonly [number, number] | undefined {
  if ((high & typeMask) === 0) {
    // Type 0 means nothing and is harmless.
    return [low, high];
  }
  const isCallGate = (high & typeMask) === callGate && (high & gateReserved) === 0;
  if (!isCallGate || !isGateSelector(low >>> 16)) {
    return undefined;
  }
  return [(guestSelector(low >>> 16) << 16) | (low & 0xffff), high];
}

/** The first entry of the GDT that is Xen's. */
const firstReserved = 14 * 512;
/** The guest's own segments there (xen-x86_32.h, FLAT_RING1_CS and FLAT_RING3_CS). */
const flatCode: ReadonlySet<number> = new Set([0xe018, 0xe028]);

/**
 * Whether a gate may lead to a segment: one of the guest's own tables, or a flat one that it is
 * given, and never to Xen's.
 */
function isGateSelector(selector: number): boolean {
  const isLocal = (selector & 4) !== 0;
  return isLocal || selector >>> 3 < firstReserved || flatCode.has(selector & 0xfffc);
}

/** Returns a selector whose privilege is at most the guest kernel's. */
export function guestSelector(selector: number): number {
  return (selector & 3) === 0 ? (selector & 0xfffc) | 1 : selector & 0xffff;
}
