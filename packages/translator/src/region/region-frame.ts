/**
 * The locals of a region function `(record, entry) -> HandlerResult`, and its ways out.
 *
 * A way out says in `exit` where the guest goes on, as an offset from the region's page, and in
 * `refund` how many instructions of the block did not retire, and ends in one of a few common
 * places, which write the registers and the budget back:
 *
 * | place | for |
 * | --- | --- |
 * | fault | the instruction at `exit` has faulted |
 * | offset | the guest goes on at `exit`, in another region or in the loop |
 * | chain | the guest goes on at `eip`, in another region or in the loop |
 * | lookup | the guest goes on at `eip`; a waiting caller or the loop sees to it |
 * | result | a callee came back with something else than the expected return |
 */
import { CpuState, ExitReason } from '@ringfence/memory';
import type { FunctionBody, Label } from '@ringfence/wasm';
import { HandlerResult } from '../interpreter/handler-target.ts';
import type { PromotedRegisters } from './promoted-registers.ts';

const nowhere: Label = { depth: -1 };

/** Bytes of a code-page block's address entries in a leaf, and what they index. */
const directoryShift = 20;
const leafShift = 10;
const indexMask = 0xffc;

/** The frame of one region function. */
export class RegionFrame {
  readonly body: FunctionBody;
  readonly registers: PromotedRegisters;
  /** Instructions left. */
  readonly budget: number;
  /** `CpuState.dirData`. */
  readonly directory: number;
  /** EIP that a way out leads to. */
  readonly eip: number;
  /** EIP of the start of the region's page. */
  readonly eipBase: number;
  /** Nonzero once a slow access wants this function to return: code changed, events. */
  readonly stop: number;
  readonly #functions: (name: string) => number;
  /** What the budget was when retired instructions were last counted. */
  readonly #countedBudget: number;
  readonly #exit: number;
  readonly #refund: number;
  readonly #result: number;
  readonly #dropCount: number;
  #fault = nowhere;
  #offset = nowhere;
  #chain = nowhere;
  #lookup = nowhere;
  #resultExit = nowhere;

  constructor(
    body: FunctionBody,
    registers: PromotedRegisters,
    functions: (name: string) => number,
  ) {
    this.body = body;
    this.registers = registers;
    this.#functions = functions;
    this.budget = body.local('i32');
    this.directory = body.local('i32');
    this.eip = body.local('i32');
    this.eipBase = body.local('i32');
    this.stop = body.local('i32');
    this.#countedBudget = body.local('i32');
    this.#exit = body.local('i32');
    this.#refund = body.local('i32');
    this.#result = body.local('i32');
    this.#dropCount = body.local('i32');
  }

