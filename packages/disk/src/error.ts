/** What kind of fault a disk, an image or the place that holds it has. */
export type DiskErrorCode =
  /** The image is damaged, or is none. */
  | 'bad-image'
  /** The image is sound, and asks for something that is not there. */
  | 'unsupported'
  /** A request reaches past the end of the disk. */
  | 'out-of-range'
  /** A write to something that can only be read. */
  | 'read-only'
  /** The place that holds the bytes failed. */
  | 'io'
  /** An option that cannot be. */
  | 'bad-option';

/** An operating error: the message says what was expected, what was found, and where. */
export class DiskError extends Error {
  /** What kind of fault it is. */
  readonly code: DiskErrorCode;

  /** Makes an error with a message of one line. */
  constructor(code: DiskErrorCode, message: string) {
    super(message);
    this.name = 'DiskError';
    this.code = code;
  }
}
