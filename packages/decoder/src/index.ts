export { decode } from './decode.ts';
export type {
  DecodeFailure,
  DecodeOptions,
  DecodeResult,
  DecodedInstruction,
  DecodedMemory,
  DecodedOperand,
} from './decode.ts';
export { decodeInto, MAX_LENGTH } from './decode-into.ts';
export { flagEffects } from './flag-effects.ts';
export { formatAtt } from './format-att.ts';
export { formatIntel } from './format-intel.ts';
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
export { mnemonicOf, registerName } from './registers.ts';
