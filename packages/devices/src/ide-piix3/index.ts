export { IdePiix3, type IdeDriveOptions, type IdePiix3Options } from './device.ts';
export { ataCommand, ideStatus } from './registers.ts';
