export { CmosRtc, type CmosRtcOptions } from './device.ts';
export { memorySizeBytes } from './memory-size.ts';
export { rtcPort, rtcRegister } from './registers.ts';
