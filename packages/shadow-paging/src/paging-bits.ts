/** CR0 bits that paging looks at (SDM 3A 2.5). */
export const Cr0 = { wp: 0x1_0000, nw: 0x2000_0000, cd: 0x4000_0000, pg: 0x8000_0000 } as const;

/** CR4 bits that paging looks at (SDM 3A 2.5). */
export const Cr4 = {
  pse: 0x10,
  pae: 0x20,
  pge: 0x80,
  smep: 0x10_0000,
  smap: 0x20_0000,
} as const;

/** IA32_EFER bits that paging looks at (SDM 3A 2.2.1). */
export const Efer = { nxe: 0x800 } as const;

/** Bits of a page-table or page-directory entry (SDM 3A 4.3, tables 4-4 to 4-6; 4.4.2). */
export const EntryBit = {
  present: 1,
  writable: 2,
  user: 4,
  accessed: 0x20,
  dirty: 0x40,
  large: 0x80,
} as const;

/** Bits of the page-fault error code (SDM 3A 4.7, figure 4-12). */
export const PageFaultError = {
  /** The fault is a permission or reserved-bit fault, not a page that is not present. */
  present: 1,
  write: 2,
  user: 4,
  reserved: 8,
  fetch: 16,
} as const;

/** Paging modes (SDM 3A 4.1.1); 4-level paging is not here yet. */
export const PagingMode = { off: 0, twoLevel: 1, pae: 2 } as const;

/** What an access does. */
export const Access = { read: 0, write: 1, execute: 2 } as const;

/**
 * On whose behalf an access is made.
 *
 * `user` is an explicit access at CPL 3, `supervisor` an explicit one at CPL 0 to 2, `system` an
 * implicit supervisor access (descriptor tables, TSS) at any CPL (SDM 3A 4.6.1).
 */
export const Privilege = { supervisor: 0, user: 1, system: 2 } as const;

/**
 * The role of a shadow directory: what turns guest permissions into shadow permissions.
 *
 *     bit 0     user      accesses are user-mode
 *     bit 1     wp        CR0.WP          (supervisor only)
 *     bit 2     smep      CR4.SMEP        (supervisor only)
 *     bit 3     smap      CR4.SMAP and not EFLAGS.AC   (supervisor only)
 *     bit 4     nxe       EFER.NXE        (PAE only)
 *     bits 6..5 mode      PagingMode
 *     bit 7     pse       CR4.PSE         (two-level only)
 *     bit 8     wrap      the A20 gate is closed
 *
 * Bits that make no difference are kept zero, so that more tables are shared.
 */
export const Role = {
  user: 1,
  wp: 2,
  smep: 4,
  smap: 8,
  nxe: 16,
  modeShift: 5,
  pae: 64,
  pse: 128,
  wrap: 256,
} as const;
