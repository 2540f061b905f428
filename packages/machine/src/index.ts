export * from './api.ts';
export { builtInGuest } from './built-in-guest/program.ts';
export * from './error.ts';
export { createMachine } from './machine.ts';
export * from './options/machine-options.ts';
export * from './options/parse.ts';
export * from './options/settings.ts';
export * from './options/table.ts';
