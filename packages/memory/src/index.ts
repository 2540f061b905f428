export * from './jump-cache.ts';
export * from './layout.ts';
export * from './cpu-state.ts';
export * from './eflags.ts';
export * from './memory-error.ts';
export * from './machine-memory.ts';
export * from './trace-table.ts';
export { maxMmioRegions, type MmioHandler, type MmioSize } from './mmio-regions.ts';
export * from './physical-memory.ts';
