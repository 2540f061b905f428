/** `ringfence explain`: what becomes of a few instructions. */
import { explain, maximumExplained } from '@ringfence/translator';
import { readArguments } from './arguments.ts';
import type { OutputStream } from './console-streams.ts';
import { type CommandHelp, asksForHelp, writeHelp } from './help.ts';
import { ExitStatus } from './outcome.ts';
import { UsageError } from './usage-error.ts';

const help: CommandHelp = {
  usage: ['explain --bytes "8B 46 04 49 75 FA" [--bits 16|32|64]'],
  about: `Prints the instructions, their IR as the semantics build it and after the passes, and the
WebAssembly of the region that hot code becomes, as if it stood at the start of a page.`,
  examples: ['explain --bytes "8B 46 04 49 75 FA"', 'explain --bytes 48FFC0C3 --bits 64'],
};

const options = [
  { flag: '--bytes', argument: 'BYTES' },
  { flag: '--bits', argument: '16|32|64' },
];

/** Runs the command with its arguments and returns the exit status. */
export function explainCommand(args: readonly string[], stdout: OutputStream): number {
  if (asksForHelp(args)) {
    writeHelp(help, stdout);
    return ExitStatus.success;
  }
  const { bytes, bits } = codeOf(args);
  const { decoded, irBefore, irAfter, wasm, refusal } = explain(bytes, bits);
  const parts: readonly (readonly [string, string])[] = [
    ['decoded', decoded],
    ['IR', irBefore],
    ['IR after the passes', irAfter],
    ['WebAssembly', wasm],
  ];
  for (const [title, text] of parts) if (text !== '') stdout.write(`;; ${title}\n${text}\n`);
  if (refusal !== undefined) stdout.write(`no region: ${refusal}\n`);
  return ExitStatus.success;
}

function codeOf(words: readonly string[]): { bytes: Uint8Array; bits: 16 | 32 | 64 } {
  const given = readArguments('explain', words, options);
  if (given.operands[0] !== undefined) {
    throw new UsageError(`explain: expected options, found "${given.operands[0].slice(0, 60)}"`);
  }
  const bytes = given.options.get('bytes')?.at(-1);
  const bits = given.options.get('bits')?.at(-1) ?? '32';
  if (bytes === undefined) throw new UsageError('expected --bytes, found none');
  if (bits !== '16' && bits !== '32' && bits !== '64') {
    throw new UsageError(`option --bits: expected 16, 32 or 64, found "${bits}"`);
  }
  const digits = bytes.replace(/0x|[\s,]/gi, '');
  if (!/^([0-9a-f]{2})+$/i.test(digits) || digits.length > 2 * maximumExplained) {
    const most = `expected 1 to ${maximumExplained} bytes in hexadecimal`;
    throw new UsageError(`option --bytes: ${most}, found "${bytes.slice(0, 60)}"`);
  }
  return { bytes: Buffer.from(digits, 'hex'), bits: Number(bits) as 16 | 32 | 64 };
}
