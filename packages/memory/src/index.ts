export * from './layout.ts';
export * from './cpu-state.ts';
export * from './eflags.ts';
export * from './memory-error.ts';
export * from './machine-memory.ts';
export * from './trace-table.ts';
export * from './physical-memory.ts';
