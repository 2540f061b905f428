/** What went wrong, for programs; the message of {@link AssemblerError} is for people. */
export type AssemblerErrorCode =
  /** No row of the tables has this mnemonic. */
  | 'unknown-mnemonic'
  /** The mnemonic exists, but not with these operands in this mode. */
  | 'no-matching-form'
  /** A memory operand needs `byte`, `word`, `dword` ... because several sizes are possible. */
  | 'ambiguous-size'
  /** An immediate, displacement or branch distance does not fit. */
  | 'value-out-of-range'
  | 'unknown-label'
  | 'duplicate-label'
  /** An operand that no instruction can have: a scale of 3, ESP as index, AH with REX. */
  | 'bad-operand'
  /** A prefix that is unknown or that the instruction does not take. */
  | 'bad-prefix'
  /** Text that is not in the syntax of `assembleText`. */
  | 'syntax';

/** The one error class of this package: what was expected, what was found, and where. */
export class AssemblerError extends Error {
  readonly code: AssemblerErrorCode;
  /** The instruction, label or text that is wrong. */
  readonly what: string;
  /** Where it is: `statement 12`, `line 3`; empty until it is known. */
  readonly where: string;
  /** The message without `what` and `where`. */
  readonly reason: string;

  constructor(code: AssemblerErrorCode, what: string, reason: string, where = '') {
    super(`assembler: ${reason}: ${what}${where === '' ? '' : ` (${where})`}`);
    this.name = 'AssemblerError';
    this.code = code;
    this.what = what;
    this.where = where;
    this.reason = reason;
  }

  /** The same error with a place, for a caller that knows more. */
  at(where: string): AssemblerError {
    return new AssemblerError(this.code, this.what, this.reason, where);
  }
}
