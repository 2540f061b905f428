export * from './executors.ts';
export * from './lab.ts';
