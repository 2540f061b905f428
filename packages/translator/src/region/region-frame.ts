/**
 * The locals of a region function `(record, entry) -> HandlerResult`, and its ways out.
 *
 * A way out says where the guest goes on, by `exit`, an offset from the region's page, or by `eip`,
 * and ends in one of a few common places, which write the registers and the budget back:
 *
 * | place | for |
 * | --- | --- |
 * | bail | the interpreter does the instruction at `exit`: a slow access, a fault, a callout |
 * | offset | the guest goes on at `exit`, in another region or in the loop |
 * | chain | the guest goes on at `eip`, in another region or in the loop |
 * | lookup | the guest goes on at `eip`; a waiting caller or the loop sees to it |
 * | host | the handler of the instruction at `exit` does it, then the block `entry` runs |
 *
 * A call of another region stands where it is made: what goes on behind it follows there, in the
 * processor's caches too.
 *
 * A region has fast paths only. What they do not serve it gives up before anything of the
 * instruction has changed: so there are no calls on its usual ways, no value has to survive one,
 * and what is seldom needed, as flag words, is computed on the way out.
 */
import { CpuState } from '@ringfence/memory';
import type { FunctionBody, Label } from '@ringfence/wasm';
import { HandlerResult } from '../interpreter/handler-target.ts';
import { goesOn, tailCall } from './transfer.ts';
import type { PromotedRegisters } from './promoted-registers.ts';

const nowhere: Label = { depth: -1 };

/** How a linear address is cut into indexes of directory and leaf. */
const directoryShift = 20;
const leafShift = 10;
const indexMask = 0xffc;

