/** Runs the cases of `@ringfence/native-vectors` on a test machine. */
import type { VectorCase, VectorFault } from '@ringfence/native-vectors';
import {
  CODE,
  CODE_REGION,
  DATA,
  DATA_END,
  MachineState,
  REGION_BYTES,
  StateOffset,
  WINDOW,
  WINDOW_BYTES,
} from '@ringfence/native-vectors';
import { CpuState, Layout, readEflags, segmentBytes, writeEflags } from '@ringfence/memory';
import { TestMachine } from './test-machine.ts';

/** Most steps of a repeated instruction. */
const maximumSteps = 64;
const lowRegion = 0x4000;

/** What running a case gave. */
export interface VectorOutcome {
  readonly state: MachineState;
  readonly fault: VectorFault | undefined;
  /** Whether a callout was made: the result depends on a host. */
  readonly needsHost: boolean;
}

/** One machine that runs case after case. */
export class VectorRunner {
  readonly #machine: TestMachine;

  /** Without `flat`, bases and limits of all segments are looked at. */
  constructor(flat = true) {
    this.#machine = new TestMachine(32, flat);
    const inside = (page: number, first: number, bytes: number): boolean =>
      page >= first && page < first + bytes;
    this.#machine.map(
      (page) =>
        inside(page, DATA, DATA_END - DATA) ||
        inside(page, CODE_REGION, REGION_BYTES) ||
        inside(page, lowRegion, REGION_BYTES),
    );
  }

  run(vector: VectorCase): VectorOutcome {
    const machine = this.#machine;
    this.#load(vector.before);
    machine.executeBytes(vector.code, 1, CODE);
    let needsHost = machine.callouts.length > 0;
    for (let step = 0; step < maximumSteps; step++) {
      if (machine.fault >= 0 || machine.eip !== CODE) break;
      machine.step();
      needsHost ||= machine.callouts.length > 0;
    }
    return { state: this.#save(vector.before), fault: this.#fault(), needsHost };
  }

  #fault(): VectorFault | undefined {
    const machine = this.#machine;
    const vector = machine.fault;
    if (vector < 0) return undefined;
    const hasError = (machine.word(CpuState.faultVector) & 0x100) !== 0;
    const error = hasError ? machine.word(CpuState.faultError) : 0;
    return { vector, error, address: vector === 14 ? machine.word(CpuState.cr + 16) : 0 };
  }

  #load(state: MachineState): void {
    const machine = this.#machine;
    const memory = new Uint8Array(machine.memory.buffer);
    const view = new DataView(state.bytes.buffer, state.bytes.byteOffset);
    memory.fill(0, Layout.ram + DATA, Layout.ram + DATA_END);
    memory.fill(0xcc, Layout.ram + CODE_REGION, Layout.ram + CODE_REGION + REGION_BYTES);
    memory.set(state.memory, Layout.ram + WINDOW);
    memory.set(state.bytes.subarray(0, 64), CpuState.gpr);
    for (let number = 0; number < 6; number++) {
      // An instruction before may have loaded the register.
      machine.setSegment(number, 0, 0xffff_ffff);
      machine.setWord(CpuState.segments + segmentBytes * number, state.segment(number));
    }
    machine.setWord(CpuState.cpl, 3);
    machine.setWord(CpuState.cr, 0x8005_0033 | 0);
    machine.setWord(CpuState.eflags, 2);
    writeEflags(machine.state, state.eflags, -1);
    const fx = StateOffset.fx;
    machine.setWord(CpuState.fpuControl, state.controlWord);
    machine.setWord(CpuState.fpuStatus, state.statusWord);
    machine.setWord(CpuState.fpuTags, state.tags);
    machine.setWord(CpuState.fpuOpcode, view.getUint16(fx + 6, true));
    machine.setWord(CpuState.fpuIp, view.getInt32(fx + 8, true));
    machine.setWord(CpuState.fpuCs, view.getUint16(fx + 12, true));
    machine.setWord(CpuState.fpuDp, view.getInt32(fx + 16, true));
    machine.setWord(CpuState.fpuDs, view.getUint16(fx + 20, true));
    machine.setWord(CpuState.mxcsr, state.mxcsr);
    // OSXSAVE beside what the machine has, and the state of x87, SSE and AVX.
    machine.setWord(CpuState.cr + 32, machine.word(CpuState.cr + 32) | 0x4_0000);
    machine.setWord(CpuState.xcr0, 7);
    const top = (state.statusWord >> 11) & 7;
    for (let index = 0; index < 8; index++) {
      memory.set(state.st(index), CpuState.fpu + 16 * ((top + index) & 7));
      memory.set(state.xmm(index), CpuState.xmm + 16 * index);
      memory.set(state.ymmHigh(index), CpuState.ymmHigh + 16 * index);
    }
  }

  #save(before: MachineState): MachineState {
    const machine = this.#machine;
    const memory = new Uint8Array(machine.memory.buffer);
    const state = new MachineState(before.bytes.slice());
    state.bytes.set(memory.subarray(CpuState.gpr, CpuState.gpr + 64), 0);
    for (let number = 0; number < 6; number++) {
      state.setSegment(number, machine.word(CpuState.segments + segmentBytes * number));
    }
    state.eip = machine.eip;
    state.eflags = readEflags(machine.state);
    state.controlWord = machine.word(CpuState.fpuControl);
    state.statusWord = machine.word(CpuState.fpuStatus);
    state.tags = machine.word(CpuState.fpuTags);
    state.mxcsr = machine.word(CpuState.mxcsr);
    const top = (state.statusWord >> 11) & 7;
    for (let index = 0; index < 8; index++) {
      const at = CpuState.fpu + 16 * ((top + index) & 7);
      state.st(index).set(memory.subarray(at, at + 10));
      const xmm = CpuState.xmm + 16 * index;
      state.xmm(index).set(memory.subarray(xmm, xmm + 16));
      const high = CpuState.ymmHigh + 16 * index;
      state.ymmHigh(index).set(memory.subarray(high, high + 16));
    }
    const window = Layout.ram + WINDOW;
    state.memory.set(memory.subarray(window, window + WINDOW_BYTES));
    return state;
  }
}
