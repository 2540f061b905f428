/**
 * What happens between two instructions: traps of the last one, non-maskable and maskable
 * interrupts, and what holds them off (SDM 3A 6.9, table 6-2).
 */
import type { Segmentation } from '@ringfence/segmentation';
import { InterruptKind, noErrorCode, Vector } from '@ringfence/segmentation';
import { DebugStatus, type DebugUnit, generalDetect } from './debug-unit.ts';
import { deliver } from './exceptions.ts';
import type { InterruptController } from './interfaces.ts';
import { Eflag, Word } from './state-view.ts';

/** Who holds interrupts off before the next instruction (SDM 2B MOV, POP SS, STI). */
export type InterruptShadow = 'sti' | 'stack';

/** What the CPU waits for instead of an interrupt. */
export interface Wait {
  readonly isOver: () => boolean;
  /** Called when the CPU goes on. */
  readonly end: () => void;
  /** Whether requested interrupts end it only where they are taken: the wait of MWAIT. */
  readonly needsEnabled?: boolean;
  /** Whether it may end for no reason, and so is over in a snapshot. */
  readonly mayEnd?: boolean;
}

/** The events that wait, as a snapshot keeps them. */
export interface SavedEvents {
  readonly shadowAt: number;
  readonly stackShadow: boolean;
  readonly halted: boolean;
  readonly nmi: boolean;
  readonly nmiBlocked: boolean;
  /** Bits of DR6 that the next #DB shows. */
  readonly debugPending: number;
  /** Whether it is in the midst of a repeated instruction; not in old snapshots. */
  readonly inRepeat?: boolean;
}

/** The pending events of one virtual CPU. */
export class Events {
  /** Whether HLT stands and nothing has ended it. */
  halted: boolean = false;
  wait: Wait | undefined;
  /** Whether the last instruction is one that repeats, and goes on. */
  inRepeat: boolean = false;
  readonly #state: Int32Array;
  readonly #segmentation: Segmentation;
  readonly #interrupts: InterruptController;
  readonly #debug: DebugUnit;
  readonly #count: (cause: string) => void;
  /** Instruction count at which interrupts are held off. */
  #shadowAt = -1;
  #shadow: InterruptShadow = 'sti';
  /** Instruction count at which IRET loaded RF. */
  #resumeFlagAt = -1;
  #nmi = false;
  #nmiBlocked = false;

  constructor(
    state: Int32Array,
    segmentation: Segmentation,
    interrupts: InterruptController,
    debug: DebugUnit,
    count: (cause: string) => void,
  ) {
    this.#state = state;
    this.#segmentation = segmentation;
    this.#interrupts = interrupts;
    this.#debug = debug;
    this.#count = count;
  }

  /** What a snapshot keeps. */
  save(): SavedEvents {
    return {
      shadowAt: this.#shadowAt,
      stackShadow: this.#shadow === 'stack',
      halted: this.halted && this.wait?.mayEnd !== true,
      nmi: this.#nmi,
      nmiBlocked: this.#nmiBlocked,
      debugPending: this.#debug.pending,
      inRepeat: this.inRepeat,
    };
  }

  restore(saved: SavedEvents): void {
    this.#shadowAt = saved.shadowAt;
    this.#shadow = saved.stackShadow ? 'stack' : 'sti';
    this.halted = saved.halted;
    this.#nmi = saved.nmi;
    this.#nmiBlocked = saved.nmiBlocked;
    this.#debug.pending = saved.debugPending;
    this.inRepeat = saved.inRepeat === true;
  }

  reset(): void {
    this.halted = false;
    this.wait = undefined;
    this.inRepeat = false;
    this.#shadowAt = -1;
    this.#resumeFlagAt = -1;
    this.#nmi = false;
    this.#nmiBlocked = false;
    this.#debug.pending = 0;
  }

