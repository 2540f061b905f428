export { VirtioEntropy, type VirtioEntropyOptions } from './device.ts';
