/**
 * Compiles a region: hot basic blocks of one page become one WebAssembly function with the
 * registers in locals and loops as loops.
 *
 * Hot while guest code is new. What a region may contain is in `suitability.ts`, how it is found in
 * `discover.ts`, how it gets its control flow in `structure.ts`.
 */
import { FunctionBody } from '@ringfence/wasm';
import { CpuState } from '@ringfence/memory';
import { Emitter } from '../backend/emit.ts';
import { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { RuntimeImports } from '../runtime/runtime-imports.ts';
import { InstructionContext } from '../semantics/context.ts';
import { SEMANTICS } from '../semantics/index.ts';
import { unpackVariant } from '../semantics/variant.ts';
import { groupAccesses } from './access-groups.ts';
import { budgetChecks } from './budget-checks.ts';
import { ConstantSource } from './constant-source.ts';
import { removeDeadSets } from './dead-sets.ts';
import type { RegionInstruction, RegionSource } from './discover.ts';
import type { RegionBlock } from './layout.ts';
import { PromotedRegisters } from './promoted-registers.ts';
import { RegionFrame } from './region-frame.ts';
import { RegionTarget } from './region-target.ts';
import { Structurer } from './structure.ts';
import { Suitability } from './suitability.ts';

/** A way into a region from the interpreter. */
export interface RegionEntry {
  /** Number of the block that begins here. */
  readonly block: number;
  /** Its offset in the page. */
  readonly offset: number;
  /** Slot of the handler table for the entry. */
  readonly slot: number;
  /** Slot of a handler of the block's first instruction alone, for when the budget is short. */
  readonly fallback: number;
}

const handlerSignature = { parameters: ['i32'], results: ['i32'] } as const;
const regionSignature = { parameters: ['i32', 'i32'], results: ['i32'] } as const;

/** The module of one region; it exports its entries under their slots. */
export function buildRegion(
  source: RegionSource,
  blocks: readonly RegionBlock[],
  entries: readonly RegionEntry[],
): Uint8Array<ArrayBuffer> {
  const imports = new RuntimeImports();
  const successors = blocks.map(successorsOf);
  const numbered = new Set([...entries.map(({ block }) => block), ...returnPoints(blocks)]);
  const checks = budgetChecks(blocks, successors, numbered);
  const plan = { source, blocks, successors, numbered, checks };
  const body = buildBody(plan, imports.index);
  const runHandler = imports.index('runHandler');
  const module = imports.beginModule();
  const region = module.declare(regionSignature);
  module.define(region, body);
  for (const entry of entries) {
    const declared = module.declare(handlerSignature);
    const cost = checks[entry.block] ?? 1;
    module.define(declared, buildEntry(entry, cost, region, runHandler));
    module.export(String(entry.slot), declared);
  }
  return module.build();
}

/**
 * Calls the region, unless the budget does not reach to its next check: then the first instruction
 * runs alone, or nothing if nothing is left. Instructions of regions are counted there,
 * not by who calls.
 */
function buildEntry(
  entry: RegionEntry,
  cost: number,
  region: number,
  runHandler: number,
): FunctionBody {
  const record = 0;
  const body = new FunctionBody(['i32']);
  const budget = body.local('i32');
  body.i32(0);
  body.memory('i32.load', CpuState.budget);
  body.tee(budget);
  body.i32(cost);
  body.op('i32.lt_s');
  const isShort = body.if();
  body.get(budget);
  body.op('i32.eqz');
  const isSpent = body.if();
  body.get(record);
  body.return();
  body.end(isSpent);
  body.i32(0);
  body.get(budget);
  body.i32(1);
  body.op('i32.sub');
  body.memory('i32.store', CpuState.budget);
  body.get(record);
  body.i32(entry.fallback);
  body.call(runHandler);
  body.return();
  body.end(isShort);
  body.get(record);
  body.i32(entry.block);
  body.call(region);
  return body;
}

/** What a region function is built from. */
interface RegionPlan {
  readonly source: RegionSource;
  readonly blocks: readonly RegionBlock[];
  readonly successors: readonly (readonly number[])[];
  /** Blocks that are reached by number: entries, and what is behind calls. */
  readonly numbered: ReadonlySet<number>;
  /** What the budget must reach over where a block begins, 0 for no check. */
  readonly checks: readonly number[];
}

function buildBody(plan: RegionPlan, functions: (name: string) => number): FunctionBody {
  const { source, blocks, successors, numbered, checks } = plan;
  const body = new FunctionBody(['i32', 'i32']);
  const pending = 1;
  const registers = new PromotedRegisters(body);
  const code = blocks.map((block) => blockIr(block, registers));
  for (const ir of code) registers.note(ir);
  const frame = new RegionFrame(body, registers, functions);
  const target = new RegionTarget(frame, functions, {
    blocks,
    page: (index) => source.page(index),
    goto: (number) => {
      structurer.goto(number);
    },
  });
  const structurer = new Structurer({
    body,
    pending,
    successors,
    entries: numbered,
    emitBlock: (index) => {
      const block = blocks[index];
      const ir = code[index];
      if (block !== undefined && ir !== undefined) emitBlock(block, ir, target, checks[index] ?? 0);
    },
  });
  frame.begin();
  body.keepLocals();
  structurer.emit();
  body.unreachable();
  frame.end();
  return body;
}

/** Blocks behind calls of other regions, which are gone to by number. */
function returnPoints(blocks: readonly RegionBlock[]): number[] {
  return blocks
    .filter(({ flow, jump, behind }) => flow === 'call' && jump < 0 && behind >= 0)
    .map(({ behind }) => behind);
}

function successorsOf(block: RegionBlock): number[] {
  return [block.behind, block.jump, block.back].filter((number) => number >= 0);
}

function emitBlock(
  block: RegionBlock,
  ir: readonly Value[],
  target: RegionTarget,
  check: number,
): void {
  target.beginBlock(block, check);
  new Emitter(target, ir).emit(ir);
  if (block.flow === 'next' || block.flow === 'branch') target.fallThrough(block);
  else target.body.unreachable();
  target.body.releaseLocals();
}

/** IR of a block, dead flags removed and accesses grouped. */
export function blockIr(block: RegionBlock, registers: PromotedRegisters): Value[] {
  const ir = removeDeadSets(rawBlockIr(block, registers));
  groupAccesses(ir);
  return ir;
}

/** IR of a block as its semantics build it. */
export function rawBlockIr(block: RegionBlock, registers: PromotedRegisters): Value[] {
  const b = new IrBuilder(registers);
  block.instructions.forEach((found, index) => {
    b.mark(index);
    if (found.suitability === Suitability.spilled) b.unpromoted(() => build(b, found));
    else build(b, found);
  });
  return b.body;
}

function build(b: IrBuilder, found: RegionInstruction): void {
  const info = unpackVariant(found.variant);
  const source = new ConstantSource(b, found.instruction, found.offset);
  const semantics = SEMANTICS.get(info.form.operation);
  if (semantics === undefined) b.fault(6);
  else semantics(new InstructionContext(b, info, source));
}
