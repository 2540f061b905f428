/** How the help of a command looks. */
import pc from 'picocolors';
import type { OutputStream } from './console-streams.ts';

/** The help of one command. */
export interface CommandHelp {
  /** The words behind the program's name, a line for each way to use the command. */
  readonly usage: readonly string[];
  /** What it does. */
  readonly about: string;
  /** Titles with lists of options or commands, a line each. */
  readonly sections?: readonly (readonly [title: string, text: string])[];
  /** Command lines that work, without the program's name. */
  readonly examples: readonly string[];
  /** What the exit status means, where that is more than success and failure. */
  readonly status?: string;
}

/** The colours of a stream: none unless it is a terminal whose user wants them. */
export function coloursOf({ isTTY }: OutputStream): ReturnType<typeof pc.createColors> {
  return pc.createColors(isTTY === true && pc.isColorSupported);
}

/** Writes a command's help. */
export function writeHelp(help: CommandHelp, stream: OutputStream): void {
  const { bold, cyan, dim } = coloursOf(stream);
  const { usage, about, sections = [], examples, status } = help;
  const calls = usage.map((words, index) => `${index ? '      ' : 'usage:'} ringfence ${words}`);
  const lists = sections.map(([title, text]) => {
    // The spellings of a list stand in front of at least two spaces.
    const lines = text.replace(/^ {2}\S+(?: \S+)*/gm, (spelling) => cyan(spelling));
    return `\n${bold(`${title}:`)}\n${lines}`;
  });
  const shown = examples.map((words) => `  ${dim('$')} ringfence ${words}\n`).join('');
  const end = status === undefined ? '' : `\n${bold('Status:')} ${status}\n`;
  const title = bold(`${examples.length === 1 ? 'Example' : 'Examples'}:`);
  stream.write(`${calls.join('\n')}\n\n${about}\n${lists.join('')}\n${title}\n${shown}${end}`);
}

/** Returns whether the words of a command ask for its help. */
export function asksForHelp(words: readonly string[]): boolean {
  return words[0] === 'help' || words.some((word) => ['-h', '-help', '--help'].includes(word));
}
