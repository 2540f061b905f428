import type { Bits } from './addressing.ts';
import type { Prefixes } from './encode.ts';
import { AssemblerError } from './error.ts';
import type { Statement } from './match.ts';
import { REGISTERS_BY_NAME } from './registers.ts';

type Parsed = Omit<Statement, 'operands'>;

const REPEATS: Readonly<Record<string, Prefixes['repeat']>> = {
  rep: 'repe',
  repe: 'repe',
  repz: 'repe',
  repne: 'repne',
  repnz: 'repne',
};

const SIZES: Readonly<Record<string, 16 | 32 | 64>> = { '16': 16, '32': 32, '64': 64 };

/** Splits `rep movsb`, `o16 push`, `jmp short` into mnemonic, prefixes and sizes. */
export function parsePrefixes(instruction: string, bits: Bits): Parsed {
  const words = instruction.trim().toLowerCase().split(/\s+/);
  let parsed: Parsed = { mnemonic: '', bits, prefixes: {} };
  for (const word of words) {
    const size = SIZES[word.slice(1)];
    const register = REGISTERS_BY_NAME.get(word);
    const repeat = REPEATS[word];
    if (word === 'lock') parsed = withPrefix(parsed, { lock: true });
    else if (repeat !== undefined) parsed = withPrefix(parsed, { repeat });
    else if (register?.class === 'segment') parsed = withPrefix(parsed, { segment: register });
    else if (size !== undefined && word.startsWith('o')) parsed = { ...parsed, operandSize: size };
    else if (size !== undefined && word.startsWith('a')) parsed = { ...parsed, addressBits: size };
    else if (word === 'short' || word === 'near') parsed = { ...parsed, distance: word };
    else if (parsed.mnemonic === '') parsed = { ...parsed, mnemonic: word };
    else throw new AssemblerError('bad-prefix', instruction, `unknown prefix ${parsed.mnemonic}`);
  }
  if (parsed.mnemonic === '') {
    throw new AssemblerError('unknown-mnemonic', instruction, 'no mnemonic');
  }
  return parsed;
}

function withPrefix(parsed: Parsed, prefix: Prefixes): Parsed {
  return { ...parsed, prefixes: { ...parsed.prefixes, ...prefix } };
}
