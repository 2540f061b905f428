/**
 * Where everything of one machine lives in its one `WebAssembly.Memory`.
 *
 * All addresses are byte offsets into the linear memory and are constants, so that generated code
 * carries them as immediates and a generated module serves every machine.
 *
 *     0x0000_0000  zero, never written: a pointer 0 reads as "absent" everywhere
 *     0x0000_0020  CPU state that regions use most: x86 code has such addresses in one byte
 *     0x0000_1000  the rest of the CPU state (see cpu-state.ts)
 *     0x0000_2000  scratch records and tables of generated code
 *     0x0001_0000  write-trace bitmaps, 8 bytes per guest-physical page
 *     0x0081_0000  the jump cache of regions (see jump-cache.ts)
 *     0x0100_0000  shadow tables (directories and leaves)
 *     0x0500_0000  code-page blocks and predecoded records
 *     0x1000_0000  guest RAM from guest-physical 0, then video memory and other backed regions
 *
 * The engine commits pages on first touch, so an unused pool costs address space only.
 */
export const Layout = {
  nearState: 0x20,
  nearStateBytes: 0xa0,
  cpuState: 0x1000,
  cpuStateBytes: 0x1000,
  scratch: 0x2000,
  scratchBytes: 0xe000,
  traceBitmaps: 0x0001_0000,
  traceBitmapsBytes: 0x0080_0000,
  jumpCache: 0x0081_0000,
  shadowPool: 0x0100_0000,
  shadowPoolBytes: 0x0400_0000,
  codePool: 0x0500_0000,
  codePoolBytes: 0x0b00_0000,
  ram: 0x1000_0000,
} as const;

/** Bytes of a guest-physical page (SDM 3A 4.2). */
export const pageBytes = 4096;

/** Bytes of a WebAssembly page, the unit in which a memory grows. */
export const wasmPageBytes = 65536;

/**
 * The largest guest RAM in bytes. Above it the linear memory would pass the 4 GiB that a 32-bit
 * WebAssembly memory can have, with 64 MiB left for video memory and ROMs.
 */
export const maxRamBytes = 0xe800_0000;

/**
 * The most guest-physical pages that can carry a write trace: 8 GiB of guest-physical space at
 * 8 bytes of bitmap each would not fit; the bitmaps cover the low 4 GiB, beyond which nothing is
 * backed by memory.
 */
export const tracedPages: number = 1 << 20;
