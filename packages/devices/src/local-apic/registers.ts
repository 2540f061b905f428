/**
 * The registers of a local APIC (SDM 3A, chapter 10; figures 10-7, 10-8, 10-12, table 10-1).
 *
 * Each register is the first 32 bits of a 16-byte slot of the page at IA32_APIC_BASE; in x2APIC
 * mode it is MSR 0x800 + offset / 16, and ICR one MSR of 64 bits (10.12.1.2).
 *
 *     0x020 ID        31..24 identifier           0x0f0 SVR   8 enabled | 7..0 spurious vector
 *     0x030 version   23..16 last LVT | 7..0      0x100 ISR, 0x180 TMR, 0x200 IRR: 8 words each
 *     0x080 TPR       7..0 priority               0x280 ESR   7 register 6 received 5 sent vector
 *     0x090 APR       0x0a0 PPR                   0x300 ICR   low half; 0x310 31..24 destination
 *     0x0b0 EOI       0x0c0 RRD                   0x320..0x370 LVT
 *     0x0d0 LDR       31..24 logical identifier   0x380 initial count   0x390 current count
 *     0x0e0 DFR       31..28 1111 flat, 0000 cluster   0x3e0 divide   3, 1..0
 *
 *     ICR  19..18 shorthand | 15 level | 14 assert | 12 pending | 11 logical | 10..8 mode | 7..0
 *     LVT  18..17 timer mode | 16 masked | 15 level | 14 remote IRR | 13 polarity | 12 pending
 *          10..8 mode | 7..0 vector
 */

/** Where a local APIC stands after reset (SDM 3A 10.4.5). */
export const localApicAddress = 0xfee0_0000;

/** Offsets of the registers. */
export const apicRegister = {
  id: 0x020,
  version: 0x030,
  taskPriority: 0x080,
  arbitrationPriority: 0x090,
  processorPriority: 0x0a0,
  endOfInterrupt: 0x0b0,
  remoteRead: 0x0c0,
  logicalDestination: 0x0d0,
  destinationFormat: 0x0e0,
  spurious: 0x0f0,
  inService: 0x100,
  triggerMode: 0x180,
  requests: 0x200,
  errors: 0x280,
  commandLow: 0x300,
  commandHigh: 0x310,
  lvtFirst: 0x320,
  lvtLast: 0x370,
  initialCount: 0x380,
  currentCount: 0x390,
  divide: 0x3e0,
  /** Only in x2APIC mode. */
  selfIpi: 0x3f0,
} as const;

/** Entries of the local vector table by their index from offset 0x320. */
export const lvt = { timer: 0, thermal: 1, performance: 2, lint0: 3, lint1: 4, error: 5 } as const;

/** The bits of each LVT entry that can be written (figure 10-8). */
export const lvtWritable: readonly number[] = [
  0x7_00ff, 0x1_07ff, 0x1_07ff, 0x1_a7ff, 0x1_a7ff, 0x1_00ff,
];

/** LVT: the entry is masked. */
export const lvtMasked = 0x1_0000;
/** LVT: level-triggered (LINT pins). */
export const lvtLevel = 0x8000;

/** LVT timer modes, bits 18..17. */
export const timerMode = { oneShot: 0, periodic: 1, tscDeadline: 2, none: 3 } as const;

/** Version: 6 LVT entries, an integrated APIC (10.4.8). */
export const apicVersion = 0x0005_0014;

/** SVR: the APIC is enabled by software. */
export const spuriousEnabled = 0x100;
/** SVR: the bits that can be written. */
export const spuriousWritable = 0x1ff;

/** ESR bits (figure 10-9). */
export const apicError = { sentVector: 0x20, receivedVector: 0x40, register: 0x80 } as const;

/** ICR: the bits of the low half that can be written. */
export const commandWritable = 0x000c_cfff;

/** ICR: level-triggered, and the bits that tell de-assertion from assertion. */
export const commandLevel = 0x8000;
/** See {@link commandLevel}. */
export const commandLevels = 0xc000;

/** Destination shorthands, ICR bits 19..18. */
export const shorthand = { none: 0, self: 1, all: 2, others: 3 } as const;

/** IA32_APIC_BASE: bits of the low half (10.4.4, 10.12.1). */
export const apicBase = { bootProcessor: 0x100, extended: 0x400, enabled: 0x800 } as const;

/** The MSRs of a local APIC. */
export const apicMsr = { base: 0x1b, tscDeadline: 0x6e0, x2First: 0x800, x2Last: 0x8ff } as const;

/** The lowest vector that an APIC delivers; below are exceptions (10.5.2). */
export const firstVector = 16;

/** Whether a register stands at an offset, in the page or in x2APIC mode (tables 10-1, 10-6). */
export function isRegister(offset: number, x2Mode: boolean): boolean {
  const at = apicRegister;
  switch (offset) {
    case at.id:
    case at.version:
    case at.taskPriority:
    case at.processorPriority:
    case at.endOfInterrupt:
    case at.logicalDestination:
    case at.commandLow:
    case at.initialCount:
    case at.currentCount:
    case at.divide:
    case at.spurious:
      return true;
    case at.arbitrationPriority:
    case at.remoteRead:
    case at.destinationFormat:
    case at.commandHigh:
      return !x2Mode;
    case at.selfIpi:
      return x2Mode;
    default:
      return (
        (offset >= at.inService && offset <= at.errors) ||
        (offset >= at.lvtFirst && offset <= at.lvtLast)
      );
  }
}

/**
 * Returns the bits of an x2APIC register that a write may set; any other is #GP, as is a write at
 * all where there is nothing to write (10.12.1.2, table 10-6).
 *
 * The status bits of an LVT entry and of ICR are read-only, not reserved: who reads, changes and
 * writes back may have them set. Linux for 32 bits sets bit 9 of SVR in x2APIC mode, too.
 */
export function x2Writable(offset: number): number | undefined {
  const at = apicRegister;
  if (offset >= at.lvtFirst && offset <= at.lvtLast) {
    const index = (offset - at.lvtFirst) >> 4;
    const isPin = index === lvt.lint0 || index === lvt.lint1;
    return (lvtWritable[index] ?? 0) | (isPin ? 0x5000 : 0x1000);
  }
  switch (offset) {
    case at.taskPriority:
    case at.selfIpi:
      return 0xff;
    case at.endOfInterrupt:
    case at.errors:
      return 0;
    case at.spurious:
      return spuriousWritable | 0x200;
    case at.commandLow:
      return commandWritable | 0x1000;
    case at.initialCount:
      return 0xffff_ffff;
    case at.divide:
      return 0x0b;
    default:
      return undefined;
  }
}
