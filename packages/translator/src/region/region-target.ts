import { CpuState, ExitReason } from '@ringfence/memory';
import type { FunctionBody, Label } from '@ringfence/wasm';
import type { EmitTarget } from '../backend/emit-target.ts';
import { HandlerResult } from '../interpreter/handler-target.ts';
import type { RegionBlock, RegionInstruction } from './discover.ts';
import { PromotedRegisters } from './promoted-registers.ts';

/** Where the blocks of a region are. */
export interface BlockPlaces {
  /** Whether the region has a block at an offset of the page. */
  has(offset: number): boolean;
  /** Branches to the block at an offset of the page, or leaves for it. */
  goto(offset: number): void;
}

/** Bits of `exit` below the number of instructions that did not retire. */
const refundShift = 13;

/**
 * A region as a function `(record, entry) -> HandlerResult`.
 *
 * Locals hold the registers, the budget, `eipBase` and the shadow directory. All ways out set
 * `exit` (offset of the next instruction | instructions of the block that did not retire << 13) and
 * end in one of three common places: leave with a fault, look up an offset, look up an EIP.
 */
export class RegionTarget implements EmitTarget {
  readonly body: FunctionBody;
  readonly registers: PromotedRegisters;
  readonly #functions: (name: string) => number;
  readonly #blocks: BlockPlaces;
  readonly #budget: number;
  /** What the budget was at the entry. */
  readonly #entryBudget: number;
  readonly #eipBase: number;
  readonly #directory: number;
  readonly #exit: number;
  readonly #eip: number;
  /** Nonzero once a slow access wants this function to return: code changed, events. */
  readonly #stop: number;
  /** What a callee returned. */
  readonly #result: number;
  readonly #dropCount: number;
  #block: RegionBlock | undefined;
  #index = 0;
  #faultExit: Label = { depth: -1 };
  #offsetExit: Label = { depth: -1 };
  #eipExit: Label = { depth: -1 };
  #chainExit: Label = { depth: -1 };
  #resultExit: Label = { depth: -1 };

  constructor(body: FunctionBody, functions: (name: string) => number, blocks: BlockPlaces) {
    this.body = body;
    this.#functions = functions;
    this.#blocks = blocks;
    this.registers = new PromotedRegisters(body);
    this.#budget = body.local('i32');
    this.#entryBudget = body.local('i32');
    this.#eipBase = body.local('i32');
    this.#directory = body.local('i32');
    this.#exit = body.local('i32');
    this.#eip = body.local('i32');
    this.#stop = body.local('i32');
    this.#result = body.local('i32');
    this.#dropCount = body.local('i32');
  }

