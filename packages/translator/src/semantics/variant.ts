import { FORMS, Location } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { CodeMode } from '@ringfence/memory';
import type { Instruction } from '@ringfence/decoder';
import { Prefix } from '@ringfence/decoder';

/**
 * Everything about an instruction that changes its handler and not merely the data in its record,
 * packed into one number (see `variantOf`):
 *
 *     bits  0..11  form index
 *          12..13  operand size: 0 = 16, 1 = 32, 2 = 64
 *          14..15  address size, likewise
 *          16      the ModRM operand is memory
 *          17      effective address without index register
 *          18      segment of the memory operand needs no base and limit
 *          19      stack and ES need no base and limit (CodeMode.flat)
 *          20..21  stack address size: 0 = 16, 1 = 32, 2 = 64
 *          22      REP/REPE,  23  REPNE
 *          24      shifts and rotates: the count is an immediate and, masked, not 0
 *          25      near branches: the target is checked against the limit of CS
 *
 * Bits that cannot matter for a form are zero, so that equal meanings share a handler.
 */
export type Variant = number;

const usesStack: ReadonlySet<string> = new Set(
  (
    'PUSH POP PUSHA PUSHAD POPA POPAD PUSHF PUSHFD PUSHFQ POPF POPFD POPFQ CALL RET RETF ENTER ' +
    'LEAVE INT INT1 INT3 INTO IRET IRETD IRETQ CALLF'
  ).split(' '),
);

const modrmMemory: ReadonlySet<number> = new Set([
  Location.rmGpr,
  Location.memory,
  Location.rmMm,
  Location.rmXmm,
  Location.vectorMemory,
]);

const implicitMemory: ReadonlySet<number> = new Set([
  Location.offset,
  Location.stringSource,
  Location.stringDestination,
  Location.implicitDi,
  Location.implicitBxAl,
]);

const addressSized: ReadonlySet<string> = new Set([
  'LOOP', 'LOOPE', 'LOOPNE', 'LOOPZ', 'LOOPNZ', 'JCXZ', 'MONITOR', 'CLZERO',
]); // prettier-ignore

interface FormTraits {
  readonly modrm: boolean;
  readonly implicit: boolean;
  readonly stack: boolean;
  readonly addressed: boolean;
  readonly repeats: boolean;
  /** A near branch. */
  readonly near: boolean;
  /** The operand that is the immediate count of a shift or rotate, or -1. */
  readonly count: number;
}

const shifts: ReadonlySet<string> = new Set('SHL SAL SHR SAR ROL ROR RCL RCR SHLD SHRD'.split(' '));

const nearBranches: ReadonlySet<string> = new Set(
  'JMP Jcc CALL RET LOOP LOOPE LOOPNE JCXZ'.split(' '),
);

const traits: (FormTraits | undefined)[] = [];

function traitsOf(form: Form): FormTraits {
  const known = traits[form.index];
  if (known !== undefined) return known;
  const made: FormTraits = {
    modrm: form.operands.some((operand) => modrmMemory.has(operand.location)),
    implicit: form.operands.some((operand) => implicitMemory.has(operand.location)),
    stack: usesStack.has(form.operation) || usesStack.has(form.mnemonic),
    addressed: addressSized.has(form.operation),
    repeats: form.repeat !== 'none',
    near: nearBranches.has(form.operation),
    count: shifts.has(form.operation)
      ? form.operands.findIndex((operand) => operand.location === Location.immediate)
      : -1,
  };
  traits[form.index] = made;
  return made;
}

const sizeCode = (bits: number): number => (bits >> 5) & 3;

/** ES, SS and DS: the others have bases, limits or rights that count in flat code too. */
function isAlwaysFlat(segment: number): boolean {
  return segment === 0 || segment === 2 || segment === 3;
}

