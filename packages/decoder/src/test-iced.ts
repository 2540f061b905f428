/**
 * Compares one decoded instruction with what iced-x86 decodes from the same bytes.
 *
 * Only tests use this file. iced-x86 runs in WebAssembly: each property read is a call, so what
 * depends on its `Code` alone is asked once and kept.
 */
import { FORMS } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import {
  Code,
  CpuidFeature,
  Decoder,
  DecoderOptions,
  EncodingKind,
  Instruction as IcedInstruction,
  MemorySizeExt,
  Mnemonic,
  OpKind,
  Register,
} from 'iced-x86';
import { decodeInto } from './decode-into.ts';
import { BASE_RIP, Instruction, OperandKind } from './instruction.ts';

/** Bytes between two instructions of a batch: one more than the longest instruction. */
export const STRIDE = 16;

/** The options that make iced-x86 the processor that we decode for: one with reserved NOPs. */
export const ICED_OPTIONS: number = DecoderOptions.None;

/** A disagreement: what differs, and in which instruction of iced-x86. */
export interface Difference {
  readonly what: string;
  readonly code: string;
  readonly ours: string;
  readonly theirs: string;
  readonly bytes: string;
}

interface CodeFacts {
  readonly name: string;
  readonly mnemonic: string;
  readonly features: string;
  /** Not an instruction of x86-64-v2: we must say that it does not exist. */
  readonly isNewer: boolean;
  /** A hint that is a no-operation on processors without it. */
  readonly isHint: boolean;
}

/** Features of iced-x86 that x86-64-v2 (and this project) does not have. */
const NEWER: ReadonlySet<string> = new Set(
  (
    'AESKLE WIDE_KL KL CET_SS D3NOW ENQCMD FRED ' +
    'GFNI HRESET INVLPGB ' +
    'LKGS MCOMMIT MONITORX MOVDIR64B MOVDIRI MSRLIST OSS PADLOCK_ACE PADLOCK_GMI PADLOCK_PHE ' +
    'PADLOCK_PMM PADLOCK_RNG PADLOCK_UNDOC PCONFIG PKU PTWRITE RAO_INT RDPRU RMPQUERY RTM ' +
    'HLE_or_RTM SERIALIZE SEV_ES SEV_SNP SGX1 SMX TDX TSE TSXLDTRK UDBG UINTR WAITPKG ' +
    'WRMSRNS CL1INVMB'
  ).split(' '),
);

/** Features whose instructions lie in the reserved no-operations 0F 18 to 0F 1F. */
const HINTS: ReadonlySet<string> = new Set(['CLDEMOTE', 'PREFETCHITI', 'MULTIBYTENOP']);

/** Features whose instructions have a VEX prefix and are here. */
const WITH_VEX: ReadonlySet<string> = new Set(
  'BMI1 BMI2 AVX AVX2 AES PCLMULQDQ VAES VPCLMULQDQ F16C FMA'.split(' '),
);

function isNewer(encoding: EncodingKind, features: readonly string[]): boolean {
  if (features.some((name) => NEWER.has(name))) return true;
  if (encoding === EncodingKind.Legacy) return false;
  return encoding !== EncodingKind.VEX || !features.every((name) => WITH_VEX.has(name));
}

const facts = new Map<number, CodeFacts>();

function factsOf(iced: IcedInstruction): CodeFacts {
  const { code } = iced;
  const known = facts.get(code);
  if (known !== undefined) return known;
  const features = [...iced.cpuidFeatures()].map((feature) => CpuidFeature[feature] ?? '');
  const fact: CodeFacts = {
    name: Code[code] ?? '',
    mnemonic: (Mnemonic[iced.mnemonic] ?? '').toUpperCase(),
    features: features.join('+'),
    isNewer: isNewer(iced.encoding, features),
    isHint: features.some((name) => HINTS.has(name)) || (Code[code] ?? '').startsWith('Rdssp'),
  };
  facts.set(code, fact);
  return fact;
}

