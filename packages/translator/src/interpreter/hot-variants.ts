/**
 * The variants that are cases of the interpreter loop: a profile of Debian's stock kernel from
 * reset to /init, most frequent first (SDM vol. 2D, appendix A notation; operand size; what the
 * memory operand and the stack are). All other variants are functions in the handler table.
 *
 * As functions alone the first 3,000 million instructions run at 110 million per second; with 60,
 * 110, 160, 280 rows as cases at 241, 248, 236, 228.
 */
import { FORMS_BY_MNEMONIC } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import type { Variant } from '../semantics/variant.ts';
import type { HotCase } from './hot-case.ts';
import { hotGroupCases } from './hot-groups.ts';
import { packVariant } from '../semantics/variant.ts';

const table = `
MOV | Gv, Ev | 8B /r | 32 | base flat
MOV | Ev, Gv | 89 /r | 32 |
ADD | Ev, Gv | 01 /r | 32 |
MOV | Ev, Gv | 89 /r | 32 | base flat
CMP | Ev, Gv | 39 /r | 32 |
IMUL | Gv, Ev | 0F AF /r | 32 |
SHR | Ev, Ib | C1 /5 | 32 | counted
SUB | Ev, Gv | 29 /r | 32 |
JNE | Jb | 75 | 32 |
LEA | Gv, M | 8D /r | 32 | index flat
LEA | Gv, M | 8D /r | 32 | base flat
CMP | Ev, Iz | 81 /7 | 32 |
JA | Jb | 77 | 32 |
MOVZX | Gv, Ew | 0F B7 /r | 32 | base flat
MOVZX | Gv, Ew | 0F B7 /r | 32 |
ADD | Ev, Ibs | 83 /0 | 32 |
SHL | Ev, Ib | C1 /4 | 32 | counted
MOV | Gv, Ev | 8B /r | 32 | index flat
MOV | Zv, Iv | B8+r | 32 |
MOV | Ev, Gv | 89 /r | 16 | base flat
XOR | Ev, Gv | 31 /r | 32 |
JB | Jb | 72 | 32 |
PUSH | Zv | 50+r | 32 | stack
POP | Zv | 58+r | 32 | stack
SAR | Ev, Ib | C1 /7 | 32 | counted
JB | Jz | 0F 82 | 32 |
MOV | Ev, Gv | 89 /r | 32 | index flat
INC | Zv | 40+r | 32 |
SETB | Eb | 0F 92 /r | 32 |
JE | Jb | 74 | 32 |
MOV | Gb, Eb | 8A /r | 32 | index flat
ADD | Ev, Iz | 81 /0 | 32 |
ADC | Ev, Gv | 11 /r | 32 |
CMOVAE | Gv, Ev | 0F 43 /r | 32 | base flat
CMP | Ev, Ibs | 83 /7 | 32 |
CMP | Gv, Ev | 3B /r | 32 | base flat
MOVZX | Gv, Eb | 0F B6 /r | 32 |
DEC | Zv | 48+r | 32 |
AND | Ev, Gv | 21 /r | 32 |
AND | Ev, Ibs | 83 /4 | 32 |
CMP | AL, Ib | 3C | 32 |
MOV | Gv, Ev | 8B /r | 16 | base flat
CMP | Ev, Gv | 39 /r | 32 | base flat
JNE | Jz | 0F 85 | 32 |
XOR | Gv, Ev | 33 /r | 32 | index flat
XOR | Gb, Eb | 32 /r | 32 | base flat
MOV | Eb, Gb | 88 /r | 32 | index flat
JAE | Jb | 73 | 32 |
ADD | Gv, Ev | 03 /r | 32 | index flat
JMP | Jb | EB | 32 |
CALL | Jz | E8 | 32 | stack
JA | Jz | 0F 87 | 32 |
JBE | Jb | 76 | 32 |
RET |  | C3 | 32 | stack
TEST | Ev, Gv | 85 /r | 32 |
TEST | Eb, Gb | 84 /r | 32 |
JE | Jz | 0F 84 | 32 |
SHR | Ev, 1 | D1 /5 | 32 |
SUB | Ev, Ibs | 83 /5 | 32 |
JAE | Jz | 0F 83 | 32 |
JMP | Jz | E9 | 32 |
DEC | Ev | FF /1 | 32 | base flat
MOVZX | Gv, Eb | 0F B6 /r | 32 | index flat
MOVZX | Gv, Eb | 0F B6 /r | 32 | base flat
MOV | Ev, Gv | 89 /r | 16 | index flat
MOVZX | Gv, Ew | 0F B7 /r | 32 | index flat
CMP | rAX, Iz | 3D | 32 |
SBB | Ev, Gv | 19 /r | 32 |
AND | Gv, Ev | 23 /r | 32 | base flat
SUB | Gv, Ev | 2B /r | 32 | base flat
NOT | Ev | F7 /2 | 32 |
AND | Ev, Gv | 21 /r | 32 | base flat
SHL | Ev, CL | D3 /4 | 32 |
MOV | Ev, Iz | C7 /0 | 32 | base flat
ADC | Ev, Ibs | 83 /2 | 32 |
INC | Ev | FF /0 | 32 | base flat
JNS | Jb | 79 | 32 |
DEC | Ev | FF /1 | 32 | base
JBE | Jz | 0F 86 | 32 |
CMP | Ev, Ibs | 83 /7 | 32 | base flat
INC | Ev | FF /0 | 32 | base
MOV | Gv, Ev | 8B /r | 32 | base
SBB | Gv, Ev | 1B /r | 32 | base flat
PAUSE |  | F3 90 | 32 |
LFENCE |  | NP 0F AE /5 11B | 32 |
ROR | Ev, Ib | C1 /1 | 32 | counted
MOV | Gb, Eb | 8A /r | 32 | base flat
ADD | Ev, Gv | 01 /r | 32 | base flat
SHR | Ev, CL | D3 /5 | 32 |
MOV | Eb, Gb | 88 /r | 32 |
ROL | Ev, Ib | C1 /0 | 32 | counted
NEG | Ev | F7 /3 | 32 |
MOV | Zb, Ib | B0+r | 32 |
CMOVB | Gv, Ev | 0F 42 /r | 32 |
OR | Ev, Gv | 09 /r | 32 |
SCASB | AL, Yb | AE | 32 | flat stack
JS | Jb | 78 | 32 |
TEST | Eb, Ib | F6 /0 | 32 | base flat
ADD | rAX, Iz | 05 | 32 |
MOV | Eb, Gb | 88 /r | 32 | base flat
ADD | Ev, Ibs | 83 /0 | 32 | base flat
CMP | Eb, Ib | 80 /7 | 32 |
AND | Ev, Iz | 81 /4 | 32 |
DIV | Ev | F7 /6 | 32 | base flat
MOV | Gv, Ev | 8B /r | 16 | index flat
ADD | Gv, Ev | 03 /r | 32 | base flat
CMOVAE | Gv, Ev | 0F 43 /r | 32 |
LEAVE |  | C9 | 32 | stack
JG | Jz | 0F 8F | 32 |
MOV | Eb, Ib | C6 /0 | 32 | base flat
PUSH | Ev | FF /6 | 32 | base flat stack
MOV | rAX, Ov | A1 | 32 | stack
AND | rAX, Iz | 25 | 32 |
OR | AL, Ib | 0C | 32 |
MOVSX | Gv, Eb | 0F BE /r | 32 |
NOP |  | 90 | 32 |
SUB | Gv, Ev | 2B /r | 32 | base
JLE | Jb | 7E | 32 |
MOV | rAX, Ov | A1 | 32 | flat stack
CMP | Eb, Ib | 80 /7 | 32 | base flat
SUB | Ev, Ibs | 83 /5 | 32 | base flat
JLE | Jz | 0F 8E | 32 |
PUSH | Ibs | 6A | 32 | stack
TEST | Eb, Ib | F6 /0 | 32 |
JG | Jb | 7F | 32 |
XOR | Gv, Ev | 33 /r | 32 | base flat
CMPXCHG | Ev, Gv | 0F B1 /r | 32 | base flat
CMP | Eb, Gb | 38 /r | 32 |
`;

