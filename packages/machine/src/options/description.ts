/**
 * A machine as a JSON file: the names of the option table with their values.
 *
 *     {
 *       "m": "512M",
 *       "kernel": "vmlinuz",
 *       "append": "console=ttyS0",
 *       "nographic": true,
 *       "drive": [{ "file": "disk.qcow2", "if": "virtio" }]
 *     }
 */
import { MachineError } from '../error.ts';
import { findOption, parseParameters } from './parse.ts';
import type { Settings } from './settings.ts';
import { optionTable } from './table.ts';
import type { OptionRow } from './table.ts';

/** The name of an option, a flag without dashes, and the text of its value. */
export type Parameter = readonly [string, string];

/**
 * Returns what a description says as names and values; those that follow them replace theirs.
 *
 * Names are flags without dashes, or fields of `Settings`. A value is text or a number as the
 * command line has it, `true` for a flag, an object for properties, and a list of them for an
 * option that can be given several times.
 *
 * @throws MachineError `bad-option` for a name that is no option, or a value of another type.
 */
export function describedParameters(description: unknown): Parameter[] {
  if (typeof description !== 'object' || description === null || Array.isArray(description)) {
    throw bad('the machine file', 'an object of options', nameOf(description));
  }
  return Object.entries(description).flatMap(([name, value]) => {
    const row = rowOf(name);
    if (row === undefined) {
      throw bad('the machine file', 'names of options, without dashes', `"${name.slice(0, 60)}"`);
    }
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.flatMap((each) => parameterOf(row, each));
  });
}

/**
 * Reads a description into settings.
 *
 * @throws MachineError with code `bad-option` or `unsupported`.
 */
export function parseDescription(description: unknown): Settings {
  return parseParameters(describedParameters(description));
}

function rowOf(name: string): OptionRow | undefined {
  return findOption(name) ?? optionTable.find((row) => row.name === name);
}

function parameterOf(row: OptionRow, value: unknown): Parameter[] {
  const name = row.flag.replace(/^--?/, '');
  const where = `${row.flag} in the machine file`;
  if (row.value.kind === 'flag') {
    if (typeof value !== 'boolean') {
      throw bad(where, 'true or false', nameOf(value));
    }
    return value ? [[name, '']] : [];
  }
  if (typeof value === 'string' || typeof value === 'number') {
    return [[name, String(value)]];
  }
  if (row.value.kind !== 'properties' || typeof value !== 'object' || value === null) {
    throw bad(where, 'text or a number', nameOf(value));
  }
  const pairs = Object.entries(value).map(([key, each]: [string, unknown]) => {
    if (typeof each !== 'string' && typeof each !== 'number') {
      throw bad(`${where}, ${key}`, 'text or a number', nameOf(each));
    }
    return `${key}=${String(each).replaceAll(',', ',,')}`;
  });
  return [[name, pairs.join(',')]];
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function bad(where: string, expected: string, found: string): MachineError {
  return new MachineError('bad-option', { where, expected, found });
}
