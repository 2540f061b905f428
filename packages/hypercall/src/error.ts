/**
 * What went wrong when an interface was composed or restored; the guest can cause none of these.
 */
export type HypercallErrorCode = 'bad-configuration' | 'bad-state' | 'unsupported';

/** An error of the host's making. */
export class HypercallError extends Error {
  /** What kind of mistake it was. */
  readonly code: HypercallErrorCode;

  /** Makes an error whose message says what was expected, what was found, and where. */
  constructor(code: HypercallErrorCode, message: string) {
    super(message);
    this.name = 'HypercallError';
    this.code = code;
  }
}
