import { CodeCache } from '@ringfence/code-cache';
import { definedFlags, readEflags, writeEflags } from '@ringfence/memory';
import type { SegmentationHost } from '@ringfence/segmentation';
import { Segmentation } from '@ringfence/segmentation';
import { ShadowPaging } from '@ringfence/shadow-paging';
import { Callout } from '@ringfence/translator';
import type { CalloutContext } from './callout-outcome.ts';
import { Callouts } from './callouts.ts';
import { ControlRegisters } from './control-registers.ts';
import { DebugStatus, DebugUnit } from './debug-unit.ts';
import { Events } from './events.ts';
import { GuestAccess } from './guest-access.ts';
import type { InitialState } from './initial-state.ts';
import { keptByInit, writeInitialState, writeResetState } from './initial-state.ts';
import type { CpuHost, CpuOptions, CpuStatistics, CpuStop } from './interfaces.ts';
import type { CpuModel } from './model.ts';
import { cpuModels } from './model.ts';
import { ModelSpecificRegisters } from './model-specific-registers.ts';
import type { Regions } from './regions.ts';
import { restoreWords, saveWords } from './saved-cpu.ts';
import type { SavedCpu } from './saved-cpu.ts';
import { Cr4, Eflag, Word } from './state-view.ts';
import { Slices } from './slices.ts';
import { makeTiers } from './tiers.ts';
import { TimeStampCounter } from './time-stamp-counter.ts';

/** The most instructions of one entry into generated code: bounds how long the host waits. */
const maximumSlice = 0x4000_0000;

/**
 * Work of the host, in slow accesses or callouts, after which `run` returns: about 5 ms.
 *
 * A repeated string instruction makes a thousand of them and counts as one instruction, so the
 * budget alone would let a guest hold the host for half a minute.
 */