/** First register of each operand kind in iced-x86's numbering. */
const FIRST_REGISTER: Readonly<Record<number, number>> = {
  [OperandKind.gpr8High]: Register.AH,
  [OperandKind.gpr16]: Register.AX,
  [OperandKind.gpr32]: Register.EAX,
  [OperandKind.gpr64]: Register.RAX,
  [OperandKind.st]: Register.ST0,
  [OperandKind.mm]: Register.MM0,
  [OperandKind.xmm]: Register.XMM0,
  [OperandKind.ymm]: Register.YMM0,
  [OperandKind.segment]: Register.ES,
  [OperandKind.control]: Register.CR0,
  [OperandKind.debug]: Register.DR0,
};

function registerNumber(kind: number, register: number): number {
  if (kind === OperandKind.gpr8)
    return register < 4 ? Register.AL + register : Register.SPL + register - 4;
  return (FIRST_REGISTER[kind] ?? 0) + register;
}

const STRING_SOURCES = new Set<number>([
  OpKind.MemorySegSI,
  OpKind.MemorySegESI,
  OpKind.MemorySegRSI,
]);
const STRING_DESTINATIONS = new Set<number>([
  OpKind.MemoryESDI,
  OpKind.MemoryESEDI,
  OpKind.MemoryESRDI,
]);
const IMPLICIT_DI = new Set<number>([OpKind.MemorySegDI, OpKind.MemorySegEDI, OpKind.MemorySegRDI]);

/** Compares each instruction of `data`, one per {@link STRIDE} bytes; reports to `report`. */
export function compareBatch(
  data: Uint8Array,
  bits: 16 | 32 | 64,
  options: number,
  report: (difference: Difference) => void,
): void {
  const decoder = new Decoder(bits, data, options);
  const iced = new IcedInstruction();
  const ours = new Instruction();
  for (let offset = 0; offset + STRIDE <= data.length; offset += STRIDE) {
    decoder.position = offset;
    decoder.ip = 0n;
    decoder.decodeOut(iced);
    const length = decodeInto(ours, data, offset, data.length, bits);
    const pair = compare(ours, length, iced, bits);
    if (pair === undefined) continue;
    const bytes = Buffer.from(data.subarray(offset, offset + STRIDE)).toString('hex');
    const [what, left, right] = pair;
    report({ what, code: factsOf(iced).name, ours: left, theirs: right, bytes });
  }
  iced.free();
  decoder.free();
}

type Mismatch = readonly [what: string, ours: string, theirs: string] | undefined;

function nameOf(form: Form | undefined, ours: Instruction): string {
  if (form === undefined) return 'INVALID';
  const size = form.namedBy === 'address' ? ours.addressSize : ours.operandSize;
  return form.names[(size >> 5) as 0 | 1 | 2];
}

