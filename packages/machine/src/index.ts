export * from './api.ts';
export * from './error.ts';
export * from './options/machine-options.ts';
export * from './options/parse.ts';
export * from './options/settings.ts';
export * from './options/table.ts';