  /** Loads the locals and opens the labels of the ways out. The dispatch had counted one. */
  begin(): void {
    const { body } = this;
    this.registers.reload();
    this.#load(CpuState.budget, this.#budget, 1);
    body.get(this.#budget);
    body.set(this.#entryBudget);
    this.#load(CpuState.eipBase, this.#eipBase);
    this.#load(CpuState.dirData, this.#directory);
    this.#resultExit = body.block();
    this.#eipExit = body.block();
    this.#chainExit = body.block();
    this.#offsetExit = body.block();
    this.#faultExit = body.block();
  }

  /** Closes the labels and writes the ways out. */
  end(): void {
    const { body } = this;
    body.end(this.#faultExit);
    this.registers.spill();
    this.#refund();
    this.#settle();
    body.i32(0);
    this.#pushExitEip();
    body.op('i64.extend_i32_u');
    body.memory('i64.store', CpuState.rip);
    this.#store(CpuState.exitReason, () => body.i32(ExitReason.faultAtRip));
    body.i32(HandlerResult.leave);
    body.return();
    body.end(this.#offsetExit);
    this.#refund();
    this.#pushExitEip();
    body.set(this.#eip);
    body.end(this.#chainExit);
    this.registers.spill();
    this.#settle();
    body.get(this.#eip);
    body.call(this.#functions('chain'));
    body.return();
    body.end(this.#eipExit);
    this.registers.spill();
    this.#settle();
    this.#store(CpuState.target, () => body.get(this.#eip));
    body.i32(HandlerResult.lookup);
    body.return();
    body.end(this.#resultExit);
    body.get(this.#result);
  }

  /** Takes the block's instructions from the budget, or leaves before it if they are too many. */
  beginBlock(block: RegionBlock): void {
    const { body } = this;
    this.#block = block;
    this.#index = 0;
    const count = block.instructions.length;
    body.get(this.#budget);
    body.i32(count);
    body.op('i32.sub');
    body.tee(this.#budget);
    body.i32(0);
    body.op('i32.lt_s');
    const short = body.if();
    this.#leaveAt(block.offset, count);
    body.end(short);
  }

  /** Leaves to an offset of the page, or of the next one. */
  leaveTo(offset: number): void {
    this.#leaveAt(offset, 0);
  }

  mark(index: number): void {
    const before = this.#instruction(index - 1);
    this.#index = index;
    // After an instruction that wrote memory: it may have changed what comes next.
    if (before === undefined || !this.#wrote) return;
    this.#wrote = false;
    const { body } = this;
    body.get(this.#stop);
    const stopped = body.if();
    this.#clearStop();
    this.#leaveAt(this.#instruction(index)?.offset ?? 0, this.#left(index));
    body.end(stopped);
  }

  /** Ends a block that falls through or was left by a branch: stops if a write asked for it. */
  #stopBefore(offset: number): void {
    if (!this.#wrote) return;
    const { body } = this;
    body.get(this.#stop);
    const stopped = body.if();
    this.#clearStop();
    this.#leaveAt(offset, 0);
    body.end(stopped);
  }

  #wrote = false;

  spill(): void {
    this.registers.spill();
  }

  reload(): void {
    this.registers.reload();
    this.#wrote = true;
  }

  parameter(): number {
    throw new Error('translator: a region has no record');
  }

  functionIndex(name: string): number {
    return this.#functions(name);
  }

  pushDirectory(): void {
    this.body.get(this.#directory);
  }

  beforeSlow(): void {
    const { body } = this;
    this.#wrote = true;
    this.#store(CpuState.budget, () => {
      body.get(this.#budget);
      body.i32(this.#left(this.#index + 1));
      body.op('i32.add');
    });
  }

  /** A budget that the host has cleared, and code that it has dropped, both end the region soon. */
  afterSlow(): void {
    const { body } = this;
    this.#forgive();
    body.get(this.#budget);
    body.op('i32.eqz');
    body.i32(0);
    body.memory('i32.load', CpuState.regionsDropped);
    body.op('i32.or');
    body.get(this.#stop);
    body.op('i32.or');
    body.set(this.#stop);
    body.get(this.#budget);
    body.i32(this.#left(this.#index + 1));
    body.op('i32.sub');
    body.set(this.#budget);
  }

  /** Reloads the budget; what the host took off counts as if it had never been given. */
  #forgive(): void {
    const { body } = this;
    body.get(this.#entryBudget);
    body.get(this.#budget);
    body.i32(this.#left(this.#index + 1));
    body.op('i32.add');
    body.op('i32.sub');
    body.i32(0);
    body.memory('i32.load', CpuState.budget);
    body.tee(this.#budget);
    body.op('i32.add');
    body.set(this.#entryBudget);
  }

  next(): void {
    throw new Error('translator: an instruction of a region cannot end early');
  }

  repeat(): void {
    throw new Error('translator: an instruction of a region cannot repeat');
  }

  jump(): void {
    const block = this.#block;
    const last = this.#instruction(this.#index);
    if (block === undefined || last === undefined) return;
    const { instruction, offset } = last;
    const target = offset + instruction.length + instruction.immediate;
    const calls = block.isCall && block.target !== block.end && this.#blocks.has(block.end);
    if (block.target >= 0 && !calls) {
      this.#stopBefore(block.target);
      this.#blocks.goto(block.target);
      return;
    }
    const { body } = this;
    body.get(this.#eipBase);
    body.i32(target);
    body.op('i32.add');
    this.jumpTo();
  }

  /** Goes on behind the block. */
  fallThrough(block: RegionBlock): void {
    this.#stopBefore(block.end);
    this.#blocks.goto(block.end);
  }

  jumpTo(): void {
    const { body } = this;
    const block = this.#block;
    body.set(this.#eip);
    if (this.#wrote) {
      body.get(this.#stop);
      const stopped = body.if();
      this.#clearStop();
      body.br(this.#eipExit);
      body.end(stopped);
    }
    // A return finds its caller waiting, or the loop.
    if (block?.isReturn === true) body.br(this.#eipExit);
    else if (block?.isCall === true && this.#blocks.has(block.end)) this.#call(block);
    else body.br(this.#chainExit);
  }

  /** Runs the region at the EIP, and what is behind the call if it returns to there. */
  #call(block: RegionBlock): void {
    const { body } = this;
    this.registers.spill();
    this.#settle();
    this.#load(CpuState.dropCount, this.#dropCount);
    body.get(this.#eip);
    body.call(this.#functions('enterCall'));
    body.tee(this.#result);
    body.i32(HandlerResult.lookup);
    body.op('i32.xor');
    body.i32(0);
    body.memory('i32.load', CpuState.target);
    body.get(this.#eipBase);
    body.i32(block.end);
    body.op('i32.add');
    body.op('i32.xor');
    body.op('i32.or');
    body.i32(0);
    body.memory('i32.load', CpuState.dropCount);
    body.get(this.#dropCount);
    body.op('i32.xor');
    body.op('i32.or');
    body.brIf(this.#resultExit);
    this.#store(CpuState.eipBase, () => body.get(this.#eipBase));
    this.#load(CpuState.budget, this.#budget);
    body.get(this.#budget);
    body.set(this.#entryBudget);
    this.registers.reload();
    this.#blocks.goto(block.end);
  }

  leave(): void {
    const { body } = this;
    this.#setExit(this.#instruction(this.#index)?.offset ?? 0, this.#left(this.#index));
    body.br(this.#faultExit);
  }

  callout(): void {
    throw new Error('translator: an instruction of a region cannot call out');
  }

  #instruction(index: number): RegionInstruction | undefined {
    return this.#block?.instructions[index];
  }

  /** Instructions of the block from number `index` on. */
  #left(index: number): number {
    return (this.#block?.instructions.length ?? 0) - index;
  }

  #leaveAt(offset: number, refund: number): void {
    this.#setExit(offset, refund);
    this.body.br(this.#offsetExit);
  }

  #setExit(offset: number, refund: number): void {
    this.body.i32(offset | (refund << refundShift));
    this.body.set(this.#exit);
  }

  /** Gives back what did not retire. */
  #refund(): void {
    const { body } = this;
    body.get(this.#budget);
    body.get(this.#exit);
    body.i32(refundShift);
    body.op('i32.shr_u');
    body.op('i32.add');
    body.set(this.#budget);
  }

  /** Stores the budget, and counts what was retired here. */
  #settle(): void {
    const { body } = this;
    this.#store(CpuState.budget, () => body.get(this.#budget));
    this.#store(CpuState.translated, () => {
      body.i32(0);
      body.memory('i32.load', CpuState.translated);
      body.get(this.#entryBudget);
      body.op('i32.add');
      body.get(this.#budget);
      body.op('i32.sub');
    });
  }

  #pushExitEip(): void {
    const { body } = this;
    body.get(this.#eipBase);
    body.get(this.#exit);
    body.i32((1 << refundShift) - 1);
    body.op('i32.and');
    body.op('i32.add');
  }

  #clearStop(): void {
    this.#store(CpuState.regionsDropped, () => this.body.i32(0));
  }

  #load(address: number, local: number, plus = 0): void {
    this.body.i32(0);
    this.body.memory('i32.load', address);
    if (plus !== 0) {
      this.body.i32(plus);
      this.body.op('i32.add');
    }
    this.body.set(local);
  }

  #store(address: number, push: () => void): void {
    this.body.i32(0);
    push();
    this.body.memory('i32.store', address);
  }
}
