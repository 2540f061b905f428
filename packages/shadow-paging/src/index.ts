export * from './paging-bits.ts';
export * from './page-walker.ts';
export * from './statistics.ts';
export * from './shadow-paging.ts';
