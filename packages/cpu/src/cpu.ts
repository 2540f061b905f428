import { CodeCache } from '@ringfence/code-cache';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { CpuState, definedFlags, ExitReason, readEflags, writeEflags } from '@ringfence/memory';
import type { SegmentationHost } from '@ringfence/segmentation';
import {
  faultFromFields,
  InterruptKind,
  noErrorCode,
  noFault,
  Segmentation,
} from '@ringfence/segmentation';
import { ShadowPaging } from '@ringfence/shadow-paging';
import { Callout, hotVariants, Interpreter } from '@ringfence/translator';
import { Callouts } from './callouts.ts';
import { ControlRegisters } from './control-registers.ts';
import { deliver, deliverFault } from './exceptions.ts';
import { GuestAccess } from './guest-access.ts';
import { InstructionFetch } from './instruction-fetch.ts';
import { makeInterpreterHost } from './interpreter-host.ts';
import type { InitialState } from './initial-state.ts';
import { writeInitialState } from './initial-state.ts';
import type { CpuHost, CpuStatistics, CpuStop } from './interfaces.ts';
import type { CpuModel } from './model.ts';
import { cpuModels } from './model.ts';
import { ModelSpecificRegisters } from './model-specific-registers.ts';
import { Regions, sampleInterval } from './regions.ts';
import { restoreWords, saveWords } from './saved-cpu.ts';
import type { SavedCpu } from './saved-cpu.ts';
import { Cr0, Eflag, Word } from './state-view.ts';

/** What a virtual CPU is made of. */
export interface CpuOptions {
  readonly machine: MachineMemory;
  readonly physical: PhysicalMemory;
  readonly host: CpuHost;
  /** Default: the first of `cpuModels`. */
  readonly model?: CpuModel;
  /** Whether hot code is translated; default `interpreter`. */
  readonly accel?: 'interpreter' | 'translator';
}

/** The most instructions of one entry into generated code: bounds how long the host waits. */
const maximumSlice = 0x4000_0000;

/**
 * What each entry into generated code takes from the budget of `run`, beside its instructions.
 *
 * Exceptions whose handlers fault at once retire little or nothing and must not hold the host.
 */
const entryCost = 100;

/**
 * Work of the host, in slow accesses or callouts, after which `run` returns: about 5 ms.
 *
 * A repeated string instruction makes a thousand of them and counts as one instruction, so the
 * budget alone would let a guest hold the host for half a minute.
 */
const maximumWork = 8192;

/** DR6.BS: a single step (SDM 3B 17.2.3). */
const debugStatusStep = 1 << 14;

/**
 * The virtual CPU: runs guest code by the interpreter, delivers exceptions and interrupts.
 *
 * Its architectural state is in the machine's linear memory (`CpuState`); what is kept here are
 * MSRs and counters.
 */
export class Cpu {
  readonly segmentation: Segmentation;
  readonly shadow: ShadowPaging;
  readonly cache: CodeCache;
  readonly registers: ModelSpecificRegisters = new ModelSpecificRegisters();
  readonly control: ControlRegisters;
  readonly access: GuestAccess;
  readonly model: CpuModel;
  /** The translator tier, if there is one. */
  readonly regions: Regions | undefined;
  readonly #state: Int32Array;
  readonly #host: CpuHost;
  readonly #interpreter: Interpreter;
  readonly #callouts: Callouts;
  #retired = 0;
  #tscOffset = 0;
  /** Instruction count at which maskable interrupts stay blocked (STI, MOV SS). */
  #shadowAt = -1;
  #halted = false;
  #nmi = false;
  #nmiBlocked = false;
  readonly #exits: Record<string, number> = {};

