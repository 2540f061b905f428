/**
 * The XSAVE family: extended state of x87, SSE and AVX to memory and back (SDM 1 chapter 13).
 *
 *     0    FCW FSW tags opcode IP DP      512  XSTATE_BV      (u64)
 *     24   MXCSR, its mask                520  XCOMP_BV       (u64)
 *     32   ST0 to ST7, 16 bytes each      528  zeros; no save writes them
 *     160  XMM0 to XMM7                   576  high halves of YMM0 to YMM7
 *                                        704  room for eight more
 *
 * The compacted form is the same, as AVX is the first component behind the header.
 */
import { CpuState } from '@ringfence/memory';
import type { Fault } from '@ringfence/segmentation';
import { generalProtection, noFault } from '@ringfence/segmentation';
import type { GuestAccess } from './guest-access.ts';
import { initialControl } from './initial-state.ts';

/** State components (SDM 1 13.1). */
export const Component = { x87: 1, sse: 2, avx: 4 } as const;

/**
 * Whether XCR0 can have a value on a processor with these features: components that there are, x87
 * always, AVX with SSE only (SDM 1 13.3).
 */
export function isExtendedControl(
  features: ReadonlySet<string>,
  low: number,
  high: number,
): boolean {
  if (high !== 0 || (low & ~componentsOf(features)) !== 0) return false;
  const isAvxAlone = (low & (Component.sse | Component.avx)) === Component.avx;
  return (low & Component.x87) !== 0 && !isAvxAlone;
}

/** The state components of a processor with these features. */
export function componentsOf(features: ReadonlySet<string>): number {
  return Component.x87 | Component.sse | (features.has('AVX') ? Component.avx : 0);
}

/** Where the state of AVX begins, and its bytes: 64-bit code has sixteen registers. */
export const avxArea = { offset: 576, bytes: 256 } as const;

/** Bytes of the area for components, in either form (SDM 1 13.4). */
export function saveAreaBytes(components: number): number {
  return avxArea.offset + ((components & Component.avx) !== 0 ? avxArea.bytes : 0);
}

const header = 512;
const compacted = 0x8000_0000 | 0;
/** Components whose registers MXCSR is for. */
const vectors = Component.sse | Component.avx;
const initialMxcsr = 0x1f80;
const mxcsrMask = 0xffff;
const registerCount = 8;
/** ES of the x87 status word. */
const errorSummary = 0x80;

const word = (address: number): number => address >> 2;

/** Saves and restores the extended state of one virtual CPU. */
export class SavedState {
  readonly #state: Int32Array;
  readonly #access: GuestAccess;
  /** Fault of the running operation; later steps do nothing once it is set. */
  #fault: Fault = noFault;

  constructor(state: Int32Array, access: GuestAccess) {
    this.#state = state;
    this.#access = access;
  }