function compare(ours: Instruction, length: number, iced: IcedInstruction, bits: number): Mismatch {
  const fact = factsOf(iced);
  const form = FORMS[ours.form];
  const name = nameOf(form, ours);
  if (fact.name === 'INVALID') {
    return length <= 0 ? undefined : ['validity', name, 'INVALID'];
  }
  if (fact.isHint && name === 'NOP') return compareHint(ours, iced, bits);
  if (fact.isNewer && form === undefined) return undefined;
  if (form === undefined) return ['validity', `INVALID ${length}`, fact.mnemonic];
  if (name !== fact.mnemonic) return ['mnemonic', name, fact.mnemonic];
  if (length !== iced.length) return ['length', `${length}`, `${iced.length}`];
  const count = iced.opCount;
  if (ours.operandCount !== count) return ['count', `${ours.operandCount}`, `${count}`];
  for (let i = 0; i < count; i++) {
    const mismatch = compareOperand(ours, i, iced, bits);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

/** Hints have a second operand or another size in iced-x86; for us they are NOP Ev. */
function compareHint(ours: Instruction, iced: IcedInstruction, bits: number): Mismatch {
  if (ours.length !== iced.length) return ['length', `${ours.length}`, `${iced.length}`];
  if (iced.op0Kind !== OpKind.Memory) return undefined;
  const mismatch = compareMemory(ours, 0, iced, bits);
  return mismatch?.[0] === 'memory size' ? undefined : mismatch;
}

function compareOperand(
  ours: Instruction,
  i: number,
  iced: IcedInstruction,
  bits: number,
): Mismatch {
  const kind = ours.operandKind[i] ?? 0;
  const register = ours.operandRegister[i] ?? 0;
  const theirs = iced.opKind(i);
  const text = `operand ${i}`;
  switch (kind) {
    case OperandKind.memory:
      if (IMPLICIT_DI.has(theirs)) return compareSegment(ours, iced, bits);
      if (theirs !== OpKind.Memory) return [text, 'memory', OpKind[theirs] ?? ''];
      return compareMemory(ours, i, iced, bits);
    case OperandKind.stringSource:
      if (!STRING_SOURCES.has(theirs)) return [text, 'string source', OpKind[theirs] ?? ''];
      return compareSize(ours, i, iced) ?? compareSegment(ours, iced, bits);
    case OperandKind.stringDestination:
      if (!STRING_DESTINATIONS.has(theirs))
        return [text, 'string destination', OpKind[theirs] ?? ''];
      return compareSize(ours, i, iced);
    case OperandKind.relative:
      return compareBranch(ours, iced, theirs);
    case OperandKind.immediate:
    case OperandKind.immediate2:
    case OperandKind.one:
    case OperandKind.farPointer:
      return compareImmediate(ours, kind, iced, theirs);
    default: {
      if (theirs !== OpKind.Register) return [text, `kind ${kind}`, OpKind[theirs] ?? ''];
      const wanted = iced.opRegister(i);
      const got = registerNumber(kind, register);
      return got === wanted ? undefined : [text, Register[got] ?? '', Register[wanted] ?? ''];
    }
  }
}

function compareSegment(ours: Instruction, iced: IcedInstruction, bits: number): Mismatch {
  const theirs = iced.memorySegment - Register.ES;
  if (ours.segment === theirs) return undefined;
  // In 64-bit code iced-x86 keeps the four segment overrides that have no effect, for printing.
  if (bits === 64 && theirs < 4 && ours.segment < 4) return undefined;
  return ['segment', `${ours.segment}`, `${theirs}`];
}

function compareSize(ours: Instruction, i: number, iced: IcedInstruction): Mismatch {
  const size = ours.operandBytes[i] ?? 0;
  const theirs = MemorySizeExt.size(iced.memorySize);
  return size === theirs ? undefined : ['memory size', `${size}`, `${theirs}`];
}

function compareMemory(
  ours: Instruction,
  i: number,
  iced: IcedInstruction,
  bits: number,
): Mismatch {
  const base = iced.memoryBase;
  const { addressSize } = ours;
  const first = addressSize === 16 ? Register.AX : addressSize === 32 ? Register.EAX : Register.RAX;
  const rip = addressSize === 32 ? Register.EIP : Register.RIP;
  const wanted = ours.base < 0 ? Register.None : ours.base === BASE_RIP ? rip : first + ours.base;
  if (wanted !== base) return ['base', Register[wanted] ?? '', Register[base] ?? ''];
  if (base !== Register.None || ours.index >= 0) {
    const index = iced.memoryIndex;
    const wantedIndex = ours.index < 0 ? Register.None : firstIndex(ours, first) + ours.index;
    // XLAT adds AL, which no other instruction does, so the record has no index for it.
    if (wantedIndex !== index && index !== Register.AL) {
      return ['index', Register[wantedIndex] ?? '', Register[index] ?? ''];
    }
    if (ours.index >= 0 && 1 << ours.scale !== iced.memoryIndexScale) {
      return ['scale', `${ours.scale}`, `${iced.memoryIndexScale}`];
    }
  }
  let displacement = BigInt(ours.displacement);
  if (ours.base === BASE_RIP) displacement += BigInt(ours.length);
  if (addressSize === 64) {
    displacement = BigInt.asUintN(
      64,
      (BigInt(ours.displacementHigh) << 32n) | BigInt.asUintN(32, displacement),
    );
    if (ours.base === BASE_RIP)
      displacement = BigInt.asUintN(64, BigInt(ours.displacement + ours.length));
  } else displacement = BigInt.asUintN(addressSize, displacement);
  const theirs = iced.memoryDisplacement;
  const shown = BigInt.asUintN(addressSize, theirs);
  if (displacement !== shown) return ['displacement', `${displacement}`, `${shown}`];
  return compareSize(ours, i, iced) ?? compareSegment(ours, iced, bits);
}

/** The first register of the class that indexes: general, or XMM or YMM. */
function firstIndex({ vectorIndex }: Instruction, general: number): number {
  if (vectorIndex === 0) return general;
  return vectorIndex === 16 ? Register.XMM0 : Register.YMM0;
}

function compareBranch(ours: Instruction, iced: IcedInstruction, theirs: number): Mismatch {
  const target = ours.length + ours.immediate;
  if (theirs === OpKind.NearBranch16) {
    const same = ours.operandSize === 16 && (target & 0xffff) === iced.nearBranch16;
    return same
      ? undefined
      : ['branch', `${target} ${ours.operandSize}`, `${iced.nearBranch16} 16`];
  }
  if (theirs === OpKind.NearBranch32) {
    const same = ours.operandSize === 32 && target >>> 0 === iced.nearBranch32;
    return same
      ? undefined
      : ['branch', `${target} ${ours.operandSize}`, `${iced.nearBranch32} 32`];
  }
  if (theirs !== OpKind.NearBranch64) return ['branch', `${target}`, OpKind[theirs] ?? ''];
  const same = ours.operandSize === 64 && BigInt.asUintN(64, BigInt(target)) === iced.nearBranch64;
  return same ? undefined : ['branch', `${target} ${ours.operandSize}`, `${iced.nearBranch64} 64`];
}

function compareImmediate(
  ours: Instruction,
  kind: number,
  iced: IcedInstruction,
  theirs: number,
): Mismatch {
  const { immediate } = ours;
  const pair = (left: number, right: number): Mismatch =>
    left === right ? undefined : ['immediate', `${left}`, `${right} ${OpKind[theirs]}`];
  if (kind === OperandKind.immediate2) return pair(ours.immediate2, iced.immediate8_2nd);
  if (kind === OperandKind.one) return pair(1, theirs === OpKind.Immediate8 ? iced.immediate8 : -1);
  if (kind === OperandKind.farPointer) {
    const offset = theirs === OpKind.FarBranch16 ? iced.farBranch16 : iced.farBranch32;
    return pair(immediate >>> 0, offset) ?? pair(ours.immediate2, iced.farBranchSelector);
  }
  switch (theirs) {
    case OpKind.Immediate8:
      return pair(immediate, iced.immediate8);
    case OpKind.Immediate16:
      return pair(immediate & 0xffff, iced.immediate16);
    case OpKind.Immediate32:
      return pair(immediate >>> 0, iced.immediate32);
    case OpKind.Immediate8to16:
      return pair((immediate << 16) >> 16, iced.immediate8to16);
    case OpKind.Immediate8to32:
      return pair(immediate, iced.immediate8to32);
    case OpKind.Immediate8to64:
      return pair(immediate, Number(iced.immediate8to64));
    case OpKind.Immediate32to64:
      return pair(immediate, Number(iced.immediate32to64));
    case OpKind.Immediate64: {
      const value = (BigInt(ours.immediateHigh) << 32n) | BigInt(immediate >>> 0);
      const same = BigInt.asUintN(64, value) === iced.immediate64;
      return same ? undefined : ['immediate', `${value}`, `${iced.immediate64}`];
    }
    default:
      return ['immediate', 'immediate', OpKind[theirs] ?? ''];
  }
}
