/** One workload of the multiboot guest that the benchmark builds with the assembler. */
export interface Program {
  readonly name: string;
  readonly cpuBound: boolean;
  /**
   * Text for the assembler, with a label `run_NAME` (dashes as underscores): called in ring 0 with
   * flat segments, interrupts off and paging off; may change every register but ESP, and returns a
   * checksum in EAX.
   */
  readonly text: string;
}

/** Where the guest keeps things: its program is loaded at 1 MiB, data are higher. */
export const Place = {
  load: 0x10_0000,
  stackTop: 0x20_0000,
  userStackTop: 0x21_0000,
  /** Page directories, then page tables, one for each 4 MiB of linear space. */
  directories: 0x30_0000,
  tables: 0x32_0000,
  /** Pages for code that is made at run time. */
  code: 0x40_0000,
  buffer: 0x100_0000,
  second: 0x300_0000,
  end: 0x500_0000,
} as const;

/** The name of a program's label. */
export function labelOf(name: string): string {
  return `run_${name.replaceAll('-', '_')}`;
}
