/**
 * Flag bits of the tables: EFLAGS in its own layout, and above it the x87 condition codes.
 *
 * | bit | 0  | 2  | 4  | 6  | 7  | 8  | 9  | 10 | 11 | 12,13 | 14 | 16 | 17 | 18 | 24 .. 27 |
 * | --- | -- | -- | -- | -- | -- | -- | -- | -- | -- | ----- | -- | -- | -- | -- | -------- |
 * |     | CF | PF | AF | ZF | SF | TF | IF | DF | OF | IOPL  | NT | RF | VM | AC | C0 .. C3 |
 */

/** Flag masks: EFLAGS bits where EFLAGS has them (SDM vol. 1, 3.4.3), x87 C0..C3 from bit 24. */
export const Flag = {
  carry: 0x1,
  parity: 0x4,
  adjust: 0x10,
  zero: 0x40,
  sign: 0x80,
  trap: 0x100,
  interrupt: 0x200,
  direction: 0x400,
  overflow: 0x800,
  ioPrivilege: 0x3000,
  nestedTask: 0x4000,
  resume: 0x10000,
  virtual8086: 0x20000,
  alignmentCheck: 0x40000,
  c0: 0x1000000,
  c1: 0x2000000,
  c2: 0x4000000,
  c3: 0x8000000,
} as const;

/** The letters that stand for flags in the tables. */
export const FLAG_LETTERS: Readonly<Record<string, number>> = {
  c: Flag.carry,
  p: Flag.parity,
  a: Flag.adjust,
  z: Flag.zero,
  s: Flag.sign,
  t: Flag.trap,
  i: Flag.interrupt,
  d: Flag.direction,
  o: Flag.overflow,
  l: Flag.ioPrivilege,
  n: Flag.nestedTask,
  r: Flag.resume,
  v: Flag.virtual8086,
  k: Flag.alignmentCheck,
  '0': Flag.c0,
  '1': Flag.c1,
  '2': Flag.c2,
  '3': Flag.c3,
};

/** Flags that each condition code 0..15 reads (SDM vol. 1, appendix B, table B-1). */
export const CONDITION_FLAGS: readonly number[] = [
  Flag.overflow,
  Flag.carry,
  Flag.zero,
  Flag.carry | Flag.zero,
  Flag.sign,
  Flag.parity,
  Flag.sign | Flag.overflow,
  Flag.zero | Flag.sign | Flag.overflow,
].flatMap((mask) => [mask, mask]);

/** Suffix of the mnemonic for each condition code 0..15. */
export const CONDITION_NAMES: readonly string[] = [
  'O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G',
]; // prettier-ignore
