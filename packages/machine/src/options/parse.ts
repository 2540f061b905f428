import { MachineError } from '../error.ts';

import type { Properties, Settings } from './settings.ts';
import { defaultSettings, optionTable } from './table.ts';
import type { OptionRow } from './table.ts';

/** The most characters of a value that an error message repeats. */
const quotedCharacters = 60;

type Value = string | number | boolean | Properties;

/**
 * Reads name and value pairs, as of a URL's query, into settings; names are flags without dashes.
 * Of an option that is given more often than it can be, the last one counts.
 *
 * @throws MachineError with code `bad-option` or `unsupported`.
 */
export function parseParameters(pairs: Iterable<readonly [string, string]>): Settings {
  const builder = new SettingsBuilder();
  for (const [name, value] of pairs) {
    const row = findOption(name);
    if (row === undefined) {
      throw unknownOption(name);
    }
    if (row.value.kind === 'flag' && !['', '1', 'true'].includes(value)) {
      throw badValue(row, 'nothing, 1 or true', quote(value));
    }
    builder.add(row, value);
  }
  return builder.settings();
}

/** Finds an option by its flag or its other spelling, both without dashes. */
export function findOption(name: string): OptionRow | undefined {
  return optionTable.find(({ flag, alias }) => {
    return [flag, alias].some((each) => each?.replace(/^--?/, '') === name);
  });
}

/** Returns the help text of all options: a line each, the spellings in one column. */
export function optionHelp(scope?: OptionRow['scope']): string {
  const rows = optionTable.filter((row) => scope === undefined || row.scope === scope);
  const left = rows.map((row) => `  ${row.flag}${row.argument ? ` ${row.argument}` : ''}`);
  const indent = 34;
  return rows
    .map((row, index) => {
      const head = left[index] ?? '';
      const gap =
        head.length < indent ? ' '.repeat(indent - head.length) : `\n${' '.repeat(indent)}`;
      const note = row.unsupported?.['*'] === undefined ? '' : ' (not in this version)';
      return `${head}${gap}${row.help}${note}\n`;
    })
    .join('');
}

/**
 * Reads the text of one option's value.
 *
 * @throws MachineError with code `bad-option` or `unsupported`.
 */
export function parseValue(row: OptionRow, value: string): Value {
  const reason =
    row.unsupported?.['*'] ??
    (Object.hasOwn(row.unsupported ?? {}, value) ? row.unsupported?.[value] : undefined);
  if (reason !== undefined) {
    throw new MachineError('unsupported', {
      where: `option ${row.flag}`,
      expected: `something else (${reason})`,
      found: quote(value),
    });
  }
  const kind = row.value;
  switch (kind.kind) {
    case 'flag':
      return true;
    case 'text':
      return value;
    case 'file':
      return value === '' ? refuse(row, 'a file name', value) : value;
    case 'size':
      return parseSize(row, value, kind.minimum, kind.maximum);
    case 'seconds':
      return /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : refuse(row, 'seconds', value);
    case 'pattern':
      return isPattern(value) ? value : refuse(row, 'a regular expression', value);
    case 'choice':
      return kind.choices.includes(value)
        ? value
        : refuse(row, `one of ${kind.choices.join(', ')}`, value);
    case 'properties':
      return parseProperties(row, value, kind.keys, kind.head);
  }
}

class SettingsBuilder {
  readonly #single = new Map<string, Value>();
  readonly #many = new Map<string, Value[]>();

  add(row: OptionRow, value: string): void {
    const parsed = parseValue(row, value);
    if (row.most === undefined) {
      this.#single.set(row.name, parsed);
      return;
    }
    const list = this.#many.get(row.name) ?? [];
    if (list.length === row.most) {
      throw badValue(row, `at most ${String(row.most)} of them`, 'one more');
    }
    list.push(parsed);
    this.#many.set(row.name, list);
  }

  settings(): Settings {
    // Each row's kind yields the type of the field that it names; a test compares the two.
    const given = Object.fromEntries([...this.#single, ...this.#many]) as Partial<Settings>;
    return { ...defaultSettings, ...given };
  }
}

function parseSize(row: OptionRow, value: string, minimum: number, maximum: number): number {
  const match = /^(\d{1,12})([kKmMgG]?)[bB]?$/.exec(value);
  if (match === null) {
    return refuse(row, 'a size such as 256, 256M or 1G', value);
  }
  const unit = { k: 0x400, m: 0x10_0000, g: 0x4000_0000 }[match[2]?.toLowerCase() || 'm'] ?? 1;
  const bytes = Number(match[1]) * unit;
  if (bytes < minimum || bytes > maximum) {
    const range = `${String(minimum / 0x10_0000)}M to ${String(maximum / 0x10_0000)}M`;
    return refuse(row, range, value);
  }
  return bytes % 0x10_0000 === 0 ? bytes : refuse(row, 'a whole number of MiB', value);
}

function isPattern(value: string): boolean {
  try {
    return new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
}

function parseProperties(
  row: OptionRow,
  value: string,
  keys: readonly string[],
  head: string | undefined,
): Properties {
  const found: Record<string, string> = {};
  // A doubled comma is a comma of the value, as in QEMU; the split keeps such pairs together.
  const parts = value.match(/(?:[^,]|,,)+/g) ?? [];
  for (const [index, part] of parts.entries()) {
    const plain = part.replaceAll(',,', ',');
    const equals = plain.indexOf('=');
    const isHead = index === 0 && head !== undefined && equals < 0;
    const key = isHead ? head : plain.slice(0, Math.max(0, equals));
    if (!keys.includes(key)) {
      return refuse(row, `properties ${keys.map((name) => `${name}=`).join(', ')}`, plain);
    }
    found[key] = isHead ? plain : plain.slice(equals + 1);
  }
  return parts.length === 0 ? refuse(row, row.argument ?? 'properties', value) : found;
}

function quote(value: string): string {
  const short = value.length > quotedCharacters ? `${value.slice(0, quotedCharacters)}...` : value;
  return `"${short}"`;
}

function refuse(row: OptionRow, expected: string, value: string): never {
  throw badValue(row, expected, quote(value));
}

function badValue(row: OptionRow, expected: string, found: string): MachineError {
  return new MachineError('bad-option', { where: `option ${row.flag}`, expected, found });
}

function unknownOption(word: string): MachineError {
  return new MachineError('bad-option', {
    where: 'options',
    expected: 'one of those that the help lists',
    found: quote(word),
  });
}
