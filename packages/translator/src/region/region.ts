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
import type { Value } from '../ir/value.ts';
import { RuntimeImports } from '../runtime/runtime-imports.ts';
import type { Variant } from '../semantics/variant.ts';
import { budgetChecks } from './budget-checks.ts';
import type { RegionSource } from './discover.ts';
import { type RegionBlock, sizeOf } from './layout.ts';
import { PromotedRegisters } from './promoted-registers.ts';
import { RegionFrame } from './region-frame.ts';
import { regionIr } from './region-ir.ts';
import { RegionTarget } from './region-target.ts';
import { Structurer } from './structure.ts';
import { tailCall } from './transfer.ts';

/**
 * Instructions up to which flags are in locals. In larger regions they are hardly ever read, but
 * would have to be somewhere at each of many places where ways join, and take the registers of
 * others: there the CPU state has them.
 */
const fewInstructions = 24;

/** A way into a region from the interpreter. */
export interface RegionEntry {
  /** Number of the block that begins here. */
  readonly block: number;
  /** Its offset in the page. */
  readonly offset: number;
  /** Slot of a handler of the block's first instruction alone, for when the budget is short. */
  readonly fallback: number;
}

const handlerSignature = { parameters: ['i32'], results: ['i32'] } as const;
const regionSignature = { parameters: ['i32', 'i32'], results: ['i32'] } as const;

/**
 * The module of a region: the same bytes wherever its pages lie in memory and whatever slots its
 * entries get, so that an engine's code for them serves again.
 */
export interface RegionModule {
  /** It exports its entries under their numbers, and is linked with others (`linkModules`). */
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** It imports from `page` globals with the addresses of these pages' code-page blocks. */
  readonly pages: readonly number[];
}

/** Makes the module of a region. `handler`: number of the handler function of an instruction. */
export function buildRegion(
  source: RegionSource,
  blocks: readonly RegionBlock[],
  entries: readonly RegionEntry[],
  handler: (variant: Variant) => number,
): RegionModule {
  const imports = new RuntimeImports();
  const successors = blocks.map(successorsOf);
  const numbered = new Set([...entries.map(({ block }) => block), ...behind(blocks, isHosted)]);
  const entered = new Set([...numbered, ...behind(blocks, isCall)]);
  const checks = budgetChecks(blocks, successors, entered);
  const plan = { source, blocks, successors, numbered, entered, checks, handler };
  const body = buildBody(plan, imports);
  const functions = { region: -1, ...entryFunctions(imports.index) };
  const module = imports.beginModule();
  module.hint('optimized');
  functions.region = module.declare(regionSignature);
  module.define(functions.region, body);
  entries.forEach((entry, number) => {
    const declared = module.declare(handlerSignature);
    const cost = checks[entry.block] ?? 1;
    module.define(declared, buildEntry(entry, cost, functions));
    module.export(String(number), declared);
  });
  return { wasm: module.build(), pages: imports.pages };
}

/** Numbers of what entries call. */
interface EntryFunctions {
  readonly region: number;
  readonly runHandler: number;
  readonly settleFlags: number;
}

function entryFunctions(functions: (name: string) => number): Omit<EntryFunctions, 'region'> {
  return { runHandler: functions('runHandler'), settleFlags: functions('settleFlags') };
}

/**
 * Calls the region, unless the budget does not reach to its next check, or misaligned accesses
 * fault: then the first instruction runs alone, or nothing if nothing is left. Instructions of
 * regions are counted there, not by who calls.
 */
function buildEntry(entry: RegionEntry, cost: number, functions: EntryFunctions): FunctionBody {
  const record = 0;
  const body = new FunctionBody(['i32'], 'relocatable');
  const budget = body.local('i32');
  body.i32(0);
  body.memory('i32.load', CpuState.budget);
  body.tee(budget);
  body.i32(cost);
  body.op('i32.lt_s');
  body.i32(0);
  body.memory('i32.load', CpuState.alignmentCheck);
  body.op('i32.or');
  const isShort = body.if();
  body.call(functions.settleFlags);
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
  body.call(functions.runHandler);
  body.return();
  body.end(isShort);
  body.get(record);
  body.i32(entry.block);
  tailCall(body, functions.region);
  return body;
}

/** What a region function is built from. */
interface RegionPlan {
  readonly source: RegionSource;
  readonly blocks: readonly RegionBlock[];
  readonly successors: readonly (readonly number[])[];
  /** Blocks that are reached by number: entries, and what is behind what handlers do. */
  readonly numbered: ReadonlySet<number>;
  /** These, and what is behind calls of other regions: flags and budget are what others left. */
  readonly entered: ReadonlySet<number>;
  /** What the budget must reach over where a block begins, 0 for no check. */
  readonly checks: readonly number[];
  readonly handler: (variant: Variant) => number;
}

function buildBody(plan: RegionPlan, imports: RuntimeImports): FunctionBody {
  const functions = imports.index;
  const { source, blocks, successors, numbered, entered, checks, handler } = plan;
  const body = new FunctionBody(['i32', 'i32'], 'relocatable');
  const pending = 1;
  const registers = new PromotedRegisters(body, sizeOf(blocks) <= fewInstructions);
  const { blocks: code, wantsFlagWords } = regionIr(blocks, successors, registers);
  for (const ir of code) registers.note(ir);
  const wantsAtEntry = [...entered].some((number) => wantsFlagWords.has(number));
  const frame = new RegionFrame(body, registers, functions, wantsAtEntry);
  const target = new RegionTarget(frame, functions, {
    blocks,
    page: (index) => (source.page(index) === undefined ? undefined : imports.page(index)),
    goto: (number) => {
      structurer.goto(number);
    },
    handler,
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

/** The blocks behind some. */
function behind(
  blocks: readonly RegionBlock[],
  which: (block: RegionBlock) => boolean,
): readonly number[] {
  return blocks.filter((block) => which(block) && block.behind >= 0).map((block) => block.behind);
}

/** Whether a block ends in an instruction that its handler does. */
function isHosted({ flow }: RegionBlock): boolean {
  return flow === 'hosted';
}

/** Whether a block ends in a call of another region. */
function isCall({ flow, jump }: RegionBlock): boolean {
  return flow === 'call' && jump < 0;
}

function successorsOf({ behind, jump, choices, backs }: RegionBlock): number[] {
  return [behind, jump, ...choices, ...backs].filter((number) => number >= 0);
}

function emitBlock(
  block: RegionBlock,
  ir: readonly Value[],
  target: RegionTarget,
  check: number,
): void {
  target.beginBlock(block, check);
  new Emitter(target, ir).emit(ir);
  if (block.flow === 'hosted') target.host(block);
  else if (block.flow === 'next' || block.flow === 'branch') target.fallThrough(block);
  else target.body.unreachable();
  target.body.releaseLocals();
}
