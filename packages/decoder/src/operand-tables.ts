/** What the decoder needs to know of each form, flattened from the rows to typed arrays. */
import { FORMS, Location, operandBytes } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { Source, kindOf, sourceOf } from './operand-sources.ts';

/** Bits of {@link FORM_FLAGS}. */
export const FormFlag = {
  modrm: 1,
  /** ModRM.mod does not select memory. */
  modIgnored: 2,
  /** 66 belongs to the opcode and does not change the operand size. */
  mandatory66: 4,
  d64: 8,
  f64: 16,
  lockable: 32,
  /** VEX, with no operand in vvvv, which must be 1111b. */
  vexUnused: 64,
  /** The index register of the memory operand is a vector register. */
  vectorIndex: 128,
} as const;

const SIZES = [16, 32, 64] as const;

/** {@link FormFlag} bits of each form. */
export const FORM_FLAGS: Uint8Array = Uint8Array.from(FORMS, formFlags);

/** Bytes of the vector register that is the index of a form's memory operand, or 0. */
export const VECTOR_INDEX_BYTES: Uint8Array = Uint8Array.from(FORMS, ({ operands }) => {
  const operand = operands.find(({ location }) => location === Location.vectorMemory);
  return operand === undefined ? 0 : operandBytes(operand.size, 32);
});

/** Number of operands of each form. */
export const OPERAND_COUNT: Uint8Array = Uint8Array.from(FORMS, (form) => form.operands.length);

/**
 * All of one operand at one operand size in a word, indexed by
 * `(form * 4 + position) * 4 + (operandSize >> 5)`.
 *
 * | bits | 29..20                                   | 19..10                   | 9..5 | 4..0     |
 * | ---- | ---------------------------------------- | ------------------------ | ---- | -------- |
 * |      | bytes in memory, or register it is fixed | bytes when not in memory | kind | `Source` |
 */
export const OPERAND_WORDS: Int32Array = buildWords();

function formFlags(form: Form): number {
  return (
    (form.hasModrm ? FormFlag.modrm : 0) |
    (form.mod === 'ignored' ? FormFlag.modIgnored : 0) |
    (form.prefix === '66' ? FormFlag.mandatory66 : 0) |
    (form.longSize === 'd64' ? FormFlag.d64 : 0) |
    (form.longSize === 'f64' ? FormFlag.f64 : 0) |
    (form.lockable ? FormFlag.lockable : 0) |
    (hasUnusedField(form) ? FormFlag.vexUnused : 0) |
    (has(form, Location.vectorMemory) ? FormFlag.vectorIndex : 0)
  );
}

function hasUnusedField(form: Form): boolean {
  return form.vex !== '' && !has(form, Location.vexGpr) && !has(form, Location.vexXmm);
}

function has({ operands }: Form, wanted: number): boolean {
  return operands.some(({ location }) => location === wanted);
}

function buildWords(): Int32Array {
  const words = new Int32Array(FORMS.length * 16);
  for (const form of FORMS) {
    form.operands.forEach((spec, position) => {
      const source = sourceOf(spec, form, position);
      SIZES.forEach((size, column) => {
        const isVector = spec.location === Location.vectorMemory;
        const own = operandBytes(isVector ? spec.memorySize : spec.size, size);
        const high = source === Source.fixed ? spec.register : operandBytes(spec.memorySize, size);
        words[(form.index * 4 + position) * 4 + column] =
          (Math.max(high, 0) << 20) | (own << 10) | (kindOf(spec, size) << 5) | source;
      });
    });
  }
  return words;
}
