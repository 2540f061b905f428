/** A WebAssembly number or vector type. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** Binary encodings of the value types (Core Specification 5.3.1). */
export const valueTypeCodes: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** Parameters and results of a function. */
export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}
