/**
 * A page walk as SDM 3A 4.3 to 4.8 word it: slow, in BigInt, sharing no code with the package.
 */

/** Everything besides memory that decides an access. */
export interface ReferenceState {
  paging: boolean;
  pae: boolean;
  pse: boolean;
  wp: boolean;
  nxe: boolean;
  smep: boolean;
  smap: boolean;
  ac: boolean;
  cr3: bigint;
  /** The four PDPTE registers under PAE. */
  pointers: bigint[];
  physicalBits: number;
  /** Bits 52 to 62 of PAE entries mean nothing. */
  softwareBits: boolean;
}

/** Reads an entry of 4 or 8 bytes of guest-physical memory. */
export type ReadEntry = (address: bigint, bytes: number) => bigint;

/** What an access comes to, and the entries that it sets A or D in: none if it faults. */
export interface ReferenceResult {
  fault: boolean;
  errorCode: number;
  physical: bigint;
  updates: { address: bigint; bit: bigint }[];
}

const P = 1n;
const RW = 2n;
const US = 4n;
const A = 0x20n;
const D = 0x40n;
const PS = 0x80n;
const XD = 1n << 63n;

interface Step {
  address: bigint;
  entry: bigint;
}

function bits(high: number, low: number): bigint {
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}

/** Returns what an access to `linear` does. */
export function referenceWalk(
  state: ReferenceState,
  read: ReadEntry,
  linear: bigint,
  access: 'read' | 'write' | 'execute',
  privilege: 'user' | 'supervisor' | 'system',
): ReferenceResult {
  const updates: { address: bigint; bit: bigint }[] = [];
  let code = (access === 'write' ? 2 : 0) | (privilege === 'user' ? 4 : 0);
  if (access === 'execute' && ((state.pae && state.nxe) || state.smep)) code |= 16;
  const fail = (extra: number): ReferenceResult => ({
    fault: true,
    errorCode: code | extra,
    physical: 0n,
    updates: [],
  });
  if (!state.paging) return { fault: false, errorCode: 0, physical: linear, updates };
  const width = state.physicalBits;
  const steps: Step[] = [];
  let base: bigint;
  let shifts: number[];
  if (state.pae) {
    const pointer = state.pointers[Number(linear >> 30n)] ?? 0n;
    if ((pointer & P) === 0n) return fail(0);
    base = pointer & bits(51, 12);
    shifts = [21, 12];
  } else {
    base = state.cr3 & bits(31, 12);
    shifts = [22, 12];
  }
  const size = state.pae ? 8 : 4;
  const mask = state.pae ? 0x1ffn : 0x3ffn;
  let physical = 0n;
  for (const shift of shifts) {
    const address = base + ((linear >> BigInt(shift)) & mask) * BigInt(size);
    const entry = read(address, size);
    if ((entry & P) === 0n) return fail(0);
    const last = shift === 12;
    const large = !last && (entry & PS) !== 0n && (state.pae || state.pse);
    let reserved = 0n;
    if (state.pae) {
      reserved |= bits(state.softwareBits ? 51 : 62, width);
      if (!state.nxe) reserved |= XD;
      if (large) reserved |= bits(20, 13);
    } else if (large) {
      reserved |= 1n << 21n;
      const top = Math.min(width, 40);
      if (top < 40) reserved |= bits(20, 13 + top - 32);
    }
    if ((entry & reserved) !== 0n) return fail(9);
    steps.push({ address, entry });
    if (large || last) {
      if (last) physical = (entry & (state.pae ? bits(51, 12) : bits(31, 12))) | (linear & 0xfffn);
      else if (state.pae) physical = (entry & bits(51, 21)) | (linear & 0x1f_ffffn);
      else {
        physical =
          (entry & bits(31, 22)) | (((entry >> 13n) & 0xffn) << 32n) | (linear & 0x3f_ffffn);
      }
      break;
    }
    updates.push({ address, bit: A });
    base = entry & (state.pae ? bits(51, 12) : bits(31, 12));
  }
  const every = (bit: bigint): boolean => steps.every(({ entry }) => (entry & bit) !== 0n);
  const userPage = every(US);
  const writable = every(RW);
  const noExecute = state.pae && state.nxe && steps.some(({ entry }) => (entry & XD) !== 0n);
  if (!allowed(state, access, privilege, userPage, writable, noExecute)) return fail(1);
  const final = steps[steps.length - 1];
  if (final !== undefined) {
    updates.push({ address: final.address, bit: access === 'write' ? A | D : A });
  }
  return { fault: false, errorCode: 0, physical, updates };
}

/** SDM 3A 4.6.1, read in its own order. */
function allowed(
  state: ReferenceState,
  access: 'read' | 'write' | 'execute',
  privilege: 'user' | 'supervisor' | 'system',
  userPage: boolean,
  writable: boolean,
  noExecute: boolean,
): boolean {
  if (privilege === 'user') {
    if (!userPage) return false;
    if (access === 'write') return writable;
    return access === 'read' || !noExecute;
  }
  if (access === 'execute') return !noExecute && !(state.smep && userPage);
  if (userPage && state.smap && (privilege === 'system' || !state.ac)) return false;
  return access === 'read' || writable || !state.wp;
}
