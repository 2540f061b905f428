/**
 * Slow accesses of regions: the slow path of `access.ts`, with all that a region needs to know of
 * what came of it in one number, so that little code is needed where they are called from.
 *
 * The budget behind the instruction comes as the last argument. It is stored for whoever looks at
 * the time, unless an earlier access of the same instruction has made the host change it. What was
 * loaded is left in `CpuState.transfer`.
 */
import { CpuState } from '@ringfence/memory';
import type { ValueType } from '@ringfence/wasm';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { accessFunctions } from './access.ts';
import type { RuntimeFunction } from './runtime-function.ts';

/** What slow accesses of an instruction came to, in `CpuState.accessStatus`. */
export const AccessStatus = {
  none: 0,
  /** The region should return after the instruction: the host wants control, or code changed. */
  stop: 1,
  fault: 2,
} as const;

/** Name of the region's version of a slow-path function. */
export function regionAccess(name: string): string {
  return `region:${name}`;
}

function regionVersion(access: RuntimeFunction): RuntimeFunction {
  const parameters: readonly ValueType[] = [...access.parameters, 'i32'];
  return {
    name: regionAccess(access.name),
    parameters,
    results: ['i32'],
    build: (b, ...values) => {
      const budget = values[values.length - 1];
      if (budget === undefined) return;
      const before = b.load('i32.load', CpuState.accessStatus);
      b.if(b.eqz(before), () => b.store('i32.store', CpuState.budget, budget));
      perform(b, access, values.slice(0, -1));
      b.if(b.geS(b.load('i32.load', CpuState.faultVector), 0), () => {
        b.return(b.i32(AccessStatus.fault));
      });
      const spent = b.eqz(b.load('i32.load', CpuState.budget));
      const changed = b.load('i32.load', CpuState.regionsDropped);
      const stops = b.ne(b.or(b.or(spent, changed), b.load('i32.load', CpuState.accessStatus)), 0);
      b.store('i32.store', CpuState.accessStatus, stops);
      b.return(stops);
    },
  };
}

function perform(b: IrBuilder, access: RuntimeFunction, args: Value[]): void {
  const [type] = access.results;
  if (type === undefined) {
    b.call(access.name, 'void', ...args);
    return;
  }
  const result = b.call(access.name, type, ...args);
  b.store(type === 'i64' ? 'i64.store' : 'i32.store', CpuState.transfer, result);
}

/** The region's versions of all slow-path functions. */
export const regionAccessFunctions: readonly RuntimeFunction[] = accessFunctions.map(regionVersion);