  /** Components that are not in their initial state (SDM 1 13.6). */
  inUse(): number {
    const state = this.#state;
    let used = 0;
    if (this.#get(CpuState.fpuControl) !== initialControl) used |= Component.x87;
    const clear = [CpuState.fpuStatus, CpuState.fpuTags, CpuState.fpuOpcode, CpuState.fpuIp];
    for (const field of [...clear, CpuState.fpuCs, CpuState.fpuDp, CpuState.fpuDs]) {
      if (this.#get(field) !== 0) used |= Component.x87;
    }
    for (let index = 0; index < 4 * registerCount; index++) {
      if (state[word(CpuState.xmm) + index] !== 0) used |= Component.sse;
      if (state[word(CpuState.ymmHigh) + index] !== 0) used |= Component.avx;
      const isPadding = (index & 3) === 3;
      const x87 = state[word(CpuState.fpu) + index] ?? 0;
      if (!isPadding && ((index & 3) === 2 ? x87 & 0xffff : x87) !== 0) used |= Component.x87;
    }
    return used;
  }

  /** XSAVE, or with `compact` XSAVEC and XSAVES; `optimize` leaves out initial state. */
  save(linear: number, wanted: number, compact: boolean, optimize: boolean): Fault {
    if ((linear & 63) !== 0) return generalProtection(0);
    const bytes = saveAreaBytes(wanted);
    // The last byte first, as AMD's processors do it.
    const last = this.#access.probeWrite((linear + bytes - 1) | 0, 1, false);
    if (last !== noFault) return last;
    const probed = this.#access.probeWrite(linear, bytes, false);
    if (probed !== noFault) return probed;
    this.#fault = noFault;
    let used = this.inUse();
    const mxcsr = this.#get(CpuState.mxcsr);
    if (compact && mxcsr !== initialMxcsr) used |= Component.sse;
    const written = compact || optimize ? wanted & used : wanted;
    if ((written & Component.x87) !== 0) this.#saveX87(linear);
    const hasMxcsr = compact ? written & Component.sse : wanted & vectors;
    if (hasMxcsr !== 0) {
      this.#write(linear + 24, mxcsr);
      this.#write(linear + 28, mxcsrMask);
    }
    if ((written & Component.sse) !== 0) this.#saveVectors(linear + 160, CpuState.xmm);
    if ((written & Component.avx) !== 0) {
      this.#saveVectors(linear + avxArea.offset, CpuState.ymmHigh);
    }
    const old = compact ? 0 : this.#read(linear + header);
    this.#write(linear + header, (old & ~wanted) | (wanted & used));
    if (compact) {
      this.#write(linear + header + 4, 0);
      this.#write(linear + header + 8, wanted);
      this.#write(linear + header + 12, compacted);
    }
    return this.#fault;
  }

  /** XRSTOR, and XRSTORS which takes the compacted form only. */
  restore(
    linear: number,
    wanted: number,
    enabled: number,
    mayCompact: boolean,
    must: boolean,
  ): Fault {
    if ((linear & 63) !== 0) return generalProtection(0);
    this.#fault = noFault;
    const present = this.#read(linear + header);
    const fields = Array.from({ length: 16 }, (_, index) =>
      this.#read(linear + header + 4 * index),
    );
    const isCompact = ((fields[3] ?? 0) & compacted) !== 0;
    // The end of the area first, so that all of it is known to be readable.
    const bytes = saveAreaBytes(isCompact ? wanted & present : wanted);
    this.#access.read8((linear + bytes - 1) | 0, false);
    if (this.#fault === noFault) this.#fault = this.#access.fault;
    this.#read(linear);
    if (this.#fault !== noFault) return this.#fault;
    const format = (fields[2] ?? 0) | 0;
    const bad = isCompact
      ? !mayCompact ||
        (format & ~enabled) !== 0 ||
        fields[3] !== compacted ||
        (present & ~format) !== 0 ||
        fields.slice(4).some((value) => value !== 0)
      : must || fields.slice(2, 6).some((value) => value !== 0);
    if (bad || (present & ~enabled) !== 0 || fields[1] !== 0) return generalProtection(0);
    const loaded = wanted & present;
    const takesMxcsr = isCompact ? (loaded & Component.sse) !== 0 : (wanted & vectors) !== 0;
    const mxcsr = takesMxcsr ? this.#read(linear + 24) : initialMxcsr;
    if (this.#fault !== noFault) return this.#fault;
    if ((mxcsr & ~mxcsrMask) !== 0) return generalProtection(0);
    const setsMxcsr = isCompact ? wanted & Component.sse : wanted & vectors;
    if (setsMxcsr !== 0) this.#set(CpuState.mxcsr, mxcsr);
    if ((wanted & Component.x87) !== 0) this.#restoreX87(linear, (loaded & Component.x87) !== 0);
    const restore = (component: number, from: number, to: number): void => {
      if ((wanted & component) === 0) return;
      this.#restoreVectors(linear + from, to, (loaded & component) !== 0);
    };
    restore(Component.sse, 160, CpuState.xmm);
    restore(Component.avx, avxArea.offset, CpuState.ymmHigh);
    return this.#fault;
  }

  #saveX87(linear: number): void {
    const status = this.#get(CpuState.fpuStatus);
    this.#write(linear, (this.#get(CpuState.fpuControl) & 0xffff) | (status << 16));
    const tags = this.#get(CpuState.fpuTags) & 0xff;
    const hides = this.#get(CpuState.pointersByError) !== 0 && (status & errorSummary) === 0;
    const pointer = (address: number): number => (hides ? 0 : this.#get(address));
    this.#write(linear + 4, tags | (pointer(CpuState.fpuOpcode) << 16));
    this.#write(linear + 8, pointer(CpuState.fpuIp));
    this.#write(linear + 12, pointer(CpuState.fpuCs));
    this.#write(linear + 16, pointer(CpuState.fpuDp));
    this.#write(linear + 20, pointer(CpuState.fpuDs));
    for (let index = 0; index < registerCount; index++) {
      const from = word(this.#x87(index, status));
      for (let part = 0; part < 4; part++) {
        const value = this.#state[from + part] ?? 0;
        const used = part === 3 ? 0 : part === 2 ? value & 0xffff : value;
        this.#write(linear + 32 + 16 * index + 4 * part, used);
      }
    }
  }

  #restoreX87(linear: number, load: boolean): void {
    const read = (offset: number): number => (load ? this.#read(linear + offset) : 0);
    const first = load ? read(0) : initialControl;
    const control = first & 0xffff;
    const pending = (first >>> 16) & ~control & 0x3f;
    const status = ((first >>> 16) & ~0x8080) | (pending === 0 ? 0 : 0x8080);
    this.#set(CpuState.fpuControl, control);
    this.#set(CpuState.fpuStatus, status);
    this.#set(CpuState.fpuTags, read(4) & 0xff);
    this.#set(CpuState.fpuOpcode, (read(4) >>> 16) & 0x7ff);
    this.#set(CpuState.fpuIp, read(8));
    this.#set(CpuState.fpuCs, read(12) & 0xffff);
    this.#set(CpuState.fpuDp, read(16));
    this.#set(CpuState.fpuDs, read(20) & 0xffff);
    for (let index = 0; index < registerCount; index++) {
      const to = word(this.#x87(index, status));
      for (let part = 0; part < 3; part++) {
        const value = read(32 + 16 * index + 4 * part);
        this.#state[to + part] = part === 2 ? value & 0xffff : value;
      }
    }
  }

  #saveVectors(linear: number, from: number): void {
    for (let index = 0; index < 4 * registerCount; index++) {
      this.#write(linear + 4 * index, this.#state[word(from) + index] ?? 0);
    }
  }

  #restoreVectors(linear: number, to: number, load: boolean): void {
    for (let index = 0; index < 4 * registerCount; index++) {
      this.#state[word(to) + index] = load ? this.#read(linear + 4 * index) : 0;
    }
  }

  /** State address of the physical register that is ST(index). */
  #x87(index: number, status: number): number {
    return CpuState.fpu + 16 * (((status >>> 11) + index) & 7);
  }

  #get(address: number): number {
    return this.#state[word(address)] ?? 0;
  }

  #set(address: number, value: number): void {
    this.#state[word(address)] = value;
  }

  #read(linear: number): number {
    const value = this.#access.read32(linear | 0, false);
    if (this.#fault === noFault) this.#fault = this.#access.fault;
    return value;
  }

  #write(linear: number, value: number): void {
    const fault = this.#access.write32(linear | 0, value, false);
    if (this.#fault === noFault) this.#fault = fault;
  }
}
