export { Port92, type Port92Options } from './device.ts';
export { fastA20, fastInit, port92Address } from './registers.ts';
