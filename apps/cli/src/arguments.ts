/** Reads a command line's words: the library splits them, the caller's table has the options. */
import parser from 'yargs-parser';
import { UsageError } from './usage-error.ts';

/** An option that a command knows. */
export interface KnownOption {
  /** The spelling in messages and the help; one dash and two are the same. */
  readonly flag: string;
  /** Other spellings. */
  readonly aliases?: readonly string[];
  /** How the value is written in the help; an option without one is a flag. */
  readonly argument?: string;
}

/** What a command line says. */
export interface ReadArguments {
  /**
   * The values of each option that is given, in their order, by its flag without dashes; ''
   * where it has none.
   */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** The words that are neither options nor their values. */
  readonly operands: readonly string[];
}

/** One dash or two, values that begin with a dash, and no guesses at numbers, as in QEMU. */
const habits = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'nargs-eats-options': true,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'populate--': true,
  'short-option-groups': false,
  'strip-aliased': true,
  'unknown-options-as-args': true,
};

/**
 * Reads the words of a command.
 *
 * @throws UsageError for an unknown option, a value that is missing, or one that a flag has.
 */
export function readArguments(
  command: string,
  words: readonly string[],
  known: readonly KnownOption[],
): ReadArguments {
  const wrong = (what: string): UsageError => new UsageError(`${command}: ${what}`);
  const named = known.map((option) => ({ ...option, name: bare(option.flag) }));
  const settings = {
    string: named.map(({ name }) => name),
    alias: Object.fromEntries(named.map(({ name, aliases }) => [name, (aliases ?? []).map(bare)])),
    narg: Object.fromEntries(named.map(({ name, argument }) => [name, argument ? 1 : 0])),
    configuration: habits,
    /** What the library calls for the words of a message. */
    __: (_words: string, name: unknown) => misfit(known, String(name)),
  };
  const { argv, error } = parser.detailed([...words], settings);
  if (error !== null) throw wrong(error.message);
  const { _: others, '--': rest = [], ...values } = argv;
  const operands = others.map(String);
  const options = new Map<string, string[]>();
  for (const [name, value] of Object.entries(values)) {
    if (!named.some((option) => option.name === name)) throw wrong(unknown(`-${name}`));
    options.set(name, [value as string | string[]].flat());
  }
  const stray = operands.find((word) => /^-./.test(word));
  if (stray !== undefined) throw wrong(unknown(stray));
  return { options, operands: [...operands, ...rest.map(String)] };
}

/** Returns the name of an option: a spelling of it without dashes. */
export function bare(flag: string): string {
  return flag.replace(/^--?/, '');
}

/** Says what is wrong with an option of which the library refused the value, or its absence. */
function misfit(known: readonly KnownOption[], name: string): string {
  const option = known.find(({ flag, aliases }) =>
    [flag, ...(aliases ?? [])].map(bare).includes(name),
  );
  return option?.argument === undefined
    ? `option ${option?.flag ?? name}: expected no value, found one`
    : `option ${option.flag}: expected ${option.argument}, found the end of the command line`;
}

function unknown(word: string): string {
  const short = word.length > 60 ? `${word.slice(0, 60)}...` : word;
  return `expected one of the options that the help lists, found "${short}"`;
}
