/**
 * What the laboratory's programs and the cases of a real processor came to, kept as data so that
 * tests need neither QEMU nor that processor: see main.ts for how they are made.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Lines of a program's output by its name. */
export type ProgramRecords = Readonly<Record<string, readonly string[]>>;

/** Cases of a processor: the seed of the first, and a record of each in hexadecimal words. */
export interface NativeRecords {
  readonly processor: string;
  readonly seed: number;
  /** A record, or nothing where the case is not one to compare. */
  readonly records: readonly (string | null)[];
}

/** Sums of what sequences came to on a processor, from that of a seed on. */
export interface SequenceRecords {
  readonly processor: string;
  readonly seed: number;
  readonly sums: readonly number[];
}

const pathOf = (name: string): string => fileURLToPath(new URL(`../data/${name}`, import.meta.url));

/** Reads a data file. */
export function readRecords<T>(name: string): T {
  // The files are made by `writeRecords` from values of the same type.
  return JSON.parse(readFileSync(pathOf(name), 'utf8')) as T;
}

/** Writes a data file. */
export function writeRecords(name: string, records: unknown): void {
  writeFileSync(pathOf(name), `${JSON.stringify(records, null, 1)}\n`);
}
