import { ExitReason } from '@ringfence/memory';
import type { Fault, Segmentation } from '@ringfence/segmentation';
import { generalProtection, noFault } from '@ringfence/segmentation';
import { CalloutResult } from '@ringfence/translator';
import type { ControlRegisters } from './control-registers.ts';
import type { DebugUnit } from './debug-unit.ts';
import type { Events, InterruptShadow } from './events.ts';
import type { GuestAccess } from './guest-access.ts';
import type { CpuHost } from './interfaces.ts';
import type { CpuModel } from './model.ts';
import type { ModelSpecificRegisters } from './model-specific-registers.ts';
import { Word } from './state-view.ts';
import type { TimeStampCounter } from './time-stamp-counter.ts';

/** What callouts need of the CPU around them. */
export interface CalloutContext {
  readonly state: Int32Array;
  readonly segmentation: Segmentation;
  readonly control: ControlRegisters;
  readonly registers: ModelSpecificRegisters;
  readonly access: GuestAccess;
  readonly host: CpuHost;
  readonly model: CpuModel;
  /** Ends the run after the current instruction. */
  attention(): void;
  readonly debug: DebugUnit;
  readonly events: Pick<Events, 'wait'>;
  /** Holds interrupts off before the next instruction. */
  shadowInterrupts(kind: InterruptShadow): void;
  /** EFLAGS.AC may be another: with CR4.SMAP it decides what supervisor code may touch. */
  alignmentCheckChanged(): void;
  /** IRET was done. */
  interruptReturned(): void;
  /** INT n, INT3, INTO or INT1 is about to be delivered. */
  softwareInterrupt(): void;
  readonly tsc: TimeStampCounter;
}

/** Serves one callout with its three arguments; returns a CalloutResult. */
export type Handler = (a: number, b: number, c: number) => number;

/** The ways in which a callout ends; every method returns a CalloutResult. */
export class CalloutOutcome {
  readonly #context: CalloutContext;
  readonly #state: Int32Array;

  constructor(context: CalloutContext) {
    this.#context = context;
    this.#state = context.state;
  }

  /** EIP of the instruction that makes the callout. */
  eip: number = 0;

  /**
   * The instruction ends with a fault: its own, or one of where it has gone to, as after the commit
   * point of a task switch, when `rip` is another.
   */
  fault(fault: Fault): number {
    const state = this.#state;
    this.#context.access.record(fault);
    const isThere = (state[Word.rip] ?? 0) !== this.eip;
    state[Word.exitReason] = isThere ? ExitReason.faultAtRip : ExitReason.fault;
    return CalloutResult.leave;
  }

  /** The instruction goes on unless there is a fault. */
  result(fault: Fault): number {
    return fault === noFault ? CalloutResult.goOn : this.fault(fault);
  }

  /** For far transfers: `rip` is the new EIP. Interrupts may have become deliverable. */
  transfer(fault: Fault): number {
    if (fault !== noFault) return this.fault(fault);
    const state = this.#state;
    state[Word.target] = state[Word.rip] ?? 0;
    this.lookAtInterrupts();
    return CalloutResult.lookup;
  }

  /**
   * Interrupts may have become deliverable: if one is requested the slice ends, else generated code
   * need not ask for a while. What was requested when the slice began may be done with.
   */
  lookAtInterrupts(): void {
    const { requested, announces } = this.#context.host.interrupts;
    if (requested) this.#context.attention();
    else if (announces === true) this.#state[Word.interruptWaits] = 0;
  }

  /** For instructions that change how the next one is fetched. */
  redo(fault: Fault): number {
    if (fault !== noFault) return this.fault(fault);
    this.#state[Word.target] = this.#state[Word.nextEip] ?? 0;
    return CalloutResult.lookup;
  }

  /** The instruction comes by again. */
  repeat(): number {
    this.#state[Word.target] = this.eip;
    return CalloutResult.lookup;
  }

  /** The instruction goes on at CPL 0 and faults elsewhere. */
  privileged(): number {
    return this.#state[Word.cpl] === 0 ? CalloutResult.goOn : this.fault(generalProtection(0));
  }
}