/** Parts of what is said of an instruction that its handler does. */
const leftShift = 16;
const leftMask = 0x3fff;
const apartShift = 30;

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
  readonly #functions: (name: string) => number;
  readonly #exit: number;
  /**
   * Handler number of the instruction at `exit`, above it what the budget gets back, and above that
   * whether the look-up was the instruction's own.
   */
  readonly #detail: number;
  /** EIP that a callee should return to. */
  readonly #behind: number;
  readonly #result: number;
  readonly #dropCount: number;
  #again = nowhere;
  #bail = nowhere;
  #offset = nowhere;
  #chain = nowhere;
  #lookup = nowhere;
  #host = nowhere;
  #hosts = false;
  readonly #wantsFlagWords: boolean;

  /** `wantsFlagWords`: whether a block that is reached by number reads flags. */
  constructor(
    body: FunctionBody,
    registers: PromotedRegisters,
    functions: (name: string) => number,
    wantsFlagWords = false,
  ) {
    this.#wantsFlagWords = wantsFlagWords;
    this.body = body;
    this.registers = registers;
    this.#functions = functions;
    this.budget = body.local('i32');
    this.directory = body.local('i32');
    this.eip = body.local('i32');
    this.eipBase = body.local('i32');
    this.#exit = body.local('i32');
    this.#detail = body.local('i32');
    this.#behind = body.local('i32');
    this.#result = body.local('i32');
    this.#dropCount = body.local('i32');
  }

  /** Loads the locals and opens the labels of the ways out. */
  begin(): void {
    const { body } = this;
    this.#reload();
    this.#load(CpuState.eipBase, this.eipBase);
    this.#load(CpuState.dirData, this.directory);
    this.#again = body.loop();
    this.#host = body.block();
    this.#lookup = body.block();
    this.#chain = body.block();
    this.#offset = body.block();
    this.#bail = body.block();
  }

  /** Closes the labels and writes the ways out. */
  end(): void {
    const { body } = this;
    body.end(this.#bail);
    this.#giveUp();
    body.end(this.#offset);
    this.#pushExitEip();
    body.set(this.eip);
    body.end(this.#chain);
    this.#settle();
    body.get(this.eip);
    tailCall(body, this.#functions('chain'));
    body.end(this.#lookup);
    this.#settle();
    this.#store(CpuState.target, () => body.get(this.eip));
    body.i32(HandlerResult.lookup);
    body.return();
    body.end(this.#host);
    if (this.#hosts) this.#runHosted();
    else body.unreachable();
    body.end(this.#again);
    body.unreachable();
  }

  /** Leaves to an offset from the region's page. */
  leaveAt(offset: number): void {
    this.#setExit(offset);
    this.body.br(this.#offset);
  }

  /**
   * Leaves the instruction at an offset to the interpreter, which does it by a handler function.
   * `left`: instructions of the block that were not done, this one included; `isApart`: whether its
   * look-up was its own.
   */
  bail(offset: number, handler: number, left: number, isApart: boolean): void {
    this.#setExit(offset);
    this.body.i32((Number(isApart) << apartShift) | (left << leftShift) | handler);
    this.body.set(this.#detail);
    this.body.br(this.#bail);
  }

  /**
   * Runs the handler function of the last instruction of a block, and goes on with block `number`;
   * with -1 the loop goes on.
   */
  host(offset: number, handler: number, number: number): void {
    const { body } = this;
    this.#hosts = true;
    this.#setExit(offset);
    body.i32((1 << leftShift) | handler);
    body.set(this.#detail);
    body.i32(number);
    body.set(entry);
    body.br(this.#host);
  }

  /** Leaves to the EIP in `eip`. */
  chain(): void {
    this.body.br(this.#chain);
  }

  /** Leaves to the EIP in `eip`, by way of a waiting caller or the loop. */
  lookup(): void {
    this.body.br(this.#lookup);
  }

  /** Pushes the EIP of an offset. */
  pushEip(offset: number): void {
    const { body } = this;
    body.get(this.eipBase);
    if (offset === 0) return;
    body.i32(offset);
    body.op('i32.add');
  }

  /** Runs the region at the EIP in `eip`, and goes on here if it returns to the offset `behind`. */
  call(behind: number): void {
    const { body } = this;
    this.#settle();
    this.pushEip(behind);
    body.set(this.#behind);
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
    this.#reload();
  }

  /** Hands the instruction at `exit` to its handler function. */
  #giveUp(): void {
    const { body } = this;
    this.#store(CpuState.gaveUpIn, () => {
      body.get(this.#detail);
      body.i32(apartShift);
      body.op('i32.shr_u');
      body.get(this.eipBase);
      body.op('i32.or');
    });
    this.#callHandler('giveUp');
    this.body.return();
  }

  #runHosted(): void {
    const { body } = this;
    this.#callHandler('host');
    body.tee(this.#result);
    body.i32(goesOn);
    body.op('i32.ne');
    body.get(entry);
    body.i32(0);
    body.op('i32.lt_s');
    body.op('i32.or');
    const elsewhere = body.if();
    this.#returnResult();
    body.end(elsewhere);
    this.#store(CpuState.eipBase, () => body.get(this.eipBase));
    this.#load(CpuState.dirData, this.directory);
    this.#reload();
    body.br(this.#again);
  }

  /** Returns what a handler came to; where it goes on, to the instruction behind it. */
  #returnResult(): void {
    const { body } = this;
    body.get(this.#result);
    body.i32(goesOn);
    body.op('i32.eq');
    const next = body.if();
    this.#load(CpuState.record, this.#result);
    body.end(next);
    body.get(this.#result);
    body.return();
  }

  /** Writes all back and leaves on the stack what the handler of `exit` came to. */
  #callHandler(name: 'giveUp' | 'host'): void {
    const { body } = this;
    this.registers.spill();
    this.#store(CpuState.budget, () => {
      body.get(this.budget);
      body.get(this.#detail);
      body.i32(leftShift);
      body.op('i32.shr_u');
      body.i32(leftMask);
      body.op('i32.and');
      body.op('i32.add');
    });
    this.#pushExitEip();
    body.get(this.#detail);
    body.i32(0xffff);
    body.op('i32.and');
    body.call(this.#functions(name));
  }

  /** Reads budget and registers. */
  #reload(): void {
    if (this.#wantsFlagWords) this.body.call(this.#functions('settleFlags'));
    this.#load(CpuState.budget, this.budget);
    this.registers.reload();
  }

  /** Leaves by `leave` unless an offset's page is that whose code-page block `page` says. */
  guard(offset: number, page: number, leave: () => void): void {
    const { body } = this;
    this.#pushState(CpuState.dirExec);
    this.#pushIndex(offset & ~4095, directoryShift);
    body.op('i32.add');
    body.memory('i32.load', 0);
    this.#pushIndex(offset & ~4095, leafShift);
    body.op('i32.add');
    body.memory('i32.load', 0);
    body.getGlobal(page);
    body.op('i32.ne');
    const elsewhere = body.if();
    leave();
    body.end(elsewhere);
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
