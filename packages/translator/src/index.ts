export * from './ir/builder.ts';
export * from './ir/value.ts';
export * from './semantics/callout-numbers.ts';
export * from './semantics/variant.ts';
export * from './interpreter/handler-target.ts';
export * from './interpreter/hot-variants.ts';
export * from './interpreter/interpreter.ts';
export * from './interpreter/record.ts';
