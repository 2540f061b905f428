export { PcTestDevice, type PcTestDeviceOptions } from './device.ts';
export { testMemoryAddress, testMemoryBytes } from './registers.ts';
