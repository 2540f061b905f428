export { FaultCombination, combineFaults } from './double-fault.ts';
export * from './descriptor.ts';
export * from './fault.ts';
export * from './interfaces.ts';
export * from './segmentation.ts';