/** The variant of a decoded instruction in a code mode. */
export function variantOf(instruction: Instruction, mode: number): Variant {
  const form = FORMS[instruction.form];
  if (form === undefined) throw new Error('translator: an undecoded instruction has no variant');
  const known = traitsOf(form);
  const flat = (mode & CodeMode.flat) !== 0;
  const memory = known.modrm && instruction.mod !== 3 && instruction.hasModrm !== 0;
  let variant = form.index | (sizeCode(instruction.operandSize) << 12);
  if (memory) {
    variant |= 1 << 16;
    if (instruction.index < 0 || instruction.vectorIndex !== 0) variant |= 1 << 17;
  }
  if (memory || known.implicit) {
    variant |= sizeCode(instruction.addressSize) << 14;
    if (flat && isAlwaysFlat(instruction.segment)) variant |= 1 << 18;
  }
  if (known.addressed) variant |= sizeCode(instruction.addressSize) << 14;
  if (known.stack || known.implicit) {
    if (flat) variant |= 1 << 19;
    if (known.stack) variant |= stackSizeCode(mode) << 20;
  }
  if (known.repeats) {
    if ((instruction.prefixes & Prefix.rep) !== 0) variant |= 1 << 22;
    else if ((instruction.prefixes & Prefix.repne) !== 0) variant |= 1 << 23;
  }
  // A 64-bit operand masks by 63 and may have a count of 32, which stays with the test.
  if (known.count >= 0 && (instruction.immediate & 31) !== 0) variant |= 1 << 24;
  if (known.near && !flat && (mode & CodeMode.code64) === 0) variant |= 1 << 25;
  return variant;
}

function stackSizeCode(mode: number): number {
  if ((mode & CodeMode.code64) !== 0) return 2;
  return (mode & CodeMode.stack32) !== 0 ? 1 : 0;
}

/** A variant unpacked. */
export interface VariantInfo {
  readonly variant: Variant;
  readonly form: Form;
  readonly operandSize: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  readonly stackSize: 16 | 32 | 64;
  /** The ModRM operand is memory. */
  readonly memory: boolean;
  /** The effective address has no index register. */
  readonly simple: boolean;
  /** The memory operand's segment needs no base and limit. */
  readonly flat: boolean;
  /** The stack's and ES's base and limit need not be looked at. */
  readonly flatStack: boolean;
  readonly rep: boolean;
  readonly repne: boolean;
  /** The count of a shift is known not to be 0. */
  readonly counted: boolean;
  /** The target of a near branch is checked against the limit of CS. */
  readonly limited: boolean;
}

const sizes = [16, 32, 64, 64] as const;

const unpacked = new Map<Variant, VariantInfo>();

/** Unpacks a variant. */
export function unpackVariant(variant: Variant): VariantInfo {
  let info = unpacked.get(variant);
  if (info === undefined) {
    info = unpack(variant);
    unpacked.set(variant, info);
  }
  return info;
}

function unpack(variant: Variant): VariantInfo {
  const form = FORMS[variant & 0xfff];
  if (form === undefined) throw new Error(`translator: variant ${variant} has no form`);
  const size = (shift: number): 16 | 32 | 64 => sizes[((variant >> shift) & 3) as 0 | 1 | 2 | 3];
  const bit = (at: number): boolean => ((variant >> at) & 1) !== 0;
  return {
    variant,
    form,
    operandSize: size(12),
    addressSize: size(14),
    stackSize: size(20),
    memory: bit(16),
    simple: bit(17),
    flat: bit(18),
    flatStack: bit(19),
    rep: bit(22),
    repne: bit(23),
    counted: bit(24),
    limited: bit(25),
  };
}

/** Traits of a variant of 32-bit code, for tables of variants. */
export interface VariantTraits {
  readonly form: Form;
  readonly operandSize: 16 | 32;
  /** The ModRM operand is memory. */
  readonly memory: boolean;
  /** The effective address has no index register. */
  readonly simple: boolean;
  /** There is an effective address, explicit or implied. */
  readonly addressed: boolean;
  readonly flat: boolean;
  readonly flatStack: boolean;
  /** The stack is used. */
  readonly stack: boolean;
  readonly counted: boolean;
}

/** Packs the variant of an instruction with 32-bit addresses and stack. */
export function packVariant(traits: VariantTraits): Variant {
  const bit = (on: boolean, at: number): number => (on ? 1 << at : 0);
  return (
    traits.form.index |
    (sizeCode(traits.operandSize) << 12) |
    bit(traits.addressed, 14) |
    bit(traits.memory, 16) |
    bit(traits.simple, 17) |
    bit(traits.flat, 18) |
    bit(traits.flatStack, 19) |
    bit(traits.stack, 20) |
    bit(traits.counted, 24)
  );
}
