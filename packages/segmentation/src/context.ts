import { CodeMode, Eflags, updateAlignmentCheck } from '@ringfence/memory';
import {
  Attribute,
  decodeNull,
  decodeSegment,
  DescriptorBit,
  descriptorLimit,
  setBounds,
  Word,
} from './descriptor.ts';
import { faultWithError, generalProtection, type Fault } from './fault.ts';
import type { LinearMemory, SegmentationHost } from './interfaces.ts';
import { Stack } from './stack.ts';
import { ControlBit, Segment, segmentWords, State } from './state.ts';

const pageMask = 4095;

/**
 * What the operations of this package share: the CPU state words, guest memory, the descriptor that
 * was fetched last, and the setters that keep derived state (CPL, code mode, bounds) right.
 */
export class Context {
  /** Linear memory from its byte 0. */
  words: Int32Array;
  readonly memory: LinearMemory;
  readonly host: SegmentationHost;
  /** The current stack, opened by the operations that need it. */
  readonly stack: Stack;
  /** The stack of an inner level or of a new task. */
  readonly innerStack: Stack;
  /** A stack segment that is checked but not yet loaded, in the layout of a segment register. */
  readonly candidate: Int32Array = new Int32Array(segmentWords);
  /** Parameters on their way through a call gate; their count has 5 bits (SDM 3A 5.8.3). */
  readonly parameters: Int32Array = new Int32Array(32);
  /** Fields of the TSS that is being switched to (SDM 3A 7.2.1). */
  readonly task: Int32Array = new Int32Array(26);
  /** The descriptor that `fetch` read last, and its linear address. */
  low = 0;
  high = 0;
  address = 0;
  /** EXT bit of the error codes made now: 1 while an external event is delivered (SDM 3A 6.13). */
  external = 0;
  /** Result of operations that have one. */
  result = 0;

  constructor(words: Int32Array, memory: LinearMemory, host: SegmentationHost) {
    this.words = words;
    this.memory = memory;
    this.host = host;
    this.stack = new Stack(memory);
    this.innerStack = new Stack(memory);
  }

  /** A word of the CPU state. Indices are constants within the state, so the value exists. */
  get(index: number): number {
    return this.words[index] as number;
  }

  set(index: number, value: number): void {
    this.words[index] = value;
  }

  /** CR0.PE is clear. */
  isReal(): boolean {
    return (this.get(State.cr0) & ControlBit.cr0Pe) === 0;
  }

  /** EFLAGS.VM is set; only possible with CR0.PE. */
  isVirtual8086(): boolean {
    return (this.get(State.eflags) & Eflags.vm) !== 0;
  }

  /** Neither real nor virtual-8086 mode: selectors name descriptors. */
  isProtected(): boolean {
    return !this.isReal() && !this.isVirtual8086();
  }

  iopl(): number {
    return (this.get(State.eflags) >>> 12) & 3;
  }

  /** Error code for a selector: its index and table with the EXT bit (SDM 3A 6.13). */
  selectorError(selector: number): number {
    return (selector & 0xfffc) | this.external;
  }

  /**
   * Reads the descriptor that `selector` names into `low`, `high` and `address`. Outside the table
   * it is the fault `vector` with the selector (SDM 3A 3.5.1).
   */
  fetch(selector: number, vector: number): Fault {
    const offset = selector & 0xfff8;
    let base: number;
    if ((selector & 4) === 0) {
      if (offset + 7 > this.get(State.gdtrLimit)) {
        return faultWithError(vector, this.selectorError(selector));
      }
      base = this.get(State.gdtrBase);
    } else {
      const usable = (this.get(Segment.ldtr + Word.attributes) & Attribute.present) !== 0;
      if (!usable || offset + 7 > this.get(Segment.ldtr + Word.limit) >>> 0) {
        return faultWithError(vector, this.selectorError(selector));
      }
      base = this.get(Segment.ldtr + Word.base);
    }
    const memory = this.memory;
    this.address = (base + offset) | 0;
    this.low = memory.read32(this.address, true);
    if (memory.fault !== 0) return memory.fault;
    this.high = memory.read32((this.address + 4) | 0, true);
    return memory.fault;
  }

  /** Sets the accessed bit of the descriptor at `address` if it is clear (SDM 3A 3.4.5.1). */
  touch(address: number, high: number): Fault {
    if ((high & DescriptorBit.accessed) !== 0) return 0;
    return this.memory.write8((address + 5) | 0, (high >>> 8) | Attribute.accessed, true);
  }

