import { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { InstructionContext } from '../semantics/context.ts';
import { SEMANTICS } from '../semantics/index.ts';
import type { Variant } from '../semantics/variant.ts';
import { unpackVariant } from '../semantics/variant.ts';
import { CaseRegisters } from './case-registers.ts';
import { CaseSource } from './case-source.ts';
import { fixedRegistersOf } from './instruction-effects.ts';
import { RecordSource } from './record-source.ts';

/** An instruction of a case: its variant and its general registers (`packRegisters`). */
export interface CaseInstruction {
  readonly variant: Variant;
  readonly registers: number;
}

/** One case of the interpreter loop: what it does for the instructions of how many records. */
export interface HotCase {
  /**
   * Instructions that follow each other, in records that follow each other. Of several, the
   * registers are an example: the case is for all in which the same ones are the same.
   */
  readonly instructions: readonly CaseInstruction[];
  /**
   * Whether it leaves the flags as they are, for where the instructions behind it set all of them
   * before anything can see them.
   */
  readonly withoutFlags: boolean;
}

/** The most instructions of a case. */
export const maximumCaseLength = 8;

/** The most instructions behind a case until the flags are set that it does not. */
export const maximumFlagDistance = 4;

/** IR of a variant in a handler of its own. */
export function variantIr(variant: Variant): Value[] {
  const b = new IrBuilder();
  build(b, variant, (simple) => new RecordSource(b, simple));
  return b.body;
}

/** IR of a case of the loop. */
export function caseIr({ instructions, withoutFlags }: HotCase): Value[] {
  const b = new IrBuilder(undefined, true);
  if (instructions.length > 1 && b.deferred !== undefined) {
    const fixed = instructions.flatMap(({ variant }) => fixedRegistersOf(variantIr(variant)));
    b.deferred.registers = new CaseRegisters(b, instructions, new Set(fixed));
  }
  instructions.forEach(({ variant, registers }, position) => {
    if (position > 0) b.mark(position);
    build(b, variant, (simple) =>
      instructions.length > 1
        ? new CaseSource(b, registers, position)
        : new RecordSource(b, simple),
    );
  });
  if (withoutFlags) b.deferred?.dropFlags();
  b.settle();
  return b.body;
}

function build(b: IrBuilder, variant: Variant, source: (simple: boolean) => RecordSource): void {
  const info = unpackVariant(variant);
  const semantics = SEMANTICS.get(info.form.operation);
  if (semantics === undefined) b.fault(6);
  else semantics(new InstructionContext(b, info, source(info.simple)));
}