  constructor(options: CpuOptions) {
    const { machine, physical, host } = options;
    const state = machine.i32;
    this.#state = state;
    this.#host = host;
    this.model = options.model ?? (cpuModels[0] as CpuModel);
    this.cache = new CodeCache(physical);
    this.shadow = new ShadowPaging(
      physical,
      { execEntry: (page) => this.cache.entry(page) },
      { physicalBits: this.model.physicalBits },
    );
    this.cache.attach(this.shadow);
    this.access = new GuestAccess(machine, physical, this.shadow);
    this.segmentation = new Segmentation({
      words: state,
      memory: this.access,
      host: this.#segmentationHost(),
    });
    this.control = new ControlRegisters(state, this.shadow, this.segmentation, this.model);
    const fetch = new InstructionFetch(machine, physical, this.access, this.cache);
    this.#callouts = new Callouts({
      state,
      segmentation: this.segmentation,
      control: this.control,
      registers: this.registers,
      access: this.access,
      host,
      model: this.model,
      attention: () => {
        this.attention();
      },
      shadowInterrupts: () => {
        this.#shadowAt = this.instructions;
      },
      tsc: () => this.tsc(),
      setTsc: (value) => {
        this.#tscOffset = value - host.tsc();
        host.tscWritten?.();
      },
    });
    const charge = (work: number): void => {
      this.#charge(work);
    };
    this.#interpreter = new Interpreter(
      machine.memory,
      makeInterpreterHost(fetch, this.access, this.#callouts, charge),
      hotVariants(),
    );
    fetch.attach(this.#interpreter);
    if (options.accel === 'translator') {
      const inspect = (linear: number): number => this.shadow.inspect(linear);
      const now = (): number => host.monotonicMs?.() ?? 0;
      this.regions = new Regions(machine, physical, this.cache, this.#interpreter, inspect, now);
      fetch.attachRegions(this.regions);
    }
    this.reset();
  }

  /** Retired instructions, exact also while generated code runs. */
  get instructions(): number {
    const state = this.#state;
    return this.#retired + (state[Word.runBudget] ?? 0) - (state[Word.budget] ?? 0);
  }

  /** Whether HLT stands and no interrupt has ended it. */
  get halted(): boolean {
    return this.#halted;
  }

  /** Whether maskable interrupts are enabled. */
  get interruptsEnabled(): boolean {
    return ((this.#state[Word.eflags] ?? 0) & Eflag.if) !== 0;
  }

  /** EFLAGS as PUSHFD would store it with nothing hidden. */
  eflags(): number {
    return readEflags(this.#state);
  }

  /** The time-stamp counter as the guest reads it. */
  tsc(): number {
    return Math.max(0, this.#host.tsc() + this.#tscOffset);
  }

  /** Counters. */
  statistics(): CpuStatistics {
    const exits = { ...this.#exits };
    for (const [name, number] of Object.entries(Callout)) {
      const count = this.#callouts.counts[number] ?? 0;
      if (count > 0) exits[name] = count;
    }
    return { instructions: this.instructions, exits };
  }

  /** State as after power-up or reset (SDM 3A table 9-1). */
  reset(): void {
    const state = this.#state;
    state.fill(0, Word.gpr, Word.gpr + 0x100);
    state[Word.faultVector] = -1;
    this.registers.reset();
    this.#tscOffset = 0;
    this.#halted = false;
    this.#nmi = false;
    this.#nmiBlocked = false;
    this.#shadowAt = -1;
    state[Word.eflags] = 2;
    state[Word.cr0] = Cr0.cd | Cr0.nw | Cr0.et;
    state[Word.dr + 12] = 0xffff_0ff0 | 0;
    state[Word.dr + 14] = 0x400;
    state[Word.gpr + 4] = this.model.signature;
    state[CpuState.fpuControl >> 2] = 0x40;
    state[CpuState.mxcsr >> 2] = 0x1f80;
    this.segmentation.reset();
    state[Word.rip] = 0xfff0;
    this.shadow.setControl(state[Word.cr0] ?? 0, 0, 0);
    this.shadow.loadCr3(0);
    this.segmentation.updateMode();
    this.#privilegeChanged();
  }

  /** Puts the CPU into the state in which a boot protocol starts it. */
  start(initial: InitialState): void {
    this.reset();
    const state = this.#state;
    writeInitialState(state, initial);
    writeEflags(state, initial.eflags, definedFlags);
    this.shadow.setControl(state[Word.cr0] ?? 0, 0, 0);
    this.segmentation.updateMode();
    this.#privilegeChanged();
  }

  /** Returns a copy of the state; to be called between two runs. */
  save(): SavedCpu {
    return {
      words: saveWords(this.#state),
      registers: this.registers.save(),
      pageDirectories: this.shadow.pageDirectories,
      retired: this.#retired,
      translated: this.regions?.statistics.instructions ?? 0,
      tscOffset: this.#tscOffset,
      shadowAt: this.#shadowAt,
      halted: this.#halted,
      nmi: this.#nmi,
      nmiBlocked: this.#nmiBlocked,
    };
  }

  /** Takes over a saved state; what was decoded and shadowed before must not be used again. */
  restore(saved: SavedCpu): void {
    this.reset();
    const state = this.#state;
    restoreWords(state, saved.words);
    this.registers.restore(saved.registers);
    this.#retired = saved.retired;
    this.#tscOffset = saved.tscOffset;
    this.#shadowAt = saved.shadowAt;
    this.#halted = saved.halted;
    this.#nmi = saved.nmi;
    this.#nmiBlocked = saved.nmiBlocked;
    if (this.regions !== undefined) this.regions.statistics.instructions = saved.translated;
    this.shadow.restore(
      [Word.cr0, Word.cr3, Word.cr4, Word.efer].map((word) => state[word] ?? 0),
      saved.pageDirectories,
    );
    this.segmentation.updateMode();
    this.#privilegeChanged();
  }

  /** Asks generated code to return after the current instruction: an interrupt may be due. */
  attention(): void {
    const state = this.#state;
    state[Word.runBudget] = (state[Word.runBudget] ?? 0) - (state[Word.budget] ?? 0);
    state[Word.budget] = 0;
  }

  /** Requests a non-maskable interrupt. */
  raiseNmi(): void {
    this.#nmi = true;
    this.attention();
  }

  /** Runs up to `budget` instructions; see `CpuStop`. */
  run(budget: number): CpuStop {
    let end = this.#retired + budget;
    while (this.#retired < end) {
      if (!this.#takeInterrupts()) return 'tripleFault';
      if (this.#halted) return 'halt';
      const requestsBefore = this.#retired;
      const stop = this.#runSlice(Math.min(end - this.#retired, maximumSlice));
      if (stop !== undefined) return stop;
      if (this.cache.needsCollect) this.cache.collect();
      end -= entryCost;
      if (this.#returnEarly) {
        this.#returnEarly = false;
        if (this.#retired > requestsBefore) return 'budget';
      }
    }
    return 'budget';
  }

  /** Set by whoever needs `run` to return to its caller, not only to look at interrupts. */
  #returnEarly = false;

  /** Makes `run` return to its caller after the current instruction. */
  yield(): void {
    this.#returnEarly = true;
    this.attention();
  }

  /** Takes note of work that the host does for the guest, and makes `run` return after much. */
  #charge(work: number): void {
    this.#work += work;
    if (this.#work >= maximumWork) {
      this.#work = 0;
      this.yield();
    }
  }

  /** Work of the host since `run` last returned because of it. */
  #work = 0;

  /** One entry into generated code, and the delivery of what it ended with. */
  #runSlice(limit: number): CpuStop | undefined {
    const state = this.#state;
    const stepping = ((state[Word.eflags] ?? 0) & Eflag.tf) !== 0;
    const shadowed = this.#shadowAt === this.#retired && this.#host.interrupts.requested;
    const most = this.regions === undefined ? limit : Math.min(limit, sampleInterval);
    const slice = stepping || shadowed ? 1 : most;
    state[Word.budget] = slice;
    state[Word.runBudget] = slice;
    this.#interpreter.run();
    this.#retired += (state[Word.runBudget] ?? 0) - (state[Word.budget] ?? 0);
    state[Word.budget] = 0;
    state[Word.runBudget] = 0;
    const reason = state[Word.exitReason] ?? 0;
    if (reason === ExitReason.fault || reason === ExitReason.faultAtRip) {
      this.#count('fault');
      const fault = faultFromFields(state[Word.faultVector] ?? -1, state[Word.faultError] ?? 0);
      state[Word.faultVector] = -1;
      if (fault !== noFault && !deliverFault(this.segmentation, fault)) return 'tripleFault';
      return undefined;
    }
    if (reason === ExitReason.halt) {
      this.#count('halt');
      this.#halted = true;
    } else {
      this.#count('budget');
      this.regions?.sample();
    }
    if (stepping && !this.#trapStep()) return 'tripleFault';
    return undefined;
  }

  /** #DB after an instruction that began with TF set (SDM 3B 17.3.1.4). */
  #trapStep(): boolean {
    const state = this.#state;
    if (((state[Word.eflags] ?? 0) & Eflag.tf) === 0) return true;
    state[Word.dr + 12] = (state[Word.dr + 12] ?? 0) | debugStatusStep;
    return deliver(this.segmentation, 1, InterruptKind.trap, noErrorCode);
  }

  /** Delivers an NMI or maskable interrupt that is due; false after a triple fault. */
  #takeInterrupts(): boolean {
    if (this.#nmi && !this.#nmiBlocked && this.#shadowAt !== this.#retired) {
      this.#nmi = false;
      this.#halted = false;
      this.#count('nmi');
      return deliver(this.segmentation, 2, InterruptKind.external, noErrorCode);
    }
    const { interrupts } = this.#host;
    if (!interrupts.requested || !this.interruptsEnabled || this.#shadowAt === this.#retired) {
      return true;
    }
    this.#halted = false;
    this.#count('interrupt');
    const vector = interrupts.acknowledge();
    return deliver(this.segmentation, vector, InterruptKind.external, noErrorCode);
  }

  #segmentationHost(): SegmentationHost {
    return {
      onPrivilegeChange: () => {
        this.#privilegeChanged();
      },
      loadCr3: (value) => this.control.writeCr3(value),
      onTaskSwitch: (debugTrap) => {
        this.#taskSwitched(debugTrap);
      },
    };
  }

  #privilegeChanged(): void {
    const state = this.#state;
    const user = state[Word.cpl] === 3;
    this.shadow.setPrivilege(user, ((state[Word.eflags] ?? 0) & Eflag.ac) !== 0);
  }

  #taskSwitched(debugTrap: boolean): void {
    if (!debugTrap) return;
    const state = this.#state;
    state[Word.dr + 12] = (state[Word.dr + 12] ?? 0) | (1 << 15);
    deliver(this.segmentation, 1, InterruptKind.trap, noErrorCode);
  }

  #count(cause: string): void {
    this.#exits[cause] = (this.#exits[cause] ?? 0) + 1;
  }
}
