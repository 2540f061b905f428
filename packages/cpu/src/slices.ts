/**
 * Entries into generated code: how many instructions each may run, and what it ended with.
 *
 * A slice is one instruction long while something has to be seen after each: single steps, what a
 * shadow holds off, RF at a breakpoint, an ignored floating-point error.
 */
import { ExitReason, SegmentRegister } from '@ringfence/memory';
import type { Segmentation } from '@ringfence/segmentation';
import {
  faultFromFields,
  faultVector,
  faultWithError,
  noFault,
  Vector,
} from '@ringfence/segmentation';
import { DebugStatus, type DebugUnit } from './debug-unit.ts';
import { type Events, noteDebugFault } from './events.ts';
import { deliverFault } from './exceptions.ts';
import { hasPendingError, hidePendingError, showPendingError } from './floating-point-error.ts';
import type { GuestAccess } from './guest-access.ts';
import type { CpuHost, CpuStop } from './interfaces.ts';
import { accessedSegment } from './segment-wrap.ts';
import { Cr0, Eflag, Word } from './state-view.ts';
import type { Tiers } from './tiers.ts';

/**
 * What each entry into generated code, and each page fault that is delivered there, takes from the
 * budget of `Cpu.run`, beside its instructions.
 *
 * Exceptions whose handlers fault at once retire little or nothing and must not hold the host.
 */
const entryCost = 100;

/** What slices are run with. */
export interface SliceParts {
  readonly state: Int32Array;
  readonly host: CpuHost;
  readonly tiers: Tiers;
  readonly segmentation: Segmentation;
  readonly access: GuestAccess;
  readonly debug: DebugUnit;
  readonly events: Events;
  readonly count: (cause: string) => void;
}

/** Runs slices of one virtual CPU, and counts what they retire. */
export class Slices {
  /** Retired instructions up to the last slice. */
  retired: number = 0;
  /** What the last slice takes from a budget of instructions, beside those. */
  cost: number = entryCost;
  readonly #parts: SliceParts;
  readonly #state: Int32Array;
  /** Whether the running instruction is a software interrupt: it ends without a trap. */
  #interrupted = false;

  constructor(parts: SliceParts) {
    this.#parts = parts;
    this.#state = parts.state;
  }

  /** INT n, INT3, INTO or INT1 is being delivered. */
  softwareInterrupt(): void {
    this.#interrupted = true;
  }

  /** One entry into generated code, and the delivery of what it ended with. */
  run(limit: number): CpuStop | undefined {
    const state = this.#state;
    const { debug, events, tiers, host, count } = this.#parts;
    const stepping = ((state[Word.eflags] ?? 0) & Eflag.tf) !== 0;
    const single = stepping || debug.stepping;
    const most = Math.min(limit, tiers.regions?.interval ?? limit);
    const slice = single || this.#looksAfterEach() ? 1 : most;
    state[Word.singleElements] = single || debug.dataActive || debug.portsActive ? 1 : 0;
    state[Word.budget] = slice;
    state[Word.runBudget] = slice;
    const faults = Math.trunc(slice / entryCost);
    state[Word.faultsLeft] = faults;
    state[Word.repeatedAt] = -1;
    this.#interrupted = false;
    events.beforeSlice();
    tiers.interpreter.run();
    this.cost = entryCost * (1 + faults - (state[Word.faultsLeft] ?? 0));
    events.afterSlice(this.retired);
    const retired = (state[Word.runBudget] ?? 0) - (state[Word.budget] ?? 0);
    this.retired += retired;
    const repeats = state[Word.repeatedAt] === state[Word.budget];
    if (retired !== 0) events.inRepeat = repeats && state[Word.exitReason] === ExitReason.budget;
    state[Word.budget] = 0;
    state[Word.runBudget] = 0;
    const { coprocessor } = host;
    if (coprocessor !== undefined) {
      showPendingError(state);
      if (coprocessor.ignored && !hasPendingError(state)) coprocessor.ended();
    }
    const { codeBase } = this.#parts.access;
    // A fault that becomes a double fault saves the RF that earlier instructions have cleared.
    if (retired !== 0) events.updateResumeFlag(this.retired, codeBase);
    const reason = state[Word.exitReason] ?? 0;
    if (reason === ExitReason.fault || reason === ExitReason.faultAtRip) {
      const stop = this.#deliverFault();
      return stop ?? this.#debugStop();
    }
    if (reason === ExitReason.halt) {
      count('halt');
      events.halted = true;
    } else {
      count('budget');
      tiers.regions?.sample(retired);
    }
    if (retired === 0) {
      events.keepResumeFlag(codeBase);
      return debug.stop === undefined ? undefined : 'debug';
    }
    const traps = stepping && !this.#interrupted && !events.isStackShadow(this.retired);
    if (traps) debug.pending |= DebugStatus.step;
    return this.#debugStop();
  }

