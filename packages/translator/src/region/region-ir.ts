/**
 * IR of the blocks of a region, with the flags that flow between them.
 *
 * A block ends with its flags left as what they come from (`LazyFlags`), which is little work, and
 * mostly nobody ever looks: the next block sets others. Where a block reads flags that it did not
 * set, the blocks before it are built once more, to end with flag words.
 */
import { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { InstructionContext } from '../semantics/context.ts';
import { SEMANTICS } from '../semantics/index.ts';
import { unpackVariant } from '../semantics/variant.ts';
import { groupAccesses } from './access-groups.ts';
import { ConstantSource } from './constant-source.ts';
import { removeDeadSets } from './dead-sets.ts';
import type { RegionInstruction } from './discover.ts';
import type { RegionBlock } from './layout.ts';
import type { PromotedRegisters } from './promoted-registers.ts';
import { Suitability } from './suitability.ts';

/** The IR of one block. */
interface BuiltBlock {
  readonly ir: Value[];
  /** Whether it reads flags that it did not set. */
  readonly readsFlags: boolean;
  /** Whether it sets all flags. */
  readonly setsFlags: boolean;
}

/** The IR of a region's blocks. */
export interface RegionIr {
  readonly blocks: readonly (readonly Value[])[];
  /** The blocks to which flags have to come as words. */
  readonly wantsFlagWords: ReadonlySet<number>;
}

/** IR of the blocks of a region; `successors` by number. */
export function regionIr(
  blocks: readonly RegionBlock[],
  successors: readonly (readonly number[])[],
  registers: PromotedRegisters,
): RegionIr {
  const built = blocks.map((block) => build(block, registers, true));
  const wants = new Set<number>();
  const endsInWords = new Set<number>();
  for (let isStable = false; !isStable;) {
    isStable = true;
    built.forEach((each, number) => {
      const passesOn = successors[number]?.some((next) => wants.has(next)) ?? false;
      if (!wants.has(number) && (each.readsFlags || (passesOn && !each.setsFlags))) {
        wants.add(number);
        isStable = false;
      }
      const block = blocks[number];
      if (!passesOn || endsInWords.has(number) || block === undefined) return;
      endsInWords.add(number);
      built[number] = build(block, registers, false);
      isStable = false;
    });
  }
  const finished = built.map(({ ir }, number) => finish(ir, blocks[number]));
  return { blocks: finished, wantsFlagWords: wants };
}

/** IR of a block, dead sets removed and accesses grouped, as if no other block read its flags. */
export function blockIr(block: RegionBlock, registers: PromotedRegisters): Value[] {
  return finish(rawBlockIr(block, registers), block);
}

/** IR of a block as its semantics build it. */
export function rawBlockIr(block: RegionBlock, registers: PromotedRegisters): Value[] {
  return build(block, registers, true).ir;
}

function finish(raw: Value[], block: RegionBlock | undefined): Value[] {
  const ir = removeDeadSets(raw);
  groupAccesses(ir, (number) => block?.instructions[number]?.isApart === true);
  return ir;
}

/** Builds a block; `endsLazily`: its flags may be left as what they come from. */
function build(block: RegionBlock, registers: PromotedRegisters, endsLazily: boolean): BuiltBlock {
  const b = new IrBuilder(registers, true);
  const last = block.instructions.length - 1;
  let setsFlags = false;
  block.instructions.forEach((found, index) => {
    b.mark(index);
    if (index === last) {
      // A transfer ends its block before its IR does. Others may read flags behind an access.
      b.leavesFlagsLazy = endsLazily && block.flow !== 'next';
      setsFlags ||= b.flagWords.hasSetAll;
    }
    if (found.suitability === Suitability.full) buildInstruction(b, found);
    else if (found.suitability === Suitability.hosted) setsFlags = true;
    else {
      const touchesFlags = found.suitability === Suitability.spilledWithFlags;
      b.unpromoted(() => buildInstruction(b, found), touchesFlags);
    }
    setsFlags ||= b.flagWords.hasSetAll;
  });
  b.leavesFlagsLazy = endsLazily;
  b.settle();
  return { ir: b.body, readsFlags: b.flagWords.isNeeded, setsFlags };
}

function buildInstruction(b: IrBuilder, found: RegionInstruction): void {
  const info = unpackVariant(found.variant);
  const source = new ConstantSource(b, found.instruction, found.offset, found.changing);
  const semantics = SEMANTICS.get(info.form.operation);
  if (semantics === undefined) b.fault(6);
  else semantics(new InstructionContext(b, info, source));
}
