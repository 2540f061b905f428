export { VirtioBlock, type VirtioBlockOptions } from './device.ts';
export { blockFeature, blockRequest, blockStatus, maximumRequestBytes } from './registers.ts';
