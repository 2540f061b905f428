import type { Bits } from './addressing.ts';
import type { Assembler } from './assembler.ts';
import { AssemblerError } from './error.ts';
import type { Expression } from './expression.ts';
import { OperandParser } from './text-operand.ts';

/** What one line of text adds to a program. */
export interface TextStatement {
  readonly line: number;
  readonly add: (assembler: Assembler) => void;
}

const LABEL = /^\s*([a-z_.?@][\w.$?@]*)\s*:(?!\s*\[)/i;
const EQU = /^\s*([a-z_.?@][\w.$?@]*)\s+equ\s+(.*)$/i;
const WORD = /^[a-z][\w]*/i;

/** Words that stand before a mnemonic: prefixes and sizes. */
const PREFIX = /^(lock|rep|repe|repz|repne|repnz|[ao](16|32|64)|short|near|[c-gs]s)$/i;

/** Data directives by the bytes of one value. */
const DATA: Readonly<Record<string, number>> = { db: 1, dw: 2, dd: 4, dq: 8 };

/** Splits text into statements; errors inside a line are thrown when it is added. */
export function parseText(source: string): TextStatement[] {
  return source.split('\n').map((text, index) => ({
    line: index + 1,
    add: (assembler: Assembler): void => {
      try {
        addLine(assembler, stripComment(text));
      } catch (error) {
        if (!(error instanceof AssemblerError) || error.where !== '') throw error;
        throw error.at(`line ${index + 1}`);
      }
    },
  }));
}

function addLine(assembler: Assembler, line: string): void {
  let rest = line;
  for (let match = LABEL.exec(rest); match !== null; match = LABEL.exec(rest)) {
    assembler.label(match[1] ?? '');
    rest = rest.slice(match[0].length);
  }
  const equ = EQU.exec(rest);
  const words = rest.trim();
  if (equ !== null) assembler.equ(equ[1] ?? '', one(assembler, equ[2] ?? ''));
  else if (words !== '') addStatement(assembler, words);
}

function addStatement(assembler: Assembler, statement: string): void {
  const word = WORD.exec(statement)?.[0] ?? '';
  const directive = word.toLowerCase();
  const rest = statement.slice(word.length);
  const size = DATA[directive];
  if (size !== undefined) addData(assembler, size, rest);
  else if (directive === 'bits') assembler.bits(toBits(number(assembler, rest)));
  else if (directive === 'align') assembler.align(number(assembler, rest));
  else if (directive === 'resb') assembler.fill(number(assembler, rest));
  else if (directive === 'times') addTimes(assembler, rest);
  else addInstruction(assembler, statement);
}

function addInstruction(assembler: Assembler, statement: string): void {
  let rest = statement;
  const head: string[] = [];
  for (;;) {
    const word = WORD.exec(rest)?.[0] ?? '';
    head.push(word);
    rest = rest.slice(word.length).trimStart();
    if (!PREFIX.test(word)) break;
  }
  // The distance stands behind the mnemonic: jmp short target.
  const distance = /^(short|near)\s+(?!\[)/i.exec(rest);
  if (distance !== null) {
    head.unshift(distance[1] ?? '');
    rest = rest.slice(distance[0].length);
  }
  const operands = new OperandParser(rest, () => assembler.here()).operands();
  assembler.emit(head.join(' '), ...operands);
}

/** `db 'text', 0, label - start`: strings of more than one character are characters in a row. */
function addData(assembler: Assembler, size: number, list: string): void {
  const pieces = list.match(/\s*("[^"]*"|'[^']*'|[^,"']+)\s*(,|$)/g) ?? [];
  if (pieces.join('').length !== list.length) {
    throw new AssemblerError('syntax', list.trim(), 'bad list of values');
  }
  const values = pieces.flatMap((piece): (number | Expression)[] => {
    const text = piece.replace(/,$/, '').trim();
    if (!/^["']/.test(text)) return [one(assembler, text)];
    return Array.from(text.slice(1, -1), (character) => character.charCodeAt(0));
  });
  addValues(assembler, size, values);
}

function addValues(
  assembler: Assembler,
  size: number,
  values: readonly (number | Expression)[],
): void {
  if (size === 1) assembler.db(...values);
  else if (size === 2) assembler.dw(...values);
  else if (size === 4) assembler.dd(...values);
  else assembler.dq(...values);
}

/** `times 10 db 0`: the statement again and again. */
function addTimes(assembler: Assembler, rest: string): void {
  const match = /^\s*(\S+)\s+(.*)$/.exec(rest);
  if (match === null) throw new AssemblerError('syntax', rest.trim(), 'times needs a statement');
  const count = number(assembler, match[1] ?? '');
  if (count > MAX_TIMES) {
    throw new AssemblerError('value-out-of-range', String(count), `times above ${MAX_TIMES}`);
  }
  for (let i = 0; i < count; i++) addStatement(assembler, match[2] ?? '');
}

/** Longest repetition; larger areas are for `resb`. */
const MAX_TIMES = 65_536;

function one(assembler: Assembler, text: string): Expression {
  const values = new OperandParser(text, () => assembler.here()).expressions();
  const [value] = values;
  if (value === undefined || values.length !== 1) {
    throw new AssemblerError('syntax', text.trim(), 'expected one value');
  }
  return value;
}

function number(assembler: Assembler, text: string): number {
  const value = one(assembler, text);
  if (!value.isConstant || value.constant < 0n) {
    throw new AssemblerError('syntax', text.trim(), 'expected a number');
  }
  return Number(value.constant);
}

function toBits(value: number): Bits {
  if (value === 16 || value === 32 || value === 64) return value;
  throw new AssemblerError('syntax', `bits ${value}`, 'expected 16, 32 or 64');
}

/** Cuts a comment, which begins at a semicolon outside of quotes. */
function stripComment(line: string): string {
  return /^(?:"[^"]*"|'[^']*'|[^;"'])*/.exec(line)?.[0] ?? '';
}
