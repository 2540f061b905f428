export * from './paging-bits.ts';
export * from './page-walker.ts';
export * from './statistics.ts';
export * from './shadow-paging.ts';
export { maxLeaves, maxSpaces } from './shadow-layout.ts';
export { retireAfterWrites } from './shadow-tables.ts';