  /** Loads the locals and opens the labels of the ways out. The dispatch had counted one. */
  begin(): void {
    const { body } = this;
    this.registers.reload();
    this.#load(CpuState.budget, this.budget);
    body.get(this.budget);
    body.i32(1);
    body.op('i32.add');
    body.tee(this.budget);
    body.set(this.#countedBudget);
    this.#load(CpuState.eipBase, this.eipBase);
    this.#load(CpuState.dirData, this.directory);
    this.#resultExit = body.block();
    this.#lookup = body.block();
    this.#chain = body.block();
    this.#offset = body.block();
    this.#fault = body.block();
  }

  /** Closes the labels and writes the ways out. */
  end(): void {
    const { body } = this;
    body.end(this.#fault);
    this.#settle(true);
    body.i32(0);
    this.#pushExitEip();
    body.op('i64.extend_i32_u');
    body.memory('i64.store', CpuState.rip);
    this.#store(CpuState.exitReason, () => body.i32(ExitReason.faultAtRip));
    body.i32(HandlerResult.leave);
    body.return();
    body.end(this.#offset);
    this.#takeBack();
    this.#pushExitEip();
    body.set(this.eip);
    body.end(this.#chain);
    this.#settle(false);
    body.get(this.eip);
    body.call(this.#functions('chain'));
    body.return();
    body.end(this.#lookup);
    this.#settle(false);
    this.#store(CpuState.target, () => body.get(this.eip));
    body.i32(HandlerResult.lookup);
    body.return();
    body.end(this.#resultExit);
    body.get(this.#result);
  }

  /** Leaves to an offset from the region's page; `refund` instructions did not retire. */
  leaveAt(offset: number, refund: number): void {
    this.#setExit(offset, refund);
    this.body.br(this.#offset);
  }

  /** Leaves with the fault of the instruction at an offset. */
  leaveWithFault(offset: number, refund: number): void {
    this.#setExit(offset, refund);
    this.body.br(this.#fault);
  }

  /** Leaves to the EIP in `eip`. */
  chain(): void {
    this.body.br(this.#chain);
  }

  /** Leaves to the EIP in `eip`, by way of a waiting caller or the loop. */
  lookup(): void {
    this.body.br(this.#lookup);
  }

  /** Leaves, if a slow access asked for it, to the EIP that `push` pushes. */
  stopBefore(push: () => void): void {
    const { body } = this;
    body.get(this.stop);
    const stopped = body.if();
    this.#store(CpuState.regionsDropped, () => body.i32(0));
    push();
    body.set(this.eip);
    body.br(this.#lookup);
    body.end(stopped);
  }

  /** The same within a block, whose last `refund` instructions have not retired. */
  stopAt(offset: number, refund: number): void {
    const { body } = this;
    body.get(this.stop);
    const stopped = body.if();
    this.#store(CpuState.regionsDropped, () => body.i32(0));
    this.leaveAt(offset, refund);
    body.end(stopped);
  }

  /** Pushes the EIP of an offset. */
  pushEip(offset: number): void {
    const { body } = this;
    body.get(this.eipBase);
    if (offset === 0) return;
    body.i32(offset);
    body.op('i32.add');
  }

  /** Runs the region at the EIP in `eip`; goes on if it returns to an offset, else leaves. */
  call(behind: number): void {
    const { body } = this;
    this.#settle(false);
    this.#load(CpuState.dropCount, this.#dropCount);
    body.get(this.eip);
    body.call(this.#functions('enterCall'));
    body.tee(this.#result);
    body.i32(HandlerResult.lookup);
    body.op('i32.xor');
    this.#pushState(CpuState.target);
    this.pushEip(behind);
    body.op('i32.xor');
    body.op('i32.or');
    this.#pushState(CpuState.dropCount);
    body.get(this.#dropCount);
    body.op('i32.xor');
    body.op('i32.or');
    body.brIf(this.#resultExit);
    this.#store(CpuState.eipBase, () => body.get(this.eipBase));
    this.#load(CpuState.budget, this.budget);
    body.get(this.budget);
    body.set(this.#countedBudget);
    this.registers.reload();
  }

  /** Leaves to an offset unless its page is the one whose code-page block is at `block`. */
  guard(offset: number, block: number): void {
    const { body } = this;
    this.#pushState(CpuState.dirExec);
    this.#pushIndex(offset & ~4095, directoryShift);
    body.op('i32.add');
    body.memory('i32.load', 0);
    this.#pushIndex(offset & ~4095, leafShift);
    body.op('i32.add');
    body.memory('i32.load', 0);
    body.i32(block);
    body.op('i32.ne');
    const elsewhere = body.if();
    this.leaveAt(offset, 0);
    body.end(elsewhere);
  }

  /** Stores the budget for a slow access of an instruction with `left` behind it in the block. */
  beforeSlow(left: number): void {
    const { body } = this;
    this.#store(CpuState.budget, () => {
      body.get(this.budget);
      body.i32(left);
      body.op('i32.add');
    });
  }

  /** A budget that the host has cleared, and code that it has dropped, both end the region soon. */
  afterSlow(left: number): void {
    const { body } = this;
    // What the host took off the budget counts as if it had never been given.
    body.get(this.#countedBudget);
    body.get(this.budget);
    body.i32(left);
    body.op('i32.add');
    body.op('i32.sub');
    this.#pushState(CpuState.budget);
    body.tee(this.budget);
    body.op('i32.add');
    body.set(this.#countedBudget);
    body.get(this.budget);
    body.op('i32.eqz');
    this.#pushState(CpuState.regionsDropped);
    body.op('i32.or');
    body.get(this.stop);
    body.op('i32.or');
    body.set(this.stop);
    body.get(this.budget);
    body.i32(left);
    body.op('i32.sub');
    body.set(this.budget);
  }

  #setExit(offset: number, refund: number): void {
    const { body } = this;
    body.i32(offset);
    body.set(this.#exit);
    body.i32(refund);
    body.set(this.#refund);
  }

  #takeBack(): void {
    const { body } = this;
    body.get(this.budget);
    body.get(this.#refund);
    body.op('i32.add');
    body.set(this.budget);
  }

  /** Writes registers and budget back, and counts what was retired here. */
  #settle(takesBack: boolean): void {
    const { body } = this;
    this.registers.spill();
    if (takesBack) this.#takeBack();
    this.#store(CpuState.budget, () => body.get(this.budget));
    this.#store(CpuState.translated, () => {
      this.#pushState(CpuState.translated);
      body.get(this.#countedBudget);
      body.op('i32.add');
      body.get(this.budget);
      body.op('i32.sub');
    });
  }

  #pushExitEip(): void {
    const { body } = this;
    body.get(this.eipBase);
    body.get(this.#exit);
    body.op('i32.add');
  }

  #pushIndex(offset: number, shift: number): void {
    const { body } = this;
    this.pushEip(offset);
    body.i32(shift);
    body.op('i32.shr_u');
    body.i32(indexMask);
    body.op('i32.and');
  }

  #pushState(address: number): void {
    this.body.i32(0);
    this.body.memory('i32.load', address);
  }

  #load(address: number, local: number): void {
    this.#pushState(address);
    this.body.set(local);
  }

  #store(address: number, push: () => void): void {
    this.body.i32(0);
    push();
    this.body.memory('i32.store', address);
  }
}
