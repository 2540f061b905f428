import type { Fault } from '@ringfence/segmentation';
import { generalProtection, invalidOpcode, noFault } from '@ringfence/segmentation';
import type { Segmentation } from '@ringfence/segmentation';
import type { ShadowPaging } from '@ringfence/shadow-paging';
import type { CpuModel } from './model.ts';
import { Cr0, Word } from './state-view.ts';

/** Bits of CR0 that exist (SDM 3A 2.5). */
const cr0Defined =
  Cr0.pe | Cr0.mp | Cr0.em | Cr0.ts | Cr0.et | Cr0.ne | Cr0.wp | Cr0.am | Cr0.nw | Cr0.cd | Cr0.pg;

const pagingBits = Cr0.pg | Cr0.wp | Cr0.pe | Cr0.cd | Cr0.nw;

/** EFER bits: SCE, NXE, LMSLE, FFXSR. */
const eferSystemCall = 1;
const eferNoExecute = 1 << 11;
/** Limits of segments in 64-bit mode (APM 2, 4.12.2): kept, as there is no 64-bit mode here. */
const eferSegmentLimits = 1 << 13;
/** FXSAVE without XMM registers, at CPL 0 of 64-bit mode only (APM 2, 3.1.7). */
const eferFastSave = 1 << 14;

/** CR4 bits from bit 0 on with the feature that each needs. */
const cr4Features: readonly (readonly [bit: number, feature: string])[] = [
  [0, 'VME'],
  [1, 'VME'],
  [2, 'TSC'],
  [3, 'DE'],
  [4, 'PSE'],
  [5, 'PAE'],
  [6, 'MCE'],
  [7, 'PGE'],
  [8, 'CMOV'],
  [9, 'FXSR'],
  [10, 'SSE'],
  [11, 'UMIP'],
  [18, 'XSAVE'],
  [20, 'SMEP'],
  [21, 'SMAP'],
];

/** Moves to and from control registers, and what follows from their bits. */
export class ControlRegisters {
  readonly #state: Int32Array;
  readonly #shadow: ShadowPaging;
  readonly #segmentation: Segmentation;
  readonly #cr4Allowed: number;
  readonly #eferAllowed: number;
  readonly #debugChanged: () => void;

  constructor(
    state: Int32Array,
    shadow: ShadowPaging,
    segmentation: Segmentation,
    model: CpuModel,
    debugChanged: () => void,
  ) {
    this.#debugChanged = debugChanged;
    this.#state = state;
    this.#shadow = shadow;
    this.#segmentation = segmentation;
    const { has } = model;
    this.#cr4Allowed = cr4Features.reduce(
      (mask, [bit, feature]) => (has.has(feature) ? mask | (1 << bit) : mask),
      0,
    );
    this.#eferAllowed =
      (has.has('NX') ? eferNoExecute : 0) |
      (has.has('SYSCALL') ? eferSystemCall : 0) |
      (has.has('FXSR-OPT') ? eferFastSave : 0) |
      (model.vendor === 'AuthenticAMD' ? eferSegmentLimits : 0);
  }

  /** Value of CR0, CR2, CR3, CR4 or CR8; other numbers are #UD, which `exists` tells. */
  read(register: number): number {
    return this.#state[Word.cr0 + 2 * register] ?? 0;
  }

  /** Whether there is such a control register outside 64-bit mode. */
  exists(register: number): boolean {
    return register === 0 || register === 2 || register === 3 || register === 4;
  }

  write(register: number, value: number): Fault {
    switch (register) {
      case 0:
        return this.writeCr0(value);
      case 2:
        this.#state[Word.cr2] = value;
        return noFault;
      case 3:
        return this.writeCr3(value);
      case 4:
        return this.#writeCr4(value);
      default:
        return invalidOpcode;
    }
  }

  /** SDM 2B MOV to CR0. */
  writeCr0(value: number): Fault {
    const state = this.#state;
    if ((value & Cr0.pg) !== 0 && (value & Cr0.pe) === 0) return generalProtection(0);
    if ((value & Cr0.nw) !== 0 && (value & Cr0.cd) === 0) return generalProtection(0);
    const old = state[Word.cr0] ?? 0;
    const fresh = (value & cr0Defined) | Cr0.et;
    state[Word.cr0] = fresh;
    if (((old ^ fresh) & pagingBits) !== 0 && !this.#update()) {
      state[Word.cr0] = old;
      return generalProtection(0);
    }
    this.#segmentation.updateMode();
    return noFault;
  }

  /** SDM 2B MOV to CR3. */
  writeCr3(value: number): Fault {
    if (!this.#shadow.loadCr3(value)) return generalProtection(0);
    this.#state[Word.cr3] = value;
    return noFault;
  }

  /** EFER as WRMSR sets it. */
  writeEfer(low: number, high: number): Fault {
    if (high !== 0 || (low & ~this.#eferAllowed) !== 0) return generalProtection(0);
    this.#state[Word.efer] = low;
    this.#update();
    return noFault;
  }

  #writeCr4(value: number): Fault {
    if ((value & ~this.#cr4Allowed) !== 0) return generalProtection(0);
    const old = this.#state[Word.cr4] ?? 0;
    this.#state[Word.cr4] = value;
    if (this.#update()) {
      this.#debugChanged();
      return noFault;
    }
    this.#state[Word.cr4] = old;
    return generalProtection(0);
  }

  /** Tells paging; false when PAE page-directory pointers are not valid (SDM 3A 4.4.1). */
  #update(): boolean {
    const state = this.#state;
    return this.#shadow.setControl(
      state[Word.cr0] ?? 0,
      state[Word.cr4] ?? 0,
      state[Word.efer] ?? 0,
    );
  }
}
