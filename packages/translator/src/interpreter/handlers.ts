import type { FunctionBody } from '@ringfence/wasm';
import { Emitter } from '../backend/emit.ts';
import { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { RuntimeImports } from '../runtime/runtime-imports.ts';
import type { Variant } from '../semantics/variant.ts';
import type { InstructionEffects } from './case-table.ts';
import { HandlerTarget } from './handler-target.ts';
import { type HotCase, variantIr } from './hot-case.ts';
import { fixedRegistersOf, flagEffectOf } from './instruction-effects.ts';
import { firstHotHandler } from './loop.ts';
import { SpecialHandler } from './record.ts';

/** The type of every function of the handler table. */
export const handlerSignature = { parameters: ['i32'], results: ['i32'] } as const;

/** Exceptions that stand for undecodable bytes, as pseudo-variants below all real ones. */
export const InvalidVariant = { undefinedOpcode: -1, tooLong: -2, crossing: -3 } as const;

/** Pseudo-variants of the special handlers, below those. */
const SpecialVariant = { stale: -4, goOn: -5 } as const;

/** A function of the handler table: what it does, and its place there. */
export interface Handler {
  readonly variant: Variant;
  readonly number: number;
}

/** The handlers that every machine has: the special ones, and one behind each case of the loop. */
export function firstHandlers(hot: readonly HotCase[]): Handler[] {
  return [
    { variant: SpecialVariant.stale, number: SpecialHandler.stale },
    { variant: SpecialVariant.goOn, number: SpecialHandler.continue },
    // The function behind a case does its first instruction.
    ...hot.map(({ instructions }, index) => ({
      variant: instructions[0]?.variant ?? InvalidVariant.undefinedOpcode,
      number: firstHotHandler + index,
    })),
  ];
}

/** A module that exports the functions of handlers under their numbers. */
export function buildHandlers(handlers: readonly Handler[]): Uint8Array<ArrayBuffer> {
  const imports = new RuntimeImports();
  const bodies = handlers.map(({ variant }) => buildHandler(variant, imports.index));
  const module = imports.beginModule();
  module.hint('lazy');
  bodies.forEach((body, index) => {
    const declared = module.declare(handlerSignature);
    module.define(declared, body);
    module.export(String(handlers[index]?.number ?? 0), declared);
  });
  return module.build();
}

/** IR of a variant for the interpreter. */
export function interpreterIr(variant: Variant): Value[] {
  if (variant >= 0) return variantIr(variant);
  const b = new IrBuilder();
  if (variant === InvalidVariant.tooLong) b.fault(13, 0);
  else b.fault(6);
  return b.body;
}

/** What an instruction is to those around it. */
export function effectsOf(variant: Variant): InstructionEffects {
  const ir = interpreterIr(variant);
  return { flags: flagEffectOf(ir), fixed: fixedRegistersOf(ir) };
}

function buildHandler(variant: Variant, functions: (name: string) => number): FunctionBody {
  const target = new HandlerTarget(functions);
  const special = specialHandlers[variant];
  if (special !== undefined) {
    special(target);
    return target.body;
  }
  const ir = interpreterIr(variant);
  new Emitter(target, ir).emit(ir);
  target.next();
  target.body.unreachable();
  return target.body;
}

const specialHandlers: Readonly<Record<number, (target: HandlerTarget) => void>> = {
  [InvalidVariant.crossing]: (target) => {
    target.crossing();
  },
  [SpecialVariant.stale]: (target) => {
    target.stale();
  },
  [SpecialVariant.goOn]: (target) => {
    target.goOn();
  },
};
