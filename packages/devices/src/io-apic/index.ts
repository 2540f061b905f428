export { IoApic, type IoApicOptions } from './device.ts';
export { ioApicAddress, ioApicOffset, ioApicPins, ioApicRegister } from './registers.ts';
