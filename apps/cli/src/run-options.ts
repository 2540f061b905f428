/** The options of `ringfence run`: those of the option table, and machine files. */
import {
  type Settings,
  describedParameters,
  optionTable,
  parseParameters,
} from '@ringfence/machine';
import { type KnownOption, bare, readArguments } from './arguments.ts';
import { readInput } from './boot-files.ts';
import { fromQemu, qemuOptions } from './qemu-words.ts';
import { UsageError } from './usage-error.ts';

const machineFile = { flag: '--machine-file', argument: 'FILE' };

const known: readonly KnownOption[] = [
  machineFile,
  ...qemuOptions,
  ...optionTable.map(({ flag, alias, argument }): KnownOption => ({
    flag,
    ...(alias === undefined ? {} : { aliases: [alias] }),
    ...(argument === undefined ? {} : { argument }),
  })),
];

/**
 * Reads the words behind `run` into settings; what they say themselves counts instead of what a
 * machine file says.
 *
 * What is taken and not done is told to `warn`.
 *
 * @throws UsageError or MachineError that says what is wrong and where.
 */
export function runSettings(
  words: readonly string[],
  warn: (words: string) => void = () => {},
): Settings {
  const { options, operands } = readArguments('run', words, known);
  if (operands[0] !== undefined) {
    throw new UsageError(`run: expected options, found "${operands[0].slice(0, 60)}"`);
  }
  const files = options.get(bare(machineFile.flag)) ?? [];
  const own = [...options].filter(([name]) => name !== bare(machineFile.flag));
  return parseParameters([
    ...files.flatMap((path) => describedParameters(read(path))),
    ...own.flatMap(([name, values]) => fromQemu(name, values, warn)),
  ]);
}

function read(path: string): unknown {
  const text = Buffer.from(readInput('--machine-file', path)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new UsageError(`option --machine-file: ${path}: expected JSON: ${words}`);
  }
}
