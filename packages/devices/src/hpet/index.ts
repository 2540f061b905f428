export { Hpet, type HpetOptions } from './device.ts';
export { hpetAddress, hpetHertz, hpetInputs, hpetOffset } from './registers.ts';
