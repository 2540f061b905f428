import { CONDITION_FLAGS, CONDITION_NAMES, FLAG_LETTERS } from './flags.ts';
import { Location } from './form.ts';
import type { FlagEffects, Flow, Form, InstructionClass } from './form.ts';
import { parseEncoding } from './parse-encoding.ts';
import { parseOperand } from './parse-operand.ts';

/** A table row that does not follow the notation: a mistake in the data of this package. */
export class TableError extends Error {
  constructor(row: string, reason: string) {
    super(`isa: ${reason} in row "${row}"`);
    this.name = 'TableError';
  }
}

const ATTRIBUTES: ReadonlySet<string> = new Set([
  'lock', 'i64', 'o64', 'd64', 'f64', 'priv', 'sens', 'rep', 'repe', 'asize',
  'branch', 'jump', 'call', 'ret', 'int', 'ud',
]); // prettier-ignore

const FLOWS: readonly (readonly [string, Flow])[] = [
  ['branch', 'branch'],
  ['jump', 'jump'],
  ['call', 'call'],
  ['ret', 'return'],
  ['int', 'interrupt'],
  ['ud', 'undefined'],
];

/**
 * Parses one row to its form, or to sixteen forms where the mnemonic ends in `cc`.
 *
 * Columns: `mnemonic | operands | encoding | attributes | flags | feature`. Indexes count from
 * `firstIndex`. Throws {@link TableError} for a row outside the notation.
 */
export function parseRow(row: string, firstIndex: number): Form[] {
  const columns = row.split('|').map((column) => column.trim());
  if (columns.length !== 6) throw new TableError(row, `${columns.length} columns instead of 6`);
  const mnemonic = columns[0] ?? '';
  if (!mnemonic.endsWith('cc')) return [parseForm(row, columns, firstIndex, -1)];
  return CONDITION_NAMES.map((_, code) => parseForm(row, columns, firstIndex + code, code));
}

function parseForm(
  row: string,
  columns: readonly string[],
  index: number,
  condition: number,
): Form {
  const [stem = '', operandText = '', encodingText = '', attributeText = ''] = columns;
  const attributes = new Set(attributeText.split(/\s+/).filter((word) => word !== ''));
  for (const word of attributes) {
    if (!ATTRIBUTES.has(word)) throw new TableError(row, `unknown attribute ${word}`);
  }
  const operandTexts = operandText === '' ? [] : operandText.split(',');
  const operands = operandTexts.map((text) => parseOperand(text.trim()));
  const names = parseNames(stem, condition);
  const encoding = parseEncoding(encodingText, condition);
  const mod = modOf(encoding.mod, operands);
  return {
    index,
    mnemonic: names[0],
    operation: condition < 0 ? names[0] : stem,
    condition,
    names,
    namedBy: attributes.has('asize') ? 'address' : 'operand',
    operands,
    ...encoding,
    mod,
    legacy: !attributes.has('o64'),
    long: !attributes.has('i64'),
    longSize: attributes.has('d64') ? 'd64' : attributes.has('f64') ? 'f64' : 'default',
    lockable: attributes.has('lock'),
    repeat: attributes.has('rep') ? 'rep' : attributes.has('repe') ? 'repe' : 'none',
    flags: parseFlags(row, columns[4] ?? '', condition),
    class: classOf(attributes),
    flow: FLOWS.find(([word]) => attributes.has(word))?.[1] ?? 'next',
    feature: columns[5] ?? '',
  };
}

function parseNames(stem: string, condition: number): [string, string, string] {
  if (condition >= 0) {
    const name = stem.slice(0, -2) + (CONDITION_NAMES[condition] ?? '');
    return [name, name, name];
  }
  const [first = '', second = first, third = second] = stem.split('/');
  return [first, second, third];
}

/**
 * R, N and U operands take registers only, M operands memory only: no need to write 11B or !11B.
 */
function modOf(written: Form['mod'], operands: Form['operands']): Form['mod'] {
  for (const { location } of operands) {
    if (location === Location.control || location === Location.debug) return 'ignored';
  }
  for (const { location } of operands) {
    if (location === Location.memory || location === Location.vectorMemory) return 'memory';
    if (location === Location.rmGprOnly) return 'register';
    if (location === Location.rmMmOnly) return 'register';
    if (location === Location.rmXmmOnly) return 'register';
  }
  return written;
}

function classOf(attributes: ReadonlySet<string>): InstructionClass {
  if (attributes.has('priv')) return 'privileged';
  return attributes.has('sens') ? 'sensitive' : 'innocuous';
}

/**
 * Parses `r:c w:osz 0:oc 1:c u:a ?`: read, written, cleared, set, undefined; `cc` stands for the
 * flags of the condition, `?` for {@link FlagEffects.conditional}.
 */
function parseFlags(row: string, source: string, condition: number): FlagEffects {
  const masks: Record<string, number> = { r: 0, w: 0, '0': 0, '1': 0, u: 0 };
  for (const token of source.split(/\s+/)) {
    if (token === '' || token === '?') continue;
    const key = token.charAt(0);
    if (masks[key] === undefined || token.charAt(1) !== ':') {
      throw new TableError(row, `unknown flag effect ${token}`);
    }
    masks[key] |= flagMask(row, token.slice(2), condition);
  }
  const { r: read = 0, w: written = 0, u: undefinedMask = 0 } = masks;
  const cleared = masks['0'] ?? 0;
  const set = masks['1'] ?? 0;
  const modified = written | cleared | set | undefinedMask;
  const conditional = source.includes('?');
  return { read, written, cleared, set, undefined: undefinedMask, modified, conditional };
}

function flagMask(row: string, letters: string, condition: number): number {
  if (letters === 'cc') return CONDITION_FLAGS[condition] ?? 0;
  let mask = 0;
  for (const letter of letters) {
    const flag = FLAG_LETTERS[letter];
    if (flag === undefined) throw new TableError(row, `unknown flag ${letter}`);
    mask |= flag;
  }
  return mask;
}
