import { updateAlignmentCheck } from '@ringfence/memory';
import { Context } from './context.ts';
import { arpl, lar, lsl, verr, verw } from './descriptor-queries.ts';
import { checkUmip, lldt, loadTableRegister, ltr, storeSelector } from './descriptor-tables.ts';
import { readSegment, type SegmentState } from './descriptor.ts';
import { cli, popf, pushf, sti } from './eflags-access.ts';
import { farCall } from './far-call.ts';
import { farJump } from './far-jump.ts';
import { farReturn } from './far-return.ts';
import { syscall, sysenter, sysexit, sysret } from './fast-calls.ts';
import type { Fault } from './fault.ts';
import type {
  InterruptKind,
  LinearMemory,
  OperandBytes,
  SegmentationHost,
  SegmentationOperations,
} from './interfaces.ts';
import { interrupt } from './interrupt.ts';
import { iret } from './iret.ts';
import { loadSegment } from './load-segment.ts';
import { reset } from './reset.ts';
import { Segment, segmentWords, State } from './state.ts';
import { checkIo } from './task-state.ts';

/** What a `Segmentation` works on. */
export interface SegmentationOptions {
  /** The machine's linear memory as int32 words from its byte 0; the CPU state is in it. */
  readonly words: Int32Array;
  /** Guest memory by linear address. */
  readonly memory: LinearMemory;
  /** Who is told about privilege, address-space and task changes. */
  readonly host: SegmentationHost;
}

/**
 * The segmentation unit of one virtual CPU (SDM 3A chapters 3, 5, 6, 7 and 20). The operations are
 * documented at `SegmentationOperations`. It has no state of its own: all of it is in the CPU
 * state.
 */
export class Segmentation implements SegmentationOperations {
  readonly #context: Context;

  constructor(options: SegmentationOptions) {
    this.#context = new Context(options.words, options.memory, options.host);
  }

  /** Goes on with another view of the linear memory, after it has grown. */
  rebind(words: Int32Array): void {
    this.#context.words = words;
  }

  get result(): number {
    return this.#context.result;
  }

  loadSegment(register: number, selector: number): Fault {
    return loadSegment(this.#context, register, selector);
  }

  farJump(selector: number, offset: number, size: OperandBytes): Fault {
    return farJump(this.#context, selector, offset, size);
  }

  farCall(selector: number, offset: number, size: OperandBytes): Fault {
    return farCall(this.#context, selector, offset, size);
  }

  farReturn(releasedBytes: number, size: OperandBytes): Fault {
    return farReturn(this.#context, releasedBytes, size);
  }

  iret(size: OperandBytes): Fault {
    return iret(this.#context, size);
  }

  interrupt(vector: number, kind: InterruptKind, errorCode: number): Fault {
    return interrupt(this.#context, vector, kind, errorCode);
  }

  lldt(selector: number): Fault {
    return lldt(this.#context, selector);
  }

  ltr(selector: number): Fault {
    return ltr(this.#context, selector);
  }

  lgdt(base: number, limit: number, size: OperandBytes): Fault {
    return loadTableRegister(this.#context, State.gdtrBase, base, limit, size);
  }

  lidt(base: number, limit: number, size: OperandBytes): Fault {
    return loadTableRegister(this.#context, State.idtrBase, base, limit, size);
  }

  checkUmip(): Fault {
    return checkUmip(this.#context);
  }

  sldt(): Fault {
    return storeSelector(this.#context, Segment.ldtr);
  }

  str(): Fault {
    return storeSelector(this.#context, Segment.tr);
  }

  lar(selector: number, size: OperandBytes): Fault {
    return lar(this.#context, selector, size);
  }

  lsl(selector: number, size: OperandBytes): Fault {
    return lsl(this.#context, selector, size);
  }

  verr(selector: number): Fault {
    return verr(this.#context, selector);
  }

  verw(selector: number): Fault {
    return verw(this.#context, selector);
  }

  arpl(destination: number, source: number): Fault {
    return arpl(this.#context, destination, source);
  }

  sysenter(cs: number, esp: number, eip: number): Fault {
    return sysenter(this.#context, cs, esp, eip);
  }

  sysexit(cs: number): Fault {
    return sysexit(this.#context, cs);
  }

  syscall(starLow: number, starHigh: number): Fault {
    return syscall(this.#context, starLow, starHigh);
  }

  sysret(starHigh: number): Fault {
    return sysret(this.#context, starHigh);
  }

  checkIo(port: number, bytes: number): Fault {
    return checkIo(this.#context, port, bytes);
  }

  pushf(size: OperandBytes): Fault {
    return pushf(this.#context, size);
  }

  popf(image: number, size: OperandBytes): Fault {
    return popf(this.#context, image, size);
  }

  cli(): Fault {
    return cli(this.#context);
  }

  sti(): Fault {
    return sti(this.#context);
  }

  updateMode(): void {
    updateAlignmentCheck(this.#context.words);
    this.#context.updateCodeMode();
  }

  reset(): void {
    reset(this.#context);
  }

  /** Visible and hidden state of a segment register, `SegmentRegister` numbers; allocates. */
  readSegment(register: number): SegmentState {
    return readSegment(this.#context.words, Segment.es + register * segmentWords);
  }
}
