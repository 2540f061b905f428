export { flagEffects } from './flag-effects.ts';
export {
  BASE_RIP,
  INVALID,
  INVALID_LOCK,
  Instruction,
  NEED_MORE,
  NO_FORM,
  OperandKind,
  Prefix,
  TOO_LONG,
} from './instruction.ts';
export { decodeInto, MAX_LENGTH } from './decode-into.ts';
