import type { ValueType } from '@ringfence/wasm';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';

/**
 * A WebAssembly function that semantics call by name (`b.call(name, ...)`): written in IR, compiled
 * once into the core module, imported by the modules of handlers and regions.
 */
export interface RuntimeFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  /** Builds the body; it ends in `b.return` on every path if there is a result. */
  readonly build: (b: IrBuilder, ...parameters: Value[]) => void;
}

/** Host functions that generated code imports, with their types. */
export const hostImports: readonly Omit<RuntimeFunction, 'build'>[] = [
  /** Record of the instruction at an EIP in the current code segment, or 0 and a fault. */
  { name: 'fetch', parameters: ['i32'], results: ['i32'] },
  /** The record, written anew, of a page-crossing instruction at the record given, or 0. */
  { name: 'cross', parameters: ['i32'], results: ['i32'] },
  /** Loads bytes (1, 2, 4, 8, 16) at a linear address; 8 and 16 into `CpuState.transfer`. */
  { name: 'readSlow', parameters: ['i32', 'i32'], results: ['i32'] },
  /**
   * Stores bytes (1, 2, 4) at a linear address; 8 and 16 from `CpuState.transfer` (value ignored).
   */
  { name: 'writeSlow', parameters: ['i32', 'i32', 'i32'], results: [] },
  /** Faults unless bytes at a linear address may be written. */
  { name: 'probeSlow', parameters: ['i32', 'i32'], results: [] },
  /**
   * Where the byte at a linear address is in linear memory, for reads (0) or writes (1) of a range
   * within its page; 0 where accesses must be made one by one. Records no fault.
   */
  { name: 'reachSlow', parameters: ['i32', 'i32'], results: ['i32'] },
  /** Bytes at a linear address, of a number, were written where `reachSlow` said. */
  { name: 'wroteSlow', parameters: ['i32', 'i32'], results: [] },
  /** Host function number with three arguments: 0 go on, 1 leave the loop, 2 jump to `target`. */
  { name: 'callout', parameters: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] },
];
