/**
 * What the decoder needs to know of each form, flattened from the rows to typed arrays.
 *
 * Operand arrays are indexed by `form * 4 + position`; those that depend on the operand size by
 * `(form * 4 + position) * 4 + (operandSize >> 5)`, sizes 16, 32, 64 being 0, 1, 2.
 */
import { FORMS, operandBytes } from '@ringfence/isa';
import type { Form, OperandSpec } from '@ringfence/isa';
import { kindOf, sourceOf } from './operand-sources.ts';

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
} as const;

const SIZES = [16, 32, 64] as const;

/** {@link FormFlag} bits of each form. */
export const FORM_FLAGS: Uint8Array = Uint8Array.from(FORMS, formFlags);

/** Number of operands of each form. */
export const OPERAND_COUNT: Uint8Array = Uint8Array.from(FORMS, (form) => form.operands.length);

/** {@link Source} of each operand. */
export const OPERAND_SOURCE: Uint8Array = perOperand(sourceOf);

/** Register that the row names, for `Source.fixed`. */
export const OPERAND_FIXED: Uint8Array = perOperand((spec) => Math.max(spec.register, 0));

/** Kind of the operand when it is no memory, by operand size. */
export const OPERAND_KIND: Uint16Array = perSize(kindOf);

/** Bytes of the operand when it is no memory, by operand size. */
export const REGISTER_BYTES: Uint16Array = perSize((spec, size) => operandBytes(spec.size, size));

/** Bytes of the operand in memory, by operand size. */
export const MEMORY_BYTES: Uint16Array = perSize((spec, size) =>
  operandBytes(spec.memorySize, size),
);

function formFlags(form: Form): number {
  return (
    (form.hasModrm ? FormFlag.modrm : 0) |
    (form.mod === 'ignored' ? FormFlag.modIgnored : 0) |
    (form.prefix === '66' ? FormFlag.mandatory66 : 0) |
    (form.longSize === 'd64' ? FormFlag.d64 : 0) |
    (form.longSize === 'f64' ? FormFlag.f64 : 0) |
    (form.lockable ? FormFlag.lockable : 0)
  );
}

function perOperand(
  value: (spec: OperandSpec, form: Form, position: number) => number,
): Uint8Array {
  const table = new Uint8Array(FORMS.length * 4);
  for (const form of FORMS) {
    form.operands.forEach((spec, position) => {
      table[form.index * 4 + position] = value(spec, form, position);
    });
  }
  return table;
}

function perSize(value: (spec: OperandSpec, size: 16 | 32 | 64) => number): Uint16Array {
  const table = new Uint16Array(FORMS.length * 16);
  for (const form of FORMS) {
    form.operands.forEach((spec, position) => {
      SIZES.forEach((size, column) => {
        table[(form.index * 4 + position) * 4 + column] = value(spec, size);
      });
    });
  }
  return table;
}
