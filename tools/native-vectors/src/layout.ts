/**
 * Where things are in the address space of a case, and in the records that the harness exchanges.
 * The same numbers stand in native/harness.c.
 *
 * | address       | pages | what                                                             |
 * | ------------- | ----- | ---------------------------------------------------------------- |
 * | 0x4000        | 3     | INT3: branches that lose their upper 16 bits land here           |
 * | 0x8000        | 2     | data, all zero outside of the window                             |
 * | 0x8e00-0x91ff |       | the window: its contents are part of the state                   |
 * | 0x14000       | 3     | INT3, with the instruction at 0x15000: other branches land here  |
 *
 * Nothing else is mapped: the pages around these fault.
 */

/** First page of data; the page below is not mapped. */
export const DATA = 0x8000;
/** First byte behind the data pages; not mapped. */
export const DATA_END = 0xa000;
/** First byte of the window, whose contents belong to the state. */
export const WINDOW = 0x8e00;
/** Bytes of the window; a page border is in its middle. */
export const WINDOW_BYTES = 1024;
/** First byte of the region of INT3 around the instruction. */
export const CODE_REGION = 0x14000;
/** Bytes of the region around the instruction, and of the one that 16-bit branches reach. */
export const REGION_BYTES = 0x3000;
/** Address of every instruction. */
export const CODE = 0x15000;

/**
 * A machine state as bytes, little-endian.
 *
 * | offset | bytes | what                                                      |
 * | ------ | ----- | --------------------------------------------------------- |
 * | 0      | 128   | sixteen general registers of 8 bytes in encoding order     |
 * | 128    | 8     | instruction pointer                                       |
 * | 136    | 8     | flags                                                     |
 * | 144    | 16    | ES CS SS DS FS GS selectors, two unused                   |
 * | 160    | 512   | FXSAVE image (SDM vol. 1, table 10-2)                     |
 * | 672    | 1024  | memory from {@link WINDOW} on                             |
 * | 1696   | 128   | high halves of YMM0 to YMM7                               |
 */
export const StateOffset = {
  gpr: 0,
  ip: 128,
  flags: 136,
  segment: 144,
  fx: 160,
  memory: 672,
  ymmHigh: 1696,
} as const;

/** Bytes of a machine state. */
export const STATE_BYTES = 1824;
/** Bytes of a job of the harness: 16 of code, length, padding, state. */
export const JOB_BYTES = 1856;
/** Offset of the state in a job. */
export const JOB_STATE = 32;
/** Bytes of an outcome of the harness: vector, error code, CR2, state. */
export const OUTCOME_BYTES = 1840;
/** Offset of the state in an outcome. */
export const OUTCOME_STATE = 16;
/** Vector of an outcome without a fault. */
export const VECTOR_NONE = 0xffffffff;

/** Selector of flat 32-bit code at privilege 3 (index 4 of the GDT): base 0, limit 4 GiB. */
export const CODE_SELECTOR = 0x23;
/** Selector of flat writable data at privilege 3 (index 5 of the GDT). */
export const DATA_SELECTOR = 0x2b;
