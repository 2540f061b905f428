export * from './byte-reader.ts';
export * from './byte-writer.ts';
export * from './function-body.ts';
export * from './link-modules.ts';
export * from './module-builder.ts';
export * from './opcodes.ts';
export * from './value-type.ts';
