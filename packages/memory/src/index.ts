export * from './layout.ts';
export * from './cpu-state.ts';
export * from './eflags.ts';
