/** Why a guest could not be had. */
export type GuestErrorCode =
  'no-apt' | 'no-dpkg' | 'no-grub' | 'no-package' | 'download' | 'contents';

/**
 * An operating error while fetching a guest: the message is one line, `details` the tools' own
 * words.
 */
export class GuestError extends Error {
  readonly code: GuestErrorCode;
  readonly details: string;

  constructor(code: GuestErrorCode, message: string, details = '') {
    super(message);
    this.name = 'GuestError';
    this.code = code;
    this.details = details;
  }
}
