/** `--machine-file FILE`: options from a JSON file in place of that option. */
import { describedArguments } from '@ringfence/machine';
import { readInput } from './boot-files.ts';
import { UsageError } from './usage-error.ts';

const OPTION = /^--?machine-file(?:=([^]*))?$/;

/** Returns the words of a command line with those of the machine files that it names. */
export function withMachineFiles(args: readonly string[]): string[] {
  const words: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const match = OPTION.exec(args[index] ?? '');
    if (match === null) {
      words.push(args[index] ?? '');
      continue;
    }
    const path = match[1] ?? args[++index];
    if (path === undefined) {
      throw new UsageError(
        'option --machine-file: expected FILE, found the end of the command line',
      );
    }
    words.push(...describedArguments(read(path)));
  }
  return words;
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
