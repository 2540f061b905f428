/** What went wrong when a device was composed or restored; the guest can cause none of these. */
export type DeviceErrorCode = 'bad-state' | 'bad-configuration' | 'address-conflict';

/** An error of the host's making: a state that is none, or two devices in one place. */
export class DeviceError extends Error {
  /** What kind of mistake it was. */
  readonly code: DeviceErrorCode;

  /** Makes an error whose message says what was expected, what was found, and where. */
  constructor(code: DeviceErrorCode, message: string) {
    super(message);
    this.name = 'DeviceError';
    this.code = code;
  }
}
