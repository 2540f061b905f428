import { Location } from '@ringfence/isa';
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { Callout } from '../semantics/callout-numbers.ts';
import { interpreterIr } from '../interpreter/handlers.ts';
import type { Variant } from '../semantics/variant.ts';
import { isPromoted } from './promoted-registers.ts';
import { keepsRegisters } from '../runtime/register-use.ts';
import { unpackVariant } from '../semantics/variant.ts';

/** How an instruction fits into a region. */
export const Suitability = {
  /** Its registers are in locals. */
  full: 0,
  /** It calls functions that use the registers: they are written back around it. */
  spilled: 1,
  /** The same, and it reads or sets flags. */
  spilledWithFlags: 2,
  /** Its handler function does it, called from the region: callouts, repeated strings. */
  hosted: 3,
  /** It is not in regions: what it does has to be looked at by the loop. */
  unsuitable: 4,
} as const;

/** Ends of a handler that a region has none of. */
const hostedOps: ReadonlySet<string> = new Set(['repeat', 'next']);

/** Callouts behind which the guest goes on in the same code, as it is mapped. */
const passingCallouts: ReadonlySet<number> = new Set([
  Callout.loadSegment,
  Callout.portIn,
  Callout.portOut,
  Callout.portCheck,
  Callout.cpuid,
  Callout.readTsc,
  Callout.readMsr,
  Callout.readControl,
  Callout.storeDescriptorTable,
  Callout.storeSystem,
  Callout.inspectSelector,
  Callout.interruptFlag,
  Callout.pushFlags,
  Callout.popFlags,
  Callout.random,
]);

/** The suitability of variants, remembered: reading one off its IR costs more than decoding. */
export class Suitabilities {
  readonly #known = new Map<Variant, number>();

  /** One of `Suitability`. */
  of(variant: Variant): number {
    const known = this.#known.get(variant);
    if (known !== undefined) return known;
    const fresh = classify(variant);
    this.#known.set(variant, fresh);
    return fresh;
  }
}

function classify(variant: Variant): number {
  const { form, operandSize } = unpackVariant(variant);
  // A 16-bit transfer truncates EIP; rare enough to leave to the interpreter.
  if (operandSize === 16 && form.flow !== 'next') return Suitability.unsuitable;
  // Gathers keep what they have loaded when a later element faults.
  const gathers = form.operands.some(({ location }) => location === Location.vectorMemory);
  if (gathers) return Suitability.hosted;
  const ir = interpreterIr(variant);
  const suitability = Math.max(...suitabilities(ir), Suitability.full);
  if (suitability !== Suitability.spilled || !touchesFlags(ir)) return suitability;
  return Suitability.spilledWithFlags;
}

function touchesFlags(list: readonly Value[]): boolean {
  return list.some((value) => {
    const isState = value.op === 'load' || value.op === 'store';
    return (isState && flagWords.has(value.imm)) || (value.blocks ?? []).some(touchesFlags);
  });
}

const flagWords: ReadonlySet<number> = new Set([CpuState.flagsResult, CpuState.flagsCarries]);

/** Whether an operation reaches what regions keep in locals otherwise than by its address. */
function usesRegisters({ op, name, imm, args }: Value): boolean {
  if (op === 'call') return !keepsRegisters(name);
  return (
    isPromoted(imm) && ((op === 'load' && args.length > 0) || (op === 'store' && args.length > 1))
  );
}

function* suitabilities(list: readonly Value[]): Generator<number> {
  for (const value of list) {
    if (hostedOps.has(value.op)) yield Suitability.hosted;
    else if (value.op === 'callout') {
      yield passingCallouts.has(value.imm) ? Suitability.hosted : Suitability.unsuitable;
    } else if (usesRegisters(value)) yield Suitability.spilled;
    for (const block of value.blocks ?? []) yield* suitabilities(block);
  }
}