  /** Loads a segment register in protected mode with a descriptor that has passed its checks. */
  setSegment(at: number, selector: number, low: number, high: number): void {
    decodeSegment(this.words, at, selector, low, high);
  }

  /** Loads a segment register with a null selector. */
  setNull(at: number, selector: number): void {
    decodeNull(this.words, at, selector);
  }

  /**
   * Loads a segment register in real mode: base and access change, limit, D/B and G stay as they
   * are (SDM 3A 9.9.2 relies on it; "unreal" mode of DOS extenders does too).
   */
  setReal(at: number, selector: number): void {
    this.set(at + Word.selector, selector);
    this.set(at + Word.base, selector << 4);
    const attributes = (this.get(at + Word.attributes) & 0xf000) | 0x93;
    setBounds(this.words, at, attributes, this.get(at + Word.limit));
  }

  /** Loads a segment register in virtual-8086 mode: 64 KiB, DPL 3, 16 bits (SDM 3A 20.1.1). */
  setVirtual8086(at: number, selector: number): void {
    this.set(at + Word.selector, selector);
    this.set(at + Word.base, selector << 4);
    setBounds(this.words, at, 0xf3, 0xffff);
  }

  /** Loads a segment register in real or virtual-8086 mode, whichever it is. */
  setLegacy(at: number, selector: number): void {
    if (this.isVirtual8086()) this.setVirtual8086(at, selector);
    else this.setReal(at, selector);
  }

  /** Copies the candidate stack segment into SS. */
  setStackFromCandidate(): void {
    const words = this.words;
    for (let word = 0; word < segmentWords; word++) {
      words[Segment.ss + word] = this.candidate[word] as number;
    }
  }

  /** Opens the current stack for pops and pushes at the current privilege. */
  openStack(): Stack {
    this.stack.open(this.words, Segment.ss, this.get(State.esp), false);
    return this.stack;
  }

  /** Changes CPL and tells the host if it is different now. */
  setCpl(cpl: number): void {
    if (this.get(State.cpl) === cpl) return;
    this.set(State.cpl, cpl);
    updateAlignmentCheck(this.words);
    this.host.onPrivilegeChange();
  }

  /** #GP(EXT) if `eip` is outside the code segment of the descriptor (SDM 3A 5.3). */
  checkTarget(eip: number, low: number, high: number): Fault {
    return eip >>> 0 > descriptorLimit(low, high) >>> 0 ? generalProtection(this.external) : 0;
  }

  /** #GP(EXT) if `eip` is outside the loaded code segment: real and virtual-8086 mode. */
  checkLegacyTarget(eip: number): Fault {
    const limit = this.get(Segment.cs + Word.limit) >>> 0;
    return eip >>> 0 > limit ? generalProtection(this.external) : 0;
  }

  /** Sets EIP. */
  setEip(eip: number): void {
    this.set(State.rip, eip);
    this.set(State.rip + 1, 0);
  }

  /** Recomputes `CpuState.codeMode` from CS, DS, ES and SS. */
  updateCodeMode(): void {
    let mode: number = CodeMode.valid;
    if ((this.get(Segment.cs + Word.attributes) & Attribute.default32) !== 0) {
      mode |= CodeMode.code32;
    }
    if ((this.get(Segment.ss + Word.attributes) & Attribute.default32) !== 0) {
      mode |= CodeMode.stack32;
    }
    if (
      this.#isFlat(Segment.ds) &&
      this.#isFlat(Segment.ss) &&
      this.#isFlat(Segment.es) &&
      this.get(Segment.cs + Word.base) === 0 &&
      this.get(Segment.cs + Word.limit) === -1 &&
      this.get(Segment.cs + Word.readFirst) === 0
    ) {
      mode |= CodeMode.flat;
    }
    this.set(State.codeMode, mode);
    this.#updateFetchEnd();
  }

  /** Recomputes `CpuState.fetchEnd` from CS. */
  #updateFetchEnd(): void {
    const limit = this.get(Segment.cs + Word.limit);
    const lastOffset = (this.get(Segment.cs + Word.base) + limit) & pageMask;
    if (limit === -1) this.set(State.fetchEnd, -1);
    else if (lastOffset === pageMask) this.set(State.fetchEnd, limit + 1);
    else this.set(State.fetchEnd, limit >>> 0 < lastOffset ? 0 : limit - lastOffset);
  }

  /** Base 0, every offset readable and writable. */
  #isFlat(at: number): boolean {
    return (
      this.get(at + Word.base) === 0 &&
      this.get(at + Word.readFirst) === 0 &&
      this.get(at + Word.readLast) === -1 &&
      this.get(at + Word.writeFirst) === 0
    );
  }
}