const maximumWork = 8192;

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
  readonly registers: ModelSpecificRegisters;
  readonly control: ControlRegisters;
  readonly access: GuestAccess;
  readonly model: CpuModel;
  /** The translator tier, if there is one. */
  readonly regions: Regions | undefined;
  readonly #state: Int32Array;
  readonly #host: CpuHost;
  readonly #slices: Slices;
  readonly #callouts: Callouts;
  readonly #tsc: TimeStampCounter;
  /** Breakpoints, the guest's and those of a debugger. */
  readonly debug: DebugUnit;
  readonly #events: Events;
  readonly #exits: Record<string, number> = {};

  constructor(options: CpuOptions) {
    const { machine, physical, host } = options;
    const state = machine.i32;
    this.#state = state;
    this.#host = host;
    this.#tsc = new TimeStampCounter(host);
    this.model = options.model ?? (cpuModels[0] as CpuModel);
    const { has } = this.model;
    this.registers = new ModelSpecificRegisters(this.model, state);
    this.cache = new CodeCache(physical);
    this.shadow = new ShadowPaging(
      physical,
      {
        execEntry: (page, linear) => (this.debug.watchesCode(linear) ? 0 : this.cache.entry(page)),
        isWatched: (linear) => this.debug.watchesData(linear),
      },
      { physicalBits: this.model.physicalBits, softwareBits: options.softwareBits === true },
    );
    this.cache.attach(this.shadow);
    this.debug = new DebugUnit(
      state,
      () => {
        this.shadow.flush();
      },
      () => {
        this.attention();
      },
    );
    this.debug.stackHidesCode = this.model.vendor === 'GenuineIntel';
    this.access = new GuestAccess(machine, physical, this.shadow, this.debug);
    this.segmentation = new Segmentation({
      words: state,
      memory: this.access,
      host: this.#segmentationHost(),
    });
    this.control = new ControlRegisters(state, this.shadow, this.segmentation, this.model, () => {
      this.debug.update();
      // CR4.SMAP makes EFLAGS.AC count, which nobody was told of while it was clear.
      this.#privilegeChanged();
    });
    const count = (cause: string): void => this.#count(cause);
    this.#events = new Events(state, this.segmentation, host.interrupts, this.debug, count);
    this.#callouts = new Callouts(this.#calloutContext());
    const tiers = makeTiers({
      machine,
      physical,
      host,
      access: this.access,
      cache: this.cache,
      debug: this.debug,
      shadow: this.shadow,
      callouts: this.#callouts,
      features: has,
      translates: options.accel === 'translator',
      charge: (work) => this.#charge(work),
    });
    this.regions = tiers.regions;
    this.#slices = new Slices({
      state,
      host,
      tiers,
      segmentation: this.segmentation,
      access: this.access,
      debug: this.debug,
      events: this.#events,
      count,
    });
    this.reset();
  }

  /** Retired instructions, exact also while generated code runs. */
  get instructions(): number {
    const state = this.#state;
    return this.#slices.retired + (state[Word.runBudget] ?? 0) - (state[Word.budget] ?? 0);
  }

  /** Whether HLT stands and no interrupt has ended it. */
  get halted(): boolean {
    return this.#events.halted;
  }

  /** Whether maskable interrupts are enabled. */
  get interruptsEnabled(): boolean {
    return ((this.#state[Word.eflags] ?? 0) & Eflag.if) !== 0;
  }

  /** Whether anything can end HLT, or what stands for it: an interrupt, or what is waited for. */
  get canWake(): boolean {
    return this.interruptsEnabled || this.#events.wait !== undefined;
  }

  /** EFLAGS as PUSHFD would store it with nothing hidden. */
  eflags(): number {
    return readEflags(this.#state);
  }

  /** The time-stamp counter as the guest reads it. */
  tsc(): number {
    return this.#tsc.value();
  }

  /** What the guest added to the counter: its low and its high word. */
  get tscOffset(): readonly [low: number, high: number] {
    return this.#tsc.offset;
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
    this.registers.reset();
    this.#tsc.offset = [0, 0];
    this.#events.reset();
    writeResetState(state, this.model.signature);
    state[Word.pointersByError] = this.model.has.has('XSAVEERPTR') ? 1 : 0;
    this.debug.update();
    this.segmentation.reset();
    state[Word.rip] = 0xfff0;
    this.shadow.setControl(state[Word.cr0] ?? 0, 0, 0);
    this.shadow.loadCr3(0);
    this.segmentation.updateMode();
    this.#privilegeChanged();
  }

  /**
   * The INIT signal: as a reset, but that x87 and SSE registers, MSRs, the time-stamp counter and
   * the caches' switches stay (SDM 3A table 9-1).
   */
  init(): void {
    const putBack = keptByInit(this.#state, this.registers);
    const { offset } = this.#tsc;
    this.reset();
    putBack();
    this.#tsc.offset = offset;
    this.shadow.setControl(this.#state[Word.cr0] ?? 0, 0, 0);
  }

  /** Puts the CPU into the state in which a boot protocol starts it. */
  start(initial: InitialState): void {
    this.reset();
    const state = this.#state;
    writeInitialState(state, initial);
    writeEflags(state, initial.eflags, definedFlags);
    for (const msr of initial.msrs ?? []) this.registers.write(...msr);
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
      retired: this.#slices.retired,
      translated: this.regions?.statistics.instructions ?? 0,
      tscOffset: this.tscOffset,
      events: this.#events.save(),
    };
  }

  /** Takes over a saved state; what was decoded and shadowed before must not be used again. */
  restore(saved: SavedCpu): void {
    this.reset();
    const state = this.#state;
    restoreWords(state, saved.words);
    this.registers.restore(saved.registers);
    this.#slices.retired = saved.retired;
    this.#tsc.offset = saved.tscOffset;
    this.#events.restore(saved.events);
    if (this.regions !== undefined) this.regions.statistics.instructions = saved.translated;
    this.shadow.restore(
      [Word.cr0, Word.cr3, Word.cr4, Word.efer].map((word) => state[word] ?? 0),
      saved.pageDirectories,
    );
    this.debug.update();
    this.segmentation.updateMode();
    this.#privilegeChanged();
  }

  /** Asks generated code to return after the current instruction: an interrupt may be due. */
  attention(): void {
    const state = this.#state;
    state[Word.runBudget] = (state[Word.runBudget] ?? 0) - (state[Word.budget] ?? 0);
    state[Word.budget] = 0;
  }

  /**
   * Waits as HLT does, after the instruction that runs; false with interrupts disabled, and then
   * nothing is done.
   */
  halt(): boolean {
    if (!this.interruptsEnabled) return false;
    this.#events.halted = true;
    this.attention();
    return true;
  }

  /**
   * Waits after the instruction that runs, until `isOver` or an interrupt is requested, whether it
   * is taken or not; `end` is called then.
   */
  waitFor(isOver: () => boolean, end: () => void): void {
    this.#events.wait = { isOver, end };
    this.#events.halted = true;
    this.attention();
  }

  /** Requests a non-maskable interrupt. */
  raiseNmi(): void {
    this.#events.raiseNmi();
    this.attention();
  }

  /** Runs up to `budget` instructions; see `CpuStop`. */
  run(budget: number): CpuStop {
    let end = this.#slices.retired + budget;
    while (this.#slices.retired < end) {
      if (!this.#events.take(this.#slices.retired)) return 'tripleFault';
      if (this.#events.halted) return 'halt';
      const requestsBefore = this.#slices.retired;
      const stop = this.#slices.run(Math.min(end - this.#slices.retired, maximumSlice));
      if (stop !== undefined) return stop;
      if (this.cache.needsCollect) this.cache.collect();
      end -= this.#slices.cost;
      if (this.#returnEarly) {
        this.#returnEarly = false;
        if (this.#slices.retired > requestsBefore) return 'budget';
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

  #interruptReturned(): void {
    if (((this.#state[Word.cr4] ?? 0) & Cr4.smap) !== 0) this.#privilegeChanged();
    if (this.#events.interruptReturned(this.instructions)) this.attention();
  }

  /** What callouts need of this CPU. */
  #calloutContext(): CalloutContext {
    const state = this.#state;
    const host = this.#host;
    return {
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
      debug: this.debug,
      events: this.#events,
      shadowInterrupts: (kind) => {
        if (this.#events.shadow(kind, this.instructions)) this.attention();
      },
      alignmentCheckChanged: () => {
        if (((state[Word.cr4] ?? 0) & Cr4.smap) !== 0) this.#privilegeChanged();
      },
      interruptReturned: () => {
        this.#interruptReturned();
      },
      softwareInterrupt: () => {
        this.#slices.softwareInterrupt();
      },
      tsc: this.#tsc,
    };
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

  /**
   * A task switch clears local breakpoints, and traps in the new task if its T bit is set: not in
   * the next one, where a double fault goes on to another task at once.
   */
  #taskSwitched(debugTrap: boolean): void {
    this.debug.update();
    this.#events.taskSwitched(this.instructions);
    this.debug.pending &= ~DebugStatus.taskSwitch;
    if (debugTrap) this.debug.pending |= DebugStatus.taskSwitch;
    this.attention();
  }

  #count(cause: string): void {
    this.#exits[cause] = (this.#exits[cause] ?? 0) + 1;
  }
}
