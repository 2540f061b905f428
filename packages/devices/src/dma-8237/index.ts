export { Dma8237Pair } from './device.ts';
export type { Dma8237PairOptions, DmaChannel, DmaMove } from './device.ts';
export { dmaPort } from './registers.ts';