  /** Whether events, RF or a floating-point error are to be looked at after one instruction. */
  #looksAfterEach(): boolean {
    const { debug, events, host } = this.#parts;
    const resumes = debug.codeActive && ((this.#state[Word.eflags] ?? 0) & Eflag.rf) !== 0;
    return resumes || events.isHeldOff(this.retired) || host.coprocessor?.ignored === true;
  }

  /** What the debugger is told after an instruction. */
  #debugStop(): CpuStop | undefined {
    const { debug } = this.#parts;
    if (debug.stepping) debug.stop ??= { kind: 'step', linear: this.#state[Word.rip] ?? 0 };
    return debug.stop === undefined ? undefined : 'debug';
  }

  /** The fault that generated code ended with; undefined to go on. */
  #deliverFault(): CpuStop | undefined {
    const state = this.#state;
    const { debug, segmentation, host, count } = this.#parts;
    count('fault');
    let fault = faultFromFields(state[Word.faultVector] ?? -1, state[Word.faultError] ?? 0);
    state[Word.faultVector] = -1;
    const { access } = this.#parts;
    if (access.roundAt !== undefined) {
      const segment = accessedSegment(state, access, access.roundAt);
      access.roundAt = undefined;
      if (segment >= SegmentRegister.fs) return this.#goRound();
      if (segment === SegmentRegister.ss) fault = faultWithError(Vector.stackFault, 0);
    }
    const { coprocessor } = host;
    const isError = faultVector(fault) === Vector.floatingPoint;
    if (isError && coprocessor !== undefined && ((state[Word.cr0] ?? 0) & Cr0.ne) === 0) {
      return this.#signalError();
    }
    if (faultVector(fault) === Vector.invalidOpcode && this.#skipMark()) return undefined;
    if (faultVector(fault) === Vector.debug) noteDebugFault(state, debug.pending);
    // What a faulting instruction had accessed before is not reported.
    debug.pending = 0;
    if (fault !== noFault && !deliverFault(segmentation, fault)) return 'tripleFault';
    return undefined;
  }

  /** Does the instruction at EIP, whose access goes round the linear addresses alone. */
  #goRound(): CpuStop | undefined {
    const { access } = this.#parts;
    access.allowsRound = true;
    const stop = this.run(1);
    access.allowsRound = false;
    return stop;
  }

  /**
   * Skips a mark in front of an instruction that a paravirtual interface wants executed; it is one
   * only where all of it is within the code segment.
   */
  #skipMark(): boolean {
    const state = this.#state;
    const { host, access } = this.#parts;
    const eip = state[Word.rip] ?? 0;
    const bytes = host.hypercalls.forcedPrefix?.((eip + access.codeBase) | 0) ?? 0;
    if (bytes === 0 || (eip >>> 0) + bytes - 1 > access.codeLimit) {
      return false;
    }
    state[Word.rip] = (eip + bytes) | 0;
    return true;
  }

  /**
   * A floating-point error with CR0.NE clear: the interrupt that FERR# asks for comes first; where
   * none can come, or with IGNNE#, the instruction is done in spite of the error.
   */
  #signalError(): CpuStop | undefined {
    const { coprocessor, interrupts } = this.#parts.host;
    if (coprocessor?.ignored === false) {
      coprocessor.raise();
      const enabled = ((this.#state[Word.eflags] ?? 0) & Eflag.if) !== 0;
      if (interrupts.requested && enabled) return undefined;
    }
    hidePendingError(this.#state);
    return this.run(1);
  }
}
