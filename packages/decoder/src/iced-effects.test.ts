import { FORMS, Flag } from '@ringfence/isa';
import type { FlagEffects, Form } from '@ringfence/isa';
import {
  Code,
  Decoder,
  FlowControl,
  Instruction as IcedInstruction,
  InstructionInfoFactory,
  OpAccess,
  RflagsBits,
} from 'iced-x86';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeInto } from './decode-into.ts';
import { flagEffects } from './flag-effects.ts';
import { Instruction, OperandKind } from './instruction.ts';
import { structuredBatches } from './test-batches.ts';
import { EFFECT_DIFFERENCES } from './test-differences.ts';
import { ICED_OPTIONS, STRIDE } from './test-iced.ts';

/** One line for each form, size and operand kind: how we and iced-x86 see its effects. */
interface Finding {
  readonly what: string;
  readonly code: string;
  readonly form: string;
  readonly ours: string;
  readonly theirs: string;
}

const LETTERS: readonly (readonly [string, number, number])[] = [
  ['o', RflagsBits.OF, Flag.overflow],
  ['s', RflagsBits.SF, Flag.sign],
  ['z', RflagsBits.ZF, Flag.zero],
  ['a', RflagsBits.AF, Flag.adjust],
  ['p', RflagsBits.PF, Flag.parity],
  ['c', RflagsBits.CF, Flag.carry],
  ['d', RflagsBits.DF, Flag.direction],
  ['i', RflagsBits.IF, Flag.interrupt],
  ['k', RflagsBits.AC, Flag.alignmentCheck],
  ['0', RflagsBits.C0, Flag.c0],
  ['1', RflagsBits.C1, Flag.c1],
  ['2', RflagsBits.C2, Flag.c2],
  ['3', RflagsBits.C3, Flag.c3],
];

function ourLetters(mask: number): string {
  return LETTERS.map(([letter, , flag]) => ((mask & flag) !== 0 ? letter : '')).join('');
}

function theirLetters(mask: number): string {
  return LETTERS.map(([letter, flag]) => ((mask & flag) !== 0 ? letter : '')).join('');
}

function ourFlags({ read, written, cleared, set, undefined: unknown }: FlagEffects): string {
  const parts = [read, written, cleared, set, unknown].map(ourLetters);
  return `r:${parts[0]} w:${parts[1]} 0:${parts[2]} 1:${parts[3]} u:${parts[4]}`;
}

function theirFlags(iced: IcedInstruction): string {
  const parts = [
    iced.rflagsRead,
    iced.rflagsWritten,
    iced.rflagsCleared,
    iced.rflagsSet,
    iced.rflagsUndefined,
  ].map(theirLetters);
  return `r:${parts[0]} w:${parts[1]} 0:${parts[2]} 1:${parts[3]} u:${parts[4]}`;
}

/** Roles of the tables that say the same as each access of iced-x86. */
const ROLES: Readonly<Record<number, readonly string[]>> = {
  [OpAccess.None]: ['n'],
  [OpAccess.NoMemAccess]: ['n'],
  [OpAccess.Read]: ['r'],
  [OpAccess.CondRead]: ['r'],
  [OpAccess.Write]: ['w'],
  // A write that may not happen leaves the old value, which is then a source too; strings are the
  // exception, as their REP prefix is not part of the row.
  [OpAccess.CondWrite]: ['rw', 'w'],
  [OpAccess.ReadWrite]: ['rw'],
  [OpAccess.ReadCondWrite]: ['rw'],
};

const FLOWS: Readonly<Record<number, string>> = {
  [FlowControl.Next]: 'next',
  [FlowControl.UnconditionalBranch]: 'jump',
  [FlowControl.IndirectBranch]: 'jump',
  [FlowControl.ConditionalBranch]: 'branch',
  [FlowControl.Return]: 'return',
  [FlowControl.Call]: 'call',
  [FlowControl.IndirectCall]: 'call',
  [FlowControl.Interrupt]: 'interrupt',
  [FlowControl.Exception]: 'undefined',
};

/**
 * Two equal registers make some instructions idioms (XOR EAX, EAX), of which iced-x86 knows more.
 */
function isIdiom(form: Form, ours: Instruction): boolean {
  const first = form.vex === '' ? 0 : 1;
  const second = first + 1;
  if (ours.operandCount <= second) return false;
  if (ours.operandKind[first] !== ours.operandKind[second]) return false;
  if (ours.operandKind[first] === OperandKind.memory) return false;
  return form.hasModrm && ours.operandRegister[first] === ours.operandRegister[second];
}

