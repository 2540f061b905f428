export * from './case-kernel.ts';
export * from './case-layout.ts';
export * from './cases.ts';
export { differences, recordsOf } from './compare-cases.ts';
export * from './executors.ts';
export * from './lab.ts';
export { programs, type LabProgram } from './programs/index.ts';
