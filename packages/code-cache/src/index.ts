export * from './code-block.ts';
export * from './statistics.ts';
export * from './interfaces.ts';
export * from './code-cache.ts';
