/**
 * Runs the cases of `@ringfence/native-vectors` on a whole virtual CPU: at privilege 3, under
 * paging, with exceptions delivered through an IDT to a supervisor that stands still.
 *
 * | address | what (one page each) |
 * | --- | --- |
 * | 0x100000, 0x101000 | page directory, page table of the first 4 MiB |
 * | 0x102000 | GDT |
 * | 0x103000 | IDT |
 * | 0x104000 | TSS |
 * | 0x105000 | supervisor stack |
 * | 0x106000 | handlers: one endless loop per vector, 16 bytes apart |
 */
import type { VectorCase, VectorFault } from '@ringfence/native-vectors';
import {
  CODE,
  CODE_REGION,
  CODE_SELECTOR,
  DATA,
  DATA_END,
  DATA_SELECTOR,
  MachineState,
  REGION_BYTES,
  StateOffset,
  WINDOW,
  WINDOW_BYTES,
} from '@ringfence/native-vectors';
import { CpuState, definedFlags, Layout, readEflags, writeEflags } from '@ringfence/memory';
import { segmentBytes } from '@ringfence/memory';
import type { TestCpu } from './test-cpu.ts';
import { flatState, makeCpu } from './test-cpu.ts';

const directory = 0x10_0000;
const table = 0x10_1000;
const gdt = 0x10_2000;
const idt = 0x10_3000;
const tss = 0x10_4000;
const stackTop = 0x10_6000;
const handlers = 0x10_6000;
const supervisorEnd = 0x10_7000;

const kernelCode = 0x08;
const kernelData = 0x10;
const lowRegion = 0x4000;
const vectors = 32;

/** Vectors that push an error code (SDM 3A table 6-1). */
const withErrorCode: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);

const cr0 = 0x8005_0033 | 0;
/** OSFXSR, OSXMMEXCPT, OSXSAVE. */
const cr4 = 0x4_0600;
/** State of x87, SSE and AVX. */
const xcr0 = 7;

/** Most steps of a repeated instruction. */
const maximumSteps = 64;

/** Physical pages that hold the instruction in turn, each for some cases. */
const codePages = 0x40_0000;
const codePageCount = 3072;
const casesPerPage = 2;

/** More samples than make code hot. */
const mostSamples = 100;

const present = 1;
const writable = 2;
const user = 4;

/** What a case gave. */
export interface VectorOutcome {
  readonly state: MachineState;
  readonly fault: VectorFault | undefined;
}

/** One CPU that runs case after case. */
export class VectorRunner {
  readonly #test: TestCpu;
  #cases = 0;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #ram: DataView;
  /** Segment registers and the words around them, of the user program. */
  readonly #segments: Uint8Array;
  readonly #codeMode: number;

  /** With `translator`, each instruction is compiled as a region before it runs. */
  constructor(accel: 'interpreter' | 'translator' = 'interpreter') {
    this.#test = makeCpu(16 << 20, accel);
    const { machine, cpu } = this.#test;
    const buffer = machine.i32.buffer;
    this.#view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#ram = new DataView(buffer, Layout.ram, 16 << 20);
    this.#writeTables();
    this.#bytes.fill(0xcc, Layout.ram + codePages, Layout.ram + codePages + 4096 * codePageCount);
    const code = segment(CODE_SELECTOR, 0xc0fb);
    const data = segment(DATA_SELECTOR, 0xc0f3);
    const tr = { selector: 0x18, base: tss, limit: 0x67, attributes: 0x8b };
    cpu.start({
      ...flatState(CODE, 0),
      gdtr: { base: gdt, limit: 127 },
      idtr: { base: idt, limit: vectors * 8 - 1 },
      cs: code,
      ds: data,
      es: data,
      ss: data,
      fs: data,
      gs: data,
      tr,
    });
    cpu.control.writeCr3(directory);
    cpu.control.write(4, cr4);
    cpu.control.write(0, cr0);
    this.#setPrivilege(3);
    cpu.segmentation.updateMode();
    this.#codeMode = this.#view.getInt32(CpuState.codeMode, true);
    this.#segments = this.#bytes.slice(CpuState.segments, CpuState.segments + 8 * segmentBytes);
  }