  /**
   * Holds interrupts off before the instruction that is number `at`. Returns whether that
   * instruction is to be run alone.
   *
   * Of several loads of SS in a row only the first does so. On processors of Intel it also lets the
   * next instruction pass its breakpoint, as if RF were set (SDM 3A 6.8.3); AMD's stop there.
   */
  shadow(kind: InterruptShadow, at: number): boolean {
    if (kind === 'stack' && this.#shadow === 'stack' && this.#shadowAt === at - 1) return false;
    this.#shadow = kind;
    this.#shadowAt = at;
    const { codeActive, stackHidesCode } = this.#debug;
    if (kind !== 'stack' || !stackHidesCode || !codeActive) return false;
    this.#state[Word.eflags] = (this.#state[Word.eflags] ?? 0) | Eflag.rf;
    this.#resumeFlagAt = at;
    return true;
  }

  /** Tells generated code what it may do without asking, before a slice. */
  beforeSlice(): void {
    const { requested, announces } = this.#interrupts;
    const state = this.#state;
    state[Word.interruptWaits] = requested || announces !== true ? 1 : 0;
    const returnMatters = this.#nmi || this.#nmiBlocked || this.#debug.codeActive;
    state[Word.returnsSlowly] = returnMatters ? 1 : 0;
  }

  /** Takes note of what generated code did in the slice that began at an instruction count. */
  afterSlice(began: number): void {
    const state = this.#state;
    if (state[Word.resumeNoted] !== 0) {
      state[Word.resumeNoted] = 0;
      this.#resumeFlagAt = Math.max(this.#resumeFlagAt, began + (state[Word.resumeAt] ?? 0));
    }
    if (state[Word.shadowNoted] === 0) return;
    state[Word.shadowNoted] = 0;
    const at = began + (state[Word.shadowAt] ?? 0);
    // A load of SS may have come after it.
    if (at > this.#shadowAt) this.shadow('sti', at);
  }

  raiseNmi(): void {
    this.#nmi = true;
  }

  /**
   * IRET was done: the next non-maskable interrupt may come (SDM 3A 6.7.1). Returns whether events
   * are to be looked at before the next instruction.
   */
  interruptReturned(at: number): boolean {
    this.#nmiBlocked = false;
    const flags = this.#state[Word.eflags] ?? 0;
    const resumes = (flags & Eflag.rf) !== 0;
    if (resumes) this.#resumeFlagAt = at;
    return this.#nmi || (flags & Eflag.tf) !== 0 || (resumes && this.#debug.codeActive);
  }

  /** A task was switched to: RF is what its task state says, for its first instruction. */
  taskSwitched(at: number): void {
    if (((this.#state[Word.eflags] ?? 0) & Eflag.rf) !== 0) this.#resumeFlagAt = at;
  }

  /**
   * Clears RF after a slice (SDM 3B 17.3.1.1) unless IRET or a task switch has just loaded it, or
   * the instruction at an instruction breakpoint is still to be done, as in the middle of REP.
   */
  updateResumeFlag(retired: number, codeBase: number): void {
    if (this.keepResumeFlag(codeBase) || this.#resumeFlagAt === retired) return;
    this.#state[Word.eflags] = (this.#state[Word.eflags] ?? 0) & ~Eflag.rf;
  }

  /**
   * Sets RF again where an instruction was fetched that it let pass, and not done: the work of the
   * fetch may have ended the slice. Returns whether it is so.
   */
  keepResumeFlag(codeBase: number): boolean {
    const isPassed = this.#debug.isPassed(this.#state[Word.rip] ?? 0, codeBase);
    if (isPassed) this.#state[Word.eflags] = (this.#state[Word.eflags] ?? 0) | Eflag.rf;
    return isPassed;
  }

  /** Whether an event waits that the shadow at `retired` holds off for one instruction. */
  isHeldOff(retired: number): boolean {
    if (this.#shadowAt !== retired) return false;
    return this.#interrupts.requested || this.#nmi || this.#debug.pending !== 0;
  }

  /** Whether MOV SS or POP SS was the last instruction: it is not trapped (SDM 3B 17.3.1.4). */
  isStackShadow(retired: number): boolean {
    return this.#shadowAt === retired && this.#shadow === 'stack';
  }

  /** Delivers the most important event that is due; false after a triple fault. */
  take(retired: number): boolean {
    const shadowed = this.#shadowAt === retired;
    const stackShadow = shadowed && this.#shadow === 'stack';
    if (this.wait !== undefined) this.#lookAtWait();
    if (this.#debug.pending !== 0 && !stackShadow && !this.#takeTrap()) return false;
    // A debugger that steps means the instruction that it sees: interrupts only end HLT.
    if (this.#debug.stepping) {
      if (this.#nmi || this.#interrupts.requested) this.#wake();
      return true;
    }
    if (this.#nmi && !this.#nmiBlocked && !stackShadow) {
      this.#nmi = false;
      this.#nmiBlocked = true;
      this.#wake();
      this.#count('nmi');
      return this.#deliver(Vector.nmi, InterruptKind.external);
    }
    const enabled = ((this.#state[Word.eflags] ?? 0) & Eflag.if) !== 0;
    if (!enabled || shadowed || !this.#interrupts.requested) return true;
    this.#wake();
    this.#count('interrupt');
    return this.#deliver(this.#interrupts.acknowledge(), InterruptKind.external);
  }

  /** Ends a wait that is over. */
  #lookAtWait(): void {
    const { wait } = this;
    if (wait === undefined) return;
    const requested = this.#interrupts.requested && wait.needsEnabled !== true;
    if (this.#nmi || requested || wait.isOver()) this.#wake();
  }

  /** Goes on, whatever the CPU waited for. */
  #wake(): void {
    const { wait } = this;
    this.halted = false;
    this.wait = undefined;
    wait?.end();
  }

  /** #DB as a trap, with what made it in DR6. */
  #takeTrap(): boolean {
    this.#wake();
    noteDebugFault(this.#state, this.#debug.pending);
    this.#debug.pending = 0;
    return this.#deliver(Vector.debug, InterruptKind.trap);
  }

  /** RF is saved between parts of a repeated instruction (SDM 3B 17.3.1.1). */
  #deliver(vector: number, kind: InterruptKind): boolean {
    if (this.inRepeat) this.#state[Word.eflags] = (this.#state[Word.eflags] ?? 0) | Eflag.rf;
    this.inRepeat = false;
    return deliver(this.#segmentation, vector, kind, noErrorCode);
  }
}

/**
 * Sets what a #DB shows in DR6 and clears DR7.GD, which is off in its handler (SDM 3B 17.2.4).
 * B0 to B3 are those of this #DB; the other bits stay until they are cleared (APM 2 13.1.1.3).
 */
export function noteDebugFault(state: Int32Array, bits: number): void {
  const known =
    DebugStatus.breakpoints | DebugStatus.access | DebugStatus.step | DebugStatus.taskSwitch;
  const kept = (state[Word.dr + 12] ?? 0) & ~DebugStatus.breakpoints;
  state[Word.dr + 12] = kept | (bits & known);
  state[Word.dr + 14] = (state[Word.dr + 14] ?? 0) & ~generalDetect;
}
