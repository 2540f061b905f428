/** A bare CPU with two megabytes of memory, to run sequences on: one tier, or a place to try. */
import { Cpu, cpuModels, Word } from '@ringfence/cpu';
import type { CpuHost, InitialState } from '@ringfence/cpu';
import { CpuState, Layout, MachineMemory, PhysicalMemory } from '@ringfence/memory';

/** Bytes of memory. */
export const ramBytes = 0x20_0000;
/** Below it is the stack of sequences. */
export const stackTop = 0x3_8000;
const runBudget = 1500;
const resumeFlag = 0x1_0000;
const pagingEnabled = 0x8000_0000;
const accessedAndDirty = 0x60;
/** OSFXSR, OSXMMEXCPT and OSXSAVE of CR4, and all components of XCR0. */
const vectorControl = 0x4_0600;
const vectorState = 7;
/** Entries into generated code that a run may take. */
const mostEntries = 130;
/**
 * The most instructions of one call of `run`. Page tables that a sequence has changed are looked at
 * when code is looked up, at the latest where a run begins: so both tiers begin at the same places.
 */
const sliceBudget = 50;
/** Instructions of a sequence that is run again in regions. */
const hotBudget = 600;

/** One tier of a bare CPU with its memory. */
export class Bench {
  readonly machine: MachineMemory = new MachineMemory({ ramBytes });
  readonly cpu: Cpu;

  constructor(accel: 'interpreter' | 'translator') {
    const { machine } = this;
    const physical = new PhysicalMemory(machine);
    physical.mapRam(0, ramBytes, Layout.ram);
    const model = cpuModels.find(({ name }) => name === 'max');
    this.cpu = new Cpu({ machine, physical, host: quietHost, accel, ...(model && { model }) });
    this.#physical = physical;
  }

  readonly #physical: PhysicalMemory;

  /** All of guest memory. */
  get ram(): Uint8Array {
    return this.machine.u8.subarray(Layout.ram, Layout.ram + ramBytes);
  }

  /**
   * Lets instructions run one after the other from a state without an interrupt table: whether the
   * next one, written at EIP, goes on behind itself. It leaves the state as it was if it faults.
   */
  tries(code: Uint8Array): boolean {
    const { cpu, machine } = this;
    const at = machine.i32[Word.rip] ?? 0;
    this.write(at >>> 0, code);
    const end = cpu.run(1);
    const goesOn = end === 'budget' && machine.i32[Word.rip] === at + code.length;
    machine.i32[Word.rip] = goesOn ? at + code.length : at;
    return goesOn;
  }

  /** Has the next trial go on so many bytes behind. */
  skip(bytes: number): void {
    const state = this.machine.i32;
    state[Word.rip] = (state[Word.rip] ?? 0) + bytes;
  }

  /** The first address at which the memories of two tiers differ, -1 if there is none. */
  differsAt(other: Bench): number {
    const [one, two] = [this.ram, other.ram];
    if (Buffer.compare(one, two) === 0) return -1;
    return one.findIndex((byte, at) => byte !== two[at]);
  }

  /** Whether paging is on, by CR0. */
  get paging(): boolean {
    return ((this.machine.i32[Word.cr0] ?? 0) & pagingEnabled) !== 0;
  }

  /** A sum over page tables of a page each, without what walks set. */
  mapping(tables: readonly number[]): number {
    const words = this.machine.i32;
    let sum = 0;
    for (const table of tables) {
      const first = (Layout.ram + table) >> 2;
      for (let at = first; at < first + 1024; at++) {
        sum = (Math.imul(sum, 31) + ((words[at] ?? 0) & ~accessedAndDirty)) | 0;
      }
    }
    return sum;
  }

  /** Puts bytes into memory as a device would, so that decoded code follows. */
  write(address: number, bytes: Uint8Array): void {
    this.#physical.write(address, bytes);
  }

  /** Runs a sequence; returns what the run ended with and a text of the registers. */
  run(initial: InitialState): readonly [end: string, state: string] {
    this.start(initial);
    return [this.#runTo(runBudget, sliceBudget), this.#stateText()];
  }

  /** The same a second time, with what the first run met of the page translated. */
  runHot(initial: InitialState): readonly [end: string, state: string] {
    const { cpu } = this;
    this.start(initial);
    const linear = (initial.cs.base + initial.eip) | 0;
    const physical = cpu.shadow.inspect(linear);
    const page = Math.floor(physical / 4096);
    if (page >= 0) cpu.regions?.compile(linear, page, [linear & 4095], 'asked for');
    const end = this.#runTo(hotBudget, hotBudget);
    cpu.regions?.sample();
    return [end, this.#stateText()];
  }

  /**
   * Runs up to a number of instructions that is the same in both tiers, and no longer than so many
   * entries: exceptions may retire nothing.
   */
  #runTo(instructions: number, slice: number): string {
    const { cpu } = this;
    const last = cpu.instructions + instructions;
    for (let entries = 0; cpu.instructions < last; entries++) {
      if (entries === mostEntries) return 'entries';
      const end = cpu.run(Math.min(slice, last - cpu.instructions));
      if (end !== 'budget') return end;
    }
    return 'budget';
  }

  /** Puts the CPU into a state. */
  start(initial: InitialState): void {
    const { cpu, machine } = this;
    cpu.start(initial);
    this.#enableVectors(initial.gpr);
    if ((initial.cs.attributes & 0x60) === 0) return;
    machine.i32[Word.cpl] = 3;
    cpu.shadow.setPrivilege(true, false);
    cpu.segmentation.updateMode();
  }

  /** For odd ECX: SSE and AVX can be used, and their registers hold something. */
  #enableVectors(gpr: readonly number[]): void {
    const { cpu, machine } = this;
    const [seed = 0, choice = 0] = gpr;
    if ((choice & 1) === 0) return;
    cpu.control.write(4, vectorControl);
    machine.i32[CpuState.xcr0 >> 2] = vectorState;
    for (let word = 0; word < 64; word++) {
      machine.i32[(CpuState.xmm >> 2) + word] = Math.imul(seed + word, 0x9e37_79b1);
    }
  }

  #stateText(): string {
    const { cpu, machine } = this;
    const registers = machine.i32.slice(Word.gpr, Word.gpr + 16);
    // RF is cleared at the end of a slice.
    const flags = cpu.eflags() & ~resumeFlag;
    const words = [...registers, machine.i32[Word.rip] ?? 0, flags];
    const memory = machine.u8.subarray(Layout.ram + stackTop - 256, Layout.ram + stackTop);
    let sum = 0;
    for (const byte of memory) sum = (Math.imul(sum, 31) + byte) | 0;
    const vectors = machine.i32.subarray(CpuState.xmm >> 2, (CpuState.xmm >> 2) + 64);
    const floats = machine.i32.subarray(CpuState.fpu >> 2, (CpuState.fpu >> 2) + 32);
    return `${words.join()} ${sum} ${vectors.join()} ${floats.join()}`;
  }
}

/** A host without devices. */
export const quietHost: CpuHost = {
  ports: { read: (_port, bytes) => 2 ** (8 * bytes) - 1, write: () => undefined },
  interrupts: { requested: false, acknowledge: () => 0x20 },
  hypercalls: {
    present: false,
    cpuid: () => undefined,
    readMsr: () => undefined,
    writeMsr: () => 'absent',
    hypercall: () => false,
  },
  tsc: () => 0,
  random: () => 4,
};
