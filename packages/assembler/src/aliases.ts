import { CONDITION_NAMES, FORMS_BY_MNEMONIC } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';

/** Second names of the condition codes, by their first (SDM vol. 1, appendix B). */
const CONDITION_ALIASES: Readonly<Record<string, readonly string[]>> = {
  B: ['C', 'NAE'],
  AE: ['NC', 'NB'],
  E: ['Z'],
  NE: ['NZ'],
  BE: ['NA'],
  A: ['NBE'],
  P: ['PE'],
  NP: ['PO'],
  L: ['NGE'],
  GE: ['NL'],
  LE: ['NG'],
  G: ['NLE'],
};

/** Other names that manuals and programs use, by the name of the tables. */
const OTHER_ALIASES: Readonly<Record<string, readonly string[]>> = {
  SHL: ['SAL'],
  WAIT: ['FWAIT'],
  XLATB: ['XLAT'],
  RET: ['RETN'],
  LOOPE: ['LOOPZ'],
  LOOPNE: ['LOOPNZ'],
};

/** Names of the tables by the names that they are also known by. */
export const ALIASES: ReadonlyMap<string, string> = buildAliases();

/** Forms of a mnemonic in upper case, by any of its names; undefined for an unknown one. */
export function formsOf(mnemonic: string): readonly Form[] | undefined {
  const found = FORMS_BY_MNEMONIC.get(ALIASES.get(mnemonic) ?? mnemonic);
  if (found !== undefined || !/[WDQ]$/.test(mnemonic)) return found;
  const stem = mnemonic.slice(0, -1);
  const base = FORMS_BY_MNEMONIC.get(stem);
  if (RETURNS.has(stem)) return base;
  return mnemonic.endsWith('W') && base?.some(namedLikePush) === true ? base : undefined;
}

/**
 * Whether a form at this operand size answers to `mnemonic`.
 *
 * PUSHA, PUSHF, POPA, POPF and IRET have the default size, as everyone writes them; with W or D
 * they have that size, and so do RET and RETF. All other names stand for the size of the tables.
 */
export function answersTo(
  form: Form,
  mnemonic: string,
  size: 16 | 32 | 64,
  defaultSize: 16 | 32 | 64,
): boolean {
  const name = ALIASES.get(mnemonic) ?? mnemonic;
  if (RETURNS.has(form.mnemonic) && name !== form.mnemonic) {
    return name === form.mnemonic + (size === 16 ? 'W' : size === 32 ? 'D' : 'Q');
  }
  if (namedLikePush(form)) {
    if (name === form.names[0]) return size === defaultSize;
    if (name === `${form.names[0]}W`) return size === 16;
  }
  return form.names[(size >> 5) as 0 | 1 | 2] === name;
}

/** Returns, whose operand size a suffix can say. */
const RETURNS: ReadonlySet<string> = new Set(['RET', 'RETF']);

function namedLikePush({ names }: Form): boolean {
  return names[1] === `${names[0]}D`;
}

function buildAliases(): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const [name, others] of Object.entries(OTHER_ALIASES)) {
    for (const other of others) aliases.set(other, name);
  }
  for (const stem of ['J', 'SET', 'CMOV']) {
    for (const name of CONDITION_NAMES) {
      for (const other of CONDITION_ALIASES[name] ?? []) aliases.set(stem + other, stem + name);
    }
  }
  return aliases;
}
