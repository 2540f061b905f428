/** A segment register with its hidden part (SDM 3A 3.4.3). */
export interface BootSegment {
  readonly selector: number;
  /** Linear base. */
  readonly base: number;
  /** Limit in bytes, after granularity. */
  readonly limit: number;
  /** Descriptor bits 55..40: type, S, DPL, P, AVL, L, D/B, G. */
  readonly attributes: number;
}

/** A descriptor-table register. */
export interface BootTable {
  readonly base: number;
  readonly limit: number;
}

/** The state of the processor before the first instruction of whatever is booted. */
export interface BootState {
  /** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI: the manual's order. */
  readonly gpr: readonly number[];
  readonly eip: number;
  readonly eflags: number;
  readonly cr0: number;
  readonly gdtr: BootTable;
  readonly idtr: BootTable;
  readonly es: BootSegment;
  readonly cs: BootSegment;
  readonly ss: BootSegment;
  readonly ds: BootSegment;
  readonly fs: BootSegment;
  readonly gs: BootSegment;
  readonly ldtr: BootSegment;
  readonly tr: BootSegment;
  /** MSRs: number, low and high word. */
  readonly msrs?: readonly (readonly [number, number, number])[];
}

/** Selector of the flat code segment, as Linux's boot protocol asks (boot.rst, __BOOT_CS). */
export const bootCodeSelector = 0x10;

/** Selector of the flat data segment (boot.rst, __BOOT_DS). */
export const bootDataSelector = 0x18;

/**
 * The table that the selectors are of: two null descriptors, flat code, flat data.
 *
 *     index 2: base 0, limit 4 GiB, present, DPL 0, code, readable, accessed, 32-bit
 *     index 3: base 0, limit 4 GiB, present, DPL 0, data, writable, accessed, 32-bit
 */
export const bootGdt: readonly number[] = [
  0, 0, 0, 0, 0x0000_ffff, 0x00cf_9b00, 0x0000_ffff, 0x00cf_9300,
];

/** Bytes of `bootGdt`. */
export const bootGdtBytes = 32;

const protectionEnable = 1;
/** CR0.ET is always set on processors since the 486 (SDM 3A 2.5). */
const extensionType = 0x10;

/** Registers that a boot protocol sets; all others are zero. */
export interface BootRegisters {
  readonly eax?: number;
  readonly ebx?: number;
  readonly esi?: number;
  readonly esp?: number;
}

/**
 * Returns the state of 32-bit protected mode with flat segments, paging and interrupts off.
 *
 * Linux's 32-bit boot protocol (boot.rst, "32-bit Boot Protocol") and multiboot (Multiboot
 * Specification 0.6.96, 3.2) both ask for it. `gdt` is the physical address of `bootGdt`.
 */
export function flatBootState(eip: number, gdt: number, registers: BootRegisters): BootState {
  const code = { selector: bootCodeSelector, base: 0, limit: 0xffff_ffff, attributes: 0xc09b };
  const data = { selector: bootDataSelector, base: 0, limit: 0xffff_ffff, attributes: 0xc093 };
  const { eax = 0, ebx = 0, esi = 0, esp = 0 } = registers;
  return {
    gpr: [eax, 0, 0, ebx, esp, 0, esi, 0],
    eip,
    eflags: 2,
    cr0: protectionEnable | extensionType,
    gdtr: { base: gdt, limit: bootGdtBytes - 1 },
    // That of real mode, as it was before (SDM 3A table 9-1): small kernels go back there.
    idtr: { base: 0, limit: 0x3ff },
    cs: code,
    ds: data,
    es: data,
    ss: data,
    fs: data,
    gs: data,
    // As after RESET: a null LDT and a TSS that is present (SDM 3A table 9-1).
    ldtr: { selector: 0, base: 0, limit: 0xffff, attributes: 0x82 },
    tr: { selector: 0, base: 0, limit: 0xffff, attributes: 0x8b },
  };
}
