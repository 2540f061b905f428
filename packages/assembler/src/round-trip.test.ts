import { BASE_RIP, Instruction, OperandKind, decodeInto } from '@ringfence/decoder';
import { FORMS, operandBytes } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { Decoder, DecoderOptions, Mnemonic } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import type { Bits } from './addressing.ts';
import { encodeForm, operandSizes } from './encode.ts';
import { Expression } from './expression.ts';
import { bytesAt } from './fixup.ts';
import { formatOperand } from './operand.ts';
import type { Memory, Operand } from './operand.ts';
import { VARIANTS, sampleOperands } from './test-samples.ts';
import type { Sample } from './test-samples.ts';

const ADDRESS = 0x1000;

interface EncodedSample extends Sample {
  readonly bytes: Uint8Array;
}

/** Every form at every operand size with every variant of operands. */
function* samples(bits: Bits): Iterable<EncodedSample> {
  for (const form of FORMS) {
    for (const operandSize of operandSizes(form, bits)) {
      for (let variant = 0; variant < VARIANTS; variant++) {
        const sample = sampleOperands(form, bits, operandSize, variant);
        const bytes = bytesAt(
          encodeForm(form, sample.operands, { ...sample, unusedReg: 5 }),
          ADDRESS,
        );
        if (bytes === undefined) throw new Error(`${describeSample(sample)} does not fit`);
        yield { ...sample, bytes };
      }
    }
  }
}

function describeSample({ form, operands, bits, operandSize }: Sample): string {
  const list = operands.flatMap((value) => (value === undefined ? [] : [formatOperand(value)]));
  return `${bits}/${operandSize} ${form.mnemonic} ${list.join(', ')} | ${form.encoding}`;
}

