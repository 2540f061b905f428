/** What kind of mistake a `MachineError` reports; the guest can cause none of them. */
export type MachineErrorCode =
  /** An option that is unknown, lacks its value, or has a value outside its range. */
  | 'bad-option'
  /** An image (kernel, initrd, module) that is damaged or of no format that is known. */
  | 'bad-image'
  /** An image or option that is understood and that this version cannot serve. */
  | 'unsupported'
  /** The guest's memory is too small for what has to be placed in it. */
  | 'too-little-memory'
  /** A snapshot that is foreign, damaged, or of another machine. */
  | 'bad-snapshot'
  /** A method was called in a state that does not allow it. */
  | 'bad-state'
  /** What was waited for did not come. */
  | 'not-seen';

/** The facts of an error: where it is, what was expected there and what was found. */
export interface MachineErrorFacts {
  /** The place: an option, or a file's role and the offset within it. */
  readonly where: string;
  /** What would have been right. */
  readonly expected: string;
  /** What there was instead. */
  readonly found: string;
}

/** The one error that this package throws: somebody asked for a machine that cannot be. */
export class MachineError extends Error {
  /** What kind of mistake it was. */
  readonly code: MachineErrorCode;
  /** The place: an option, or a file's role and the offset within it. */
  readonly where: string;
  /** What would have been right. */
  readonly expected: string;
  /** What there was instead. */
  readonly found: string;

  /** Makes an error whose message is `where: expected E, found F`. */
  constructor(code: MachineErrorCode, facts: MachineErrorFacts) {
    super(`${facts.where}: expected ${facts.expected}, found ${facts.found}`);
    this.name = 'MachineError';
    this.code = code;
    this.where = facts.where;
    this.expected = facts.expected;
    this.found = facts.found;
  }
}
