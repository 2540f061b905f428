export * from './fault.ts';
export * from './interfaces.ts';