let cases: readonly HotCase[] | undefined;

/** The cases of the interpreter loop, most frequent first; one list for the process. */
export function hotCases(): readonly HotCase[] {
  cases ??= makeCases();
  return cases;
}

function makeCases(): readonly HotCase[] {
  const singles = table
    .split('\n')
    .filter((row) => row !== '')
    .map((row) => ({
      instructions: [{ variant: parseRow(row), registers: 0 }],
      withoutFlags: false,
    }));
  return [...singles, ...hotGroupCases()];
}

function parseRow(row: string): Variant {
  const [mnemonic = '', operands = '', encoding = '', size = '', traits = ''] = row
    .split('|')
    .map((cell) => cell.trim());
  const form = FORMS_BY_MNEMONIC.get(mnemonic)?.find(
    (candidate) => candidate.encoding === encoding && operandText(candidate) === operands,
  );
  if (form === undefined) throw new Error(`translator: no form for the hot variant "${row}"`);
  const has = new Set(traits.split(' '));
  return packVariant({
    form,
    operandSize: size === '16' ? 16 : 32,
    memory: has.has('base') || has.has('index'),
    simple: has.has('base'),
    addressed: has.has('base') || has.has('index'),
    flat: has.has('flat'),
    flatStack: has.has('stack'),
    stack: has.has('stack'),
    counted: has.has('counted'),
  });
}

function operandText(form: Form): string {
  return form.operands.map((operand) => operand.text).join(', ');
}
