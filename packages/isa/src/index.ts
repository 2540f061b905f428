export { CONDITION_FLAGS, CONDITION_NAMES, Flag } from './flags.ts';
export { Access, Location } from './form.ts';
export type {
  FlagEffects,
  Flow,
  Form,
  InstructionClass,
  MandatoryPrefix,
  OperandSpec,
  SizeCode,
} from './form.ts';
export { FORMS, FORMS_BY_MNEMONIC } from './forms.ts';
export { operandBytes } from './operand-size.ts';
export { TableError } from './parse-row.ts';