describe.each([16, 32, 64] as const)('every form in %i-bit code', (bits) => {
  it('decodes to the form and the operands that were encoded', () => {
    const instruction = new Instruction();
    const wrong: string[] = [];
    let count = 0;
    for (const sample of samples(bits)) {
      count++;
      const { bytes } = sample;
      const length = decodeInto(instruction, bytes, 0, bytes.length, bits);
      const problem =
        length !== bytes.length
          ? `length ${length}`
          : FORMS[instruction.form] === undefined || !sameForm(sample, FORMS[instruction.form])
            ? `form ${FORMS[instruction.form]?.mnemonic} ${FORMS[instruction.form]?.encoding}`
            : operandProblem(sample, instruction);
      if (problem !== '') wrong.push(`${describeSample(sample)} = ${hex(bytes)}: ${problem}`);
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(count).toBeGreaterThan(8_000);
  });
});

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** XCHG of the accumulator with itself is NOP, which has a row of its own. */
function sameForm({ form }: Sample, decoded: Form | undefined): boolean {
  return decoded === form || (form.mnemonic === 'XCHG' && decoded?.encoding === '90');
}

function operandProblem({ form, operands }: Sample, decoded: Instruction): string {
  if (FORMS[decoded.form] !== form) return '';
  for (const [position, value] of operands.entries()) {
    if (value === undefined) continue;
    const problem = compareOperand(form, value, decoded, position);
    if (problem !== '') return `operand ${position}: ${problem}`;
  }
  return '';
}

function compareOperand(
  form: Form,
  value: Operand,
  decoded: Instruction,
  position: number,
): string {
  const kind = decoded.operandKind[position] ?? 0;
  if (value instanceof Expression) {
    const size = form.operands[position]?.size ?? 'b';
    const bytes = operandBytes(
      size,
      decoded.operandSize === 16 ? 16 : decoded.operandSize === 32 ? 32 : 64,
    );
    return compareValue(value, decoded, kind, bytes);
  }
  if (value.kind === 'far') {
    const same = value.offset.constant === BigInt(decoded.immediate >>> 0);
    return same && value.selector.constant === BigInt(decoded.immediate2) ? '' : 'far pointer';
  }
  if (value.kind === 'memory') return compareMemory(value, decoded, kind);
  const expected = REGISTER_KINDS[`${value.class}${value.high ? 'h' : value.bytes}`];
  const number = value.high ? value.number - 4 : value.number;
  if (expected !== kind) return `kind ${kind} of ${form.mnemonic}`;
  return decoded.operandRegister[position] === number ? '' : 'register';
}

const REGISTER_KINDS: Readonly<Record<string, number>> = {
  gpr1: OperandKind.gpr8,
  gprh: OperandKind.gpr8High,
  gpr2: OperandKind.gpr16,
  gpr4: OperandKind.gpr32,
  gpr8: OperandKind.gpr64,
  segment2: OperandKind.segment,
  control0: OperandKind.control,
  debug0: OperandKind.debug,
  st10: OperandKind.st,
  mm8: OperandKind.mm,
  xmm16: OperandKind.xmm,
  ymm32: OperandKind.ymm,
};

function compareValue(
  value: Expression,
  decoded: Instruction,
  kind: number,
  bytes: number,
): string {
  if (kind === OperandKind.one) return '';
  if (kind === OperandKind.immediate2) {
    return value.constant === BigInt(decoded.immediate2) ? '' : 'second immediate';
  }
  if (kind === OperandKind.relative) {
    const target = BigInt(ADDRESS + decoded.length + decoded.immediate);
    return target === value.constant ? '' : `target 0x${target.toString(16)}`;
  }
  const low = BigInt(decoded.immediate >>> 0);
  const wide = low | (BigInt(decoded.immediateHigh >>> 0) << 32n);
  const [want, have] = [value.constant, wide].map((number) => BigInt.asUintN(bytes * 8, number));
  return want === have ? '' : 'immediate';
}

function compareMemory(value: Memory, decoded: Instruction, kind: number): string {
  if (kind !== OperandKind.memory) return `kind ${kind}, not memory`;
  const { base, index, scale, displacement, segment } = value;
  const relative = base?.class === 'ip';
  const expectedBase = base === undefined ? -1 : relative ? BASE_RIP : base.number;
  if (decoded.base !== expectedBase) return `base ${decoded.base}`;
  if (decoded.index !== (index === undefined ? -1 : index.number)) return `index ${decoded.index}`;
  if (index !== undefined && 1 << decoded.scale !== scale) return `scale ${decoded.scale}`;
  const next = relative ? BigInt(ADDRESS + decoded.length) : 0n;
  const found = BigInt(decoded.displacement) + next;
  if (BigInt.asIntN(16, found) !== BigInt.asIntN(16, displacement.constant)) return 'displacement';
  return segment === undefined || decoded.segment === segment.number ? '' : 'segment';
}

describe.each([16, 32, 64] as const)('iced-x86 in %i-bit code', (bits) => {
  it('decodes what is encoded to the same mnemonic, with the same length', () => {
    const wrong = new Set<string>();
    for (const sample of samples(bits)) {
      const decoder = new Decoder(bits, sample.bytes, DecoderOptions.None);
      const iced = decoder.decode();
      const name = (Mnemonic[iced.mnemonic] ?? '').toUpperCase();
      const ours = sample.form.names;
      const known = ICED_NAMES[sample.form.mnemonic] ?? [];
      const same = ours.some((own) => own === name) || known.includes(name);
      if (!same || iced.length !== sample.bytes.length) {
        wrong.add(
          `${ours[0]} ${sample.form.encoding}: ${name}, ${iced.length - sample.bytes.length}`,
        );
      }
      iced.free();
      decoder.free();
    }
    expect([...wrong]).toEqual([]);
  });
});

/** Names that iced-x86 gives to what the tables name otherwise. */
const ICED_NAMES: Readonly<Record<string, readonly string[]>> = {
  NOP: ['RESERVEDNOP'],
  XCHG: ['NOP'],
  PCMPESTRI: ['PCMPESTRI64'],
  PCMPESTRM: ['PCMPESTRM64'],
  VPCMPESTRI: ['VPCMPESTRI64'],
  VPCMPESTRM: ['VPCMPESTRM64'],
};
