/** What went wrong in an operation of this package. */
export type MemoryErrorCode =
  'ram-size' | 'extra-size' | 'out-of-memory' | 'out-of-backing' | 'bad-range' | 'too-many-regions';

/**
 * An operating error of guest-physical memory: bad sizes or ranges, never something a guest does.
 */
export class MemoryError extends Error {
  override readonly name = 'MemoryError';
  /** What kind of error it is, for programs. */
  readonly code: MemoryErrorCode;

  constructor(code: MemoryErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
