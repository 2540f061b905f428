import type { MsrValue } from '@ringfence/hypercall';
import { CpuState } from '@ringfence/memory';
import type { CpuModel } from './model.ts';

/** Numbers of the MSRs that the CPU itself looks at (SDM 4, table 2-2; APM 2, appendix A). */
export const Msr = {
  machineCheckAddress: 0x00,
  machineCheckType: 0x01,
  tsc: 0x10,
  apicBase: 0x1b,
  tscAdjust: 0x3b,
  microcodeLevel: 0x8b,
  sysenterCs: 0x174,
  sysenterEsp: 0x175,
  sysenterEip: 0x176,
  miscEnable: 0x1a0,
  debugControl: 0x1d9,
  pat: 0x277,
  mtrrCapabilities: 0xfe,
  efer: 0xc000_0080,
  star: 0xc000_0081,
  tscAux: 0xc000_0103,
  hardwareConfiguration: 0xc001_0015,
  /** The first of AMD's performance counters. */
  performanceCounter: 0xc001_0004,
  extendedSupervisor: 0xda0,
} as const;

/** Whether a byte of the PAT is a memory type; 2 and 3 are reserved (SDM 3A table 11-10). */
function isPatType(byte: number): boolean {
  return (byte & 6) !== 2;
}

/** Whether a byte is a memory type of MTRRs, which lack UC- too (SDM 3A table 11-8). */
function isRangeType(byte: number): boolean {
  return byte < 7 && isPatType(byte);
}

interface Kept {
  /** Bits that may be written; a write of others is #GP. */
  readonly mask: readonly [low: number, high: number];
  readonly reset: readonly [low: number, high: number];
  /** A write is taken and nothing comes of it. */
  readonly isIdle?: true;
  /** Bits outside of the mask are not used: a write of them is no fault, and they read as zero. */
  readonly drops?: true;
  /** What else a byte that names a memory type must be, for the first bytes of the register. */
  readonly types?: { readonly bytes: number; readonly allow: (byte: number) => boolean };
}

const whole = [-1, -1] as const;
const word = [-1, 0] as const;
const zero = [0, 0] as const;
const patTypes = { bytes: 8, allow: (byte: number): boolean => byte < 8 && isPatType(byte) };
const rangeTypes = { bytes: 8, allow: isRangeType };
const rangeType = { bytes: 1, allow: isRangeType };

/**
 * Registers that are only kept: nothing else depends on them, or whoever does reads them here.
 * MTRRs describe caching, of which there is none.
 */
function keptRegisters(physicalBits: number): Map<number, Kept> {
  const kept = new Map<number, Kept>([
    [Msr.tscAdjust, { mask: whole, reset: zero }],
    // The address and the type of the last machine check, as the Pentium has them (SDM 3B 15.10.2).
    [Msr.machineCheckAddress, { mask: zero, reset: zero }],
    [Msr.machineCheckType, { mask: zero, reset: zero }],
    [Msr.sysenterCs, { mask: word, reset: zero, drops: true }],
    [Msr.sysenterEsp, { mask: word, reset: zero, drops: true }],
    [Msr.sysenterEip, { mask: word, reset: zero, drops: true }],
    [Msr.pat, { mask: whole, reset: [0x0007_0406, 0x0007_0406], types: patTypes }],
    [Msr.star, { mask: whole, reset: zero }],
    [Msr.tscAux, { mask: word, reset: zero }],
    [Msr.extendedSupervisor, { mask: zero, reset: zero }],
    [Msr.miscEnable, { mask: whole, reset: [1, 0] }],
    // MTRR default type, machine-check status, debug control: LBR, BTF, PB0 to 3 (APM 2 13.1.1.6;
    // SDM 3B 17.4.1).
    [0x2ff, { mask: [0xcff, 0], reset: zero, types: rangeType }],
    [0x179, { mask: zero, reset: [0, 0] }],
    [0x17a, { mask: whole, reset: zero }],
    [Msr.debugControl, { mask: [0x3f, 0], reset: zero }],
    // Software writes 0 before it asks CPUID for the level (SDM 3A 9.11.7.1).
    [Msr.microcodeLevel, { mask: zero, reset: [0x0100_00c8, 0], isIdle: true }],
    // AMD: HWCR, SYSCFG, NB_CFG, interrupt pending, DE_CFG (LFENCE serializes), OSVW.
    [Msr.hardwareConfiguration, { mask: whole, reset: zero }],
    [0xc001_0010, { mask: whole, reset: zero }],
    [0xc001_001f, { mask: whole, reset: zero }],
    [0xc001_0055, { mask: zero, reset: zero }],
    [0xc001_1029, { mask: whole, reset: [2, 0] }],
    [0xc001_0140, { mask: zero, reset: zero }],
    [0xc001_0141, { mask: zero, reset: zero }],
  ]);
  // AMD's four performance counters with their controls, which a family 10h processor has without a
  // word in CPUID. Nothing is counted: they stay 0, by which Linux knows to leave them alone.
  for (let index = 0; index < 8; index++) {
    kept.set(0xc001_0000 + index, { mask: whole, reset: zero, isIdle: true });
  }
  for (let index = 0; index < 8; index++) {
    const high = 2 ** (physicalBits - 32) - 1;
    kept.set(0x200 + 2 * index, { mask: [~0xf00, high], reset: zero, types: rangeType });
    kept.set(0x201 + 2 * index, { mask: [~0x7ff, high], reset: zero });
  }
  const fixed = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f];
  for (const number of fixed) kept.set(number, { mask: whole, reset: zero, types: rangeTypes });
  return kept;
}

