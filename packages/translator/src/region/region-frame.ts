/**
 * The locals of a region function `(record, entry) -> HandlerResult`, and its ways out.
 *
 * A way out says where the guest goes on, by `exit`, an offset from the region's page, or by `eip`,
 * and ends in one of a few common places, which write the registers and the budget back:
 *
 * | place | for |
 * | --- | --- |
 * | fault | the instruction at `exit` has faulted |
 * | stop | a slow access of the instruction before `exit` wants the region to return |
 * | offset | the guest goes on at `exit`, in another region or in the loop |
 * | chain | the guest goes on at `eip`, in another region or in the loop |
 * | lookup | the guest goes on at `eip`; a waiting caller or the loop sees to it |
 * | call | the callee at `eip` runs, and then the block `entry`, if it returns to there |
 *
 * Slow accesses store what is left of the budget behind their instruction, and the host may change
 * it; so fault and stop take it from memory, all others from the local.
 */
import { CpuState, ExitReason } from '@ringfence/memory';
import type { FunctionBody, Label } from '@ringfence/wasm';
import { HandlerResult } from '../interpreter/handler-target.ts';
import type { PromotedRegisters } from './promoted-registers.ts';

const nowhere: Label = { depth: -1 };

/** How a linear address is cut into indexes of directory and leaf. */
const directoryShift = 20;
const leafShift = 10;
const indexMask = 0xffc;

/** The parameter that names the block to begin with. */
const entry = 1;

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
  readonly #exit: number;
  /** EIP that a callee should return to. */
  readonly #behind: number;
  readonly #result: number;
  readonly #dropCount: number;
  #again = nowhere;
  #fault = nowhere;
  #stop = nowhere;
  #offset = nowhere;
  #chain = nowhere;
  #lookup = nowhere;
  #call = nowhere;
  #calls = false;

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
    this.#exit = body.local('i32');
    this.#behind = body.local('i32');
    this.#result = body.local('i32');
    this.#dropCount = body.local('i32');
  }

  /** Loads the locals and opens the labels of the ways out. */
  begin(): void {
    const { body } = this;
    this.registers.reload();
    this.#load(CpuState.budget, this.budget);
    this.#load(CpuState.eipBase, this.eipBase);
    this.#load(CpuState.dirData, this.directory);
    this.#again = body.loop();
    this.#call = body.block();
    this.#lookup = body.block();
    this.#chain = body.block();
    this.#offset = body.block();
    this.#stop = body.block();
    this.#fault = body.block();
  }

  /** Closes the labels and writes the ways out. */
  end(): void {
    const { body } = this;
    body.end(this.#fault);
    this.registers.spill();
    this.#store(CpuState.budget, () => {
      this.#pushState(CpuState.budget);
      body.i32(1);
      body.op('i32.add');
    });
    this.#store(CpuState.accessStatus, () => body.i32(0));
    body.i32(0);
    this.#pushExitEip();
    body.op('i64.extend_i32_u');
    body.memory('i64.store', CpuState.rip);
    this.#store(CpuState.exitReason, () => body.i32(ExitReason.faultAtRip));
    body.i32(HandlerResult.leave);
    body.return();
    body.end(this.#stop);
    this.registers.spill();
    this.#store(CpuState.accessStatus, () => body.i32(0));
    this.#store(CpuState.regionsDropped, () => body.i32(0));
    this.#store(CpuState.target, () => this.#pushExitEip());
    body.i32(HandlerResult.lookup);
    body.return();
    body.end(this.#offset);
    this.#pushExitEip();
    body.set(this.eip);
    body.end(this.#chain);
    this.#settle();
    body.get(this.eip);
    body.call(this.#functions('chain'));
    body.return();
    body.end(this.#lookup);
    this.#settle();
    this.#store(CpuState.target, () => body.get(this.eip));
    body.i32(HandlerResult.lookup);
    body.return();
    body.end(this.#call);
    if (this.#calls) this.#callRegion();
    else body.unreachable();
    body.end(this.#again);
    body.unreachable();
  }

  /** Leaves to an offset from the region's page. */
  leaveAt(offset: number): void {
    this.#setExit(offset);
    this.body.br(this.#offset);
  }

  /** Leaves with the fault of the instruction at an offset, which a slow access has found. */
  leaveWithFault(offset: number): void {
    this.#setExit(offset);
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

  /** Leaves to an offset if a slow access of the instruction before asked for it. */
  stopAt(offset: number): void {
    const { body } = this;
    body.get(this.stop);
    const stopped = body.if();
    this.#setExit(offset);
    body.br(this.#stop);
    body.end(stopped);
  }

  /** The same, to the EIP in `eip`. */
  stopAtEip(): void {
    const { body } = this;
    body.get(this.stop);
    const stopped = body.if();
    body.get(this.eip);
    body.get(this.eipBase);
    body.op('i32.sub');
    body.set(this.#exit);
    body.br(this.#stop);
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

  /** Runs the region at the EIP in `eip`; goes on with block `number` if it returns to there. */
  call(behind: number, number: number): void {
    const { body } = this;
    this.#calls = true;
    this.pushEip(behind);
    body.set(this.#behind);
    body.i32(number);
    body.set(entry);
    body.br(this.#call);
  }

  #callRegion(): void {
    const { body } = this;
    this.#settle();
    this.#load(CpuState.dropCount, this.#dropCount);
    body.get(this.eip);
    body.call(this.#functions('enterCall'));
    body.tee(this.#result);
    body.i32(HandlerResult.lookup);
    body.op('i32.xor');
    this.#pushState(CpuState.target);
    body.get(this.#behind);
    body.op('i32.xor');
    body.op('i32.or');
    this.#pushState(CpuState.dropCount);
    body.get(this.#dropCount);
    body.op('i32.xor');
    body.op('i32.or');
    const elsewhere = body.if();
    body.get(this.#result);
    body.return();
    body.end(elsewhere);
    this.#store(CpuState.eipBase, () => body.get(this.eipBase));
    this.#load(CpuState.budget, this.budget);
    this.registers.reload();
    body.br(this.#again);
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
    this.leaveAt(offset);
    body.end(elsewhere);
  }

  /**
   * Stores what is left of the budget behind an instruction with `left` more in its block, unless a
   * slow access of it did.
   */
  storeBudget(left: number): void {
    const { body } = this;
    body.get(this.stop);
    body.op('i32.eqz');
    const isFirst = body.if();
    this.#store(CpuState.budget, () => {
      this.pushBudget(left);
    });
    body.end(isFirst);
  }

  /** Pushes what is left of the budget behind an instruction with `left` more in its block. */
  pushBudget(left: number): void {
    const { body } = this;
    body.get(this.budget);
    if (left === 0) return;
    body.i32(left);
    body.op('i32.add');
  }

  #setExit(offset: number): void {
    this.body.i32(offset);
    this.body.set(this.#exit);
  }

  /** Writes registers and budget back. */
  #settle(): void {
    this.registers.spill();
    this.#store(CpuState.budget, () => this.body.get(this.budget));
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