  run(vector: VectorCase): VectorOutcome {
    const { cpu } = this.#test;
    this.#load(vector);
    this.#heat();
    for (let step = 0; step < maximumSteps; step++) {
      cpu.run(1);
      if (this.#privilege !== 3 || this.#eip !== CODE) break;
    }
    return this.#privilege === 3
      ? { state: this.#save(vector.before), fault: undefined }
      : this.#faulted(vector.before);
  }

  /** Has the instruction compiled, if it is one that can be: samples until the code is hot. */
  #heat(): void {
    const { regions } = this.#test.cpu;
    if (regions === undefined) return;
    const before = this.regions;
    for (let count = 0; count < mostSamples && this.regions === before; count++) regions.sample();
  }

  get #privilege(): number {
    return this.#view.getInt32(CpuState.cpl, true);
  }

  get #eip(): number {
    return this.#view.getInt32(CpuState.rip, true);
  }

  #setPrivilege(cpl: number): void {
    this.#view.setInt32(CpuState.cpl, cpl, true);
    this.#test.cpu.shadow.setPrivilege(cpl === 3, false);
  }

  #writeTables(): void {
    const ram = this.#ram;
    ram.setUint32(directory, table | present | writable | user, true);
    const map = (first: number, end: number, rights: number): void => {
      for (let page = first; page < end; page += 4096) {
        ram.setUint32(table + 4 * (page >> 12), page | rights, true);
      }
    };
    map(DATA, DATA_END, present | writable | user);
    map(CODE_REGION, CODE_REGION + REGION_BYTES, present | writable | user);
    map(lowRegion, lowRegion + REGION_BYTES, present | writable | user);
    map(directory, supervisorEnd, present | writable);
    const descriptor = (index: number, low: number, high: number): void => {
      ram.setUint32(gdt + 8 * index, low, true);
      ram.setUint32(gdt + 8 * index + 4, high, true);
    };
    descriptor(1, 0x0000_ffff, 0x00cf_9b00);
    descriptor(2, 0x0000_ffff, 0x00cf_9300);
    descriptor(3, ((tss & 0xffff) << 16) | 0x67, 0x0000_8b00 | ((tss >> 16) & 0xff));
    descriptor(CODE_SELECTOR >> 3, 0x0000_ffff, 0x00cf_fb00);
    descriptor(DATA_SELECTOR >> 3, 0x0000_ffff, 0x00cf_f300);
    ram.setUint32(tss + 4, stackTop, true);
    ram.setUint16(tss + 8, kernelData, true);
    ram.setUint16(tss + 0x66, 0x68, true);
    for (let vector = 0; vector < vectors; vector++) {
      const handler = handlers + 16 * vector;
      ram.setUint16(handler, 0xfeeb, true);
      // INT3 and INTO may be called from privilege 3.
      const dpl = vector === 3 || vector === 4 ? 0xee00 : 0x8e00;
      ram.setUint32(idt + 8 * vector, (kernelCode << 16) | (handler & 0xffff), true);
      ram.setUint32(idt + 8 * vector + 4, (handler & 0xffff_0000) | dpl, true);
    }
  }

  #load({ before, code }: VectorCase): void {
    const { physical, machine } = this.#test;
    const bytes = this.#bytes;
    const fx = new DataView(before.bytes.buffer, before.bytes.byteOffset + StateOffset.fx);
    bytes.set(this.#segments, CpuState.segments);
    this.#view.setInt32(CpuState.codeMode, this.#codeMode, true);
    this.#setPrivilege(3);
    bytes.fill(0, Layout.ram + DATA, Layout.ram + DATA_END);
    bytes.set(before.memory, Layout.ram + WINDOW);
    // Through the physical map, so that decoded instructions are forgotten.
    const instruction = new Uint8Array(16).fill(0xcc);
    instruction.set(code);
    const page = this.#codePage();
    instruction.forEach((byte, at) => physical.write8(page + (CODE & 0xfff) + at, byte));
    bytes.set(before.bytes.subarray(0, 64), CpuState.gpr);
    const put = (address: number, value: number): void => this.#view.setInt32(address, value, true);
    put(CpuState.rip, CODE);
    writeEflags(machine.i32, before.eflags, definedFlags);
    put(CpuState.fpuControl, before.controlWord);
    put(CpuState.fpuStatus, before.statusWord);
    put(CpuState.fpuTags, before.tags);
    put(CpuState.fpuOpcode, fx.getUint16(6, true));
    put(CpuState.fpuIp, fx.getInt32(8, true));
    put(CpuState.fpuCs, fx.getUint16(12, true));
    put(CpuState.fpuDp, fx.getInt32(16, true));
    put(CpuState.fpuDs, fx.getUint16(20, true));
    put(CpuState.mxcsr, before.mxcsr);
    put(CpuState.xcr0, xcr0);
    const top = (before.statusWord >> 11) & 7;
    for (let index = 0; index < 8; index++) {
      bytes.set(before.st(index), CpuState.fpu + 16 * ((top + index) & 7));
      bytes.set(before.xmm(index), CpuState.xmm + 16 * index);
      bytes.set(before.ymmHigh(index), CpuState.ymmHigh + 16 * index);
    }
  }

  /**
   * Maps the page of the instruction to the next of many: a page whose code is written again and
   * again is not translated any more.
   */
  #codePage(): number {
    const page = codePages + 4096 * Math.floor((this.#cases++ / casesPerPage) % codePageCount);
    const entry = table + 4 * (CODE >> 12);
    this.#test.physical.write32(entry, page | present | writable | user);
    return page;
  }

  /** Regions compiled so far. */
  get regions(): number {
    return this.#test.cpu.regions?.statistics.regions ?? 0;
  }

  #save(before: MachineState): MachineState {
    const bytes = this.#bytes;
    const word = (address: number): number => this.#view.getInt32(address, true);
    const state = new MachineState(before.bytes.slice());
    state.bytes.set(bytes.subarray(CpuState.gpr, CpuState.gpr + 64), 0);
    for (let number = 0; number < 6; number++) {
      state.setSegment(number, word(CpuState.segments + segmentBytes * number));
    }
    state.eip = this.#eip;
    state.eflags = readEflags(this.#test.machine.i32);
    state.controlWord = word(CpuState.fpuControl);
    state.statusWord = word(CpuState.fpuStatus);
    state.tags = word(CpuState.fpuTags);
    state.mxcsr = word(CpuState.mxcsr);
    const top = (state.statusWord >> 11) & 7;
    for (let index = 0; index < 8; index++) {
      const at = CpuState.fpu + 16 * ((top + index) & 7);
      state.st(index).set(bytes.subarray(at, at + 10));
      const xmm = CpuState.xmm + 16 * index;
      state.xmm(index).set(bytes.subarray(xmm, xmm + 16));
      const high = CpuState.ymmHigh + 16 * index;
      state.ymmHigh(index).set(bytes.subarray(high, high + 16));
    }
    state.memory.set(bytes.subarray(Layout.ram + WINDOW, Layout.ram + WINDOW + WINDOW_BYTES));
    return state;
  }

  /** The interrupted state, from the frame on the supervisor's stack. */
  #faulted(before: MachineState): VectorOutcome {
    const state = this.#save(before);
    const vector = (this.#eip - handlers) >> 4;
    const hasError = withErrorCode.has(vector);
    const frame = stackTop - (hasError ? 24 : 20);
    const pushed = (at: number): number => this.#ram.getUint32(frame + 4 * at, true);
    const from = hasError ? 1 : 0;
    state.eip = pushed(from);
    state.setSegment(1, pushed(from + 1) & 0xffff);
    state.eflags = pushed(from + 2);
    state.setGpr(4, pushed(from + 3));
    state.setSegment(2, pushed(from + 4) & 0xffff);
    const error = hasError ? pushed(0) : 0;
    const address = vector === 14 ? this.#view.getUint32(CpuState.cr + 16, true) : 0;
    return { state, fault: { vector, error, address } };
  }
}

function segment(
  selector: number,
  attributes: number,
): { selector: number; base: number; limit: number; attributes: number } {
  return { selector, base: 0, limit: 0xffff_ffff, attributes };
}