/** The feature that each of the kept registers needs; `AMD` stands for the vendor. */
function featureOf(number: number): string | undefined {
  if (number >= 0xc001_0000) return 'AMD';
  if (number >= Msr.sysenterCs && number <= Msr.sysenterEip) return 'SEP';
  if (number === Msr.pat) return 'PAT';
  if (number === Msr.tscAdjust) return 'TSC-ADJUST';
  if (number === 0x2ff || (number >= 0x200 && number <= 0x26f)) return 'MTRR';
  if (number === 0x179 || number === 0x17a) return 'MCA';
  // Without long mode there are no targets of SYSCALL but that in STAR.
  if (number === Msr.star) return 'SYSCALL';
  if (number === Msr.machineCheckAddress || number === Msr.machineCheckType) return 'MCE';
  // What came with family 6, and with the first processors that have SSE2.
  if (number === Msr.microcodeLevel || number === Msr.debugControl) return 'CMOV';
  if (number === Msr.miscEnable) return 'SSE2';
  if (number === Msr.tscAux) return 'RDTSCP';
  if (number === Msr.extendedSupervisor) return 'XSAVES';
  return undefined;
}

/** The MSRs that only hold a value. */
export class ModelSpecificRegisters {
  readonly #kept: Map<number, Kept>;
  readonly #values = new Map<number, MsrValue>();

  readonly #state: Int32Array;

  /** Those of a CPU model; `state` is linear memory. */
  constructor({ has: features, vendor, physicalBits }: CpuModel, state: Int32Array) {
    this.#state = state;
    const isAmd = vendor === 'AuthenticAMD';
    const all = [...keptRegisters(physicalBits)];
    this.#kept = new Map(
      all.filter(([number]) => {
        const feature = featureOf(number);
        return feature === undefined || (feature === 'AMD' ? isAmd : features.has(feature));
      }),
    );
  }

  /** Value of a kept register, or nothing for any other. */
  read(number: number): MsrValue | undefined {
    const index = number >>> 0;
    const kept = this.#kept.get(index);
    if (kept === undefined) return undefined;
    return this.#values.get(index) ?? { low: kept.reset[0], high: kept.reset[1] };
  }

  /** Writes a kept register; false for any other, or for bits that cannot be written (#GP). */
  write(number: number, low: number, high: number): boolean {
    const index = number >>> 0;
    const kept = this.#kept.get(index);
    if (kept === undefined) return false;
    const [lowMask, highMask] = kept.mask;
    if (kept.drops !== true && ((low & ~lowMask) !== 0 || (high & ~highMask) !== 0)) return false;
    const { bytes = 0, allow } = kept.types ?? {};
    for (let byte = 0; byte < bytes; byte++) {
      if (allow?.(((byte < 4 ? low : high) >>> (8 * (byte & 3))) & 0xff) === false) return false;
    }
    if (kept.isIdle === true) return true;
    this.#values.set(index, { low: low & lowMask, high: high & highMask });
    this.#show();
    return true;
  }

  /** Low word of a kept register. */
  low(number: number): number {
    return this.read(number)?.low ?? 0;
  }

  /** Values as after power-up. */
  reset(): void {
    this.#values.clear();
    this.#show();
  }

  /** The registers that differ from their reset value. */
  save(): [number, number, number][] {
    return [...this.#values].map(([number, { low, high }]) => [number, low, high]);
  }

  restore(saved: readonly (readonly [number, number, number])[]): void {
    this.#values.clear();
    for (const [number, low, high] of saved) this.#values.set(number, { low, high });
    this.#show();
  }

  /** Puts what SYSENTER and SYSEXIT look at where generated code finds it. */
  #show(): void {
    this.#state[CpuState.sysenterCs >> 2] = this.low(Msr.sysenterCs);
    this.#state[CpuState.sysenterEsp >> 2] = this.low(Msr.sysenterEsp);
    this.#state[CpuState.sysenterEip >> 2] = this.low(Msr.sysenterEip);
  }
}