/**
 * Immediates that are counts tell three classes apart: 0, 1, more; and full turns of RCL and RCR.
 */
function keyOf(ours: Instruction, form: Form, iced: IcedInstruction): string {
  const count = form.flags.conditional ? ours.immediate & 63 : 0;
  return `${iced.code} ${ours.form} ${ours.mod === 3} ${count} ${ours.prefixes & 6}`;
}

function findAll(): { findings: Finding[]; covered: Set<number> } {
  const findings: Finding[] = [];
  const covered = new Set<number>();
  const seen = new Set<string>();
  const ours = new Instruction();
  const iced = new IcedInstruction();
  const factory = new InstructionInfoFactory();
  for (const bits of [16, 32, 64] as const) {
    structuredBatches(31 + bits, bits, (data) => {
      const decoder = new Decoder(bits, data, ICED_OPTIONS);
      for (let offset = 0; offset < data.length; offset += STRIDE) {
        if (decodeInto(ours, data, offset, data.length, bits) <= 0) continue;
        decoder.position = offset;
        decoder.decodeOut(iced);
        const form = FORMS[ours.form];
        if (form === undefined || iced.code === Code.INVALID || isIdiom(form, ours)) continue;
        const key = keyOf(ours, form, iced);
        if (seen.has(key)) continue;
        seen.add(key);
        covered.add(ours.form);
        findings.push(...findingsOf(ours, form, iced, factory));
      }
      decoder.free();
    });
  }
  factory.free();
  iced.free();
  return { findings, covered };
}

function findingsOf(
  ours: Instruction,
  form: Form,
  iced: IcedInstruction,
  factory: InstructionInfoFactory,
): Finding[] {
  const found: Finding[] = [];
  const code = Code[iced.code] ?? '';
  const name = `${form.mnemonic} ${form.encoding}`;
  const add = (what: string, left: string, right: string): void => {
    if (left !== right) found.push({ what, code, form: name, ours: left, theirs: right });
  };
  add('flags', ourFlags(flagEffects(ours)), theirFlags(iced));
  add('flow', form.flow, FLOWS[iced.flowControl] ?? '');
  // iced-x86 counts instructions that depend on IOPL as privileged.
  const readsIopl = (form.flags.read & Flag.ioPrivilege) !== 0;
  const isPrivileged = form.class === 'privileged' || readsIopl;
  // These read IOPL as a part of EFLAGS, or to know whether to change it.
  const isWholeEflags = /^(PUSHF|POPF|IRET|SYSCALL)$/.test(form.mnemonic);
  if (!isWholeEflags) add('privileged', `${isPrivileged}`, `${iced.isPrivileged}`);
  const info = factory.info(iced);
  form.operands.forEach((operand, position) => {
    const kind = ours.operandKind[position];
    if (kind === OperandKind.immediate || kind === OperandKind.relative) return;
    const role = ['n', 'r', 'w', 'rw'][operand.access] ?? '';
    const theirs = info.opAccess(position);
    if (!(ROLES[theirs] ?? []).includes(role)) {
      add(`role ${position}`, role, OpAccess[theirs] ?? '');
    }
  });
  info.free();
  return found;
}

describe('the tables and iced-x86', () => {
  let findings: Finding[] = [];
  let covered = new Set<number>();
  const used = new Set<number>();
  const unexplained: Finding[] = [];

  beforeAll(() => {
    ({ findings, covered } = findAll());
    for (const finding of findings) {
      const position = EFFECT_DIFFERENCES.findIndex(
        (known) =>
          finding.what.startsWith(known.what) &&
          known.code.test(finding.code) &&
          finding.ours === known.ours &&
          finding.theirs === known.theirs,
      );
      if (position >= 0) used.add(position);
      else unexplained.push(finding);
    }
  }, 60_000);

  it('agree on flags, operand roles, flow and privilege of every form', () => {
    expect(unexplained).toEqual([]);
  });

  it('still differ in each way that is listed', () => {
    const unused = EFFECT_DIFFERENCES.filter((_, position) => !used.has(position));
    expect(unused).toEqual([]);
  });

  it('were compared for every form', () => {
    const missing = FORMS.filter((form) => !covered.has(form.index));
    expect(missing.map((form) => `${form.mnemonic} ${form.encoding}`)).toEqual([]);
  });
});
