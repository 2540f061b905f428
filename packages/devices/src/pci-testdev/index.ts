export { PciTestDevice, type PciTestDeviceOptions } from './device.ts';
