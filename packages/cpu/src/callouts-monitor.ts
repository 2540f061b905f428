/** Callouts of MONITOR and MWAIT: SDM 2B, 3A 8.10; APM 3. */
import { ExitReason } from '@ringfence/memory';
import { generalProtection, invalidOpcode } from '@ringfence/segmentation';
import { Access } from '@ringfence/shadow-paging';
import { Callout, CalloutResult } from '@ringfence/translator';
import { AddressMonitor } from './address-monitor.ts';
import type { CalloutContext, CalloutOutcome, Handler } from './callout-outcome.ts';
import { Msr } from './model-specific-registers.ts';
import { Word } from './state-view.ts';

/** HWCR bit 10: MONITOR and MWAIT at every CPL (APM 3, MONITOR). */
const userMonitorEnable = 1 << 10;
/** MWAIT's ECX bit 0: interrupts end the wait, with IF clear too. */
const interruptsBreak = 1;

/** Serves these callouts; `bind` puts them into the table of all callouts. */
export class MonitorCallouts {
  readonly #context: CalloutContext;
  readonly #outcome: CalloutOutcome;
  readonly #monitor: AddressMonitor;

  constructor(context: CalloutContext, outcome: CalloutOutcome) {
    this.#context = context;
    this.#outcome = outcome;
    this.#monitor = new AddressMonitor(context.access);
  }

  /** Sets the handlers of these callouts, by number. */
  bind(handlers: Handler[]): void {
    handlers[Callout.monitor] = (arms, linear) => (arms === 0 ? this.#check(0) : this.#arm(linear));
    handlers[Callout.monitorWait] = () => this.#wait();
  }

  /** What both fault with: ECX has extensions, of which `known` exist. */
  #check(known: number): number {
    const { state, registers } = this.#context;
    const userMay = (registers.low(Msr.hardwareConfiguration) & userMonitorEnable) !== 0;
    if (state[Word.cpl] !== 0 && !userMay) return this.#outcome.fault(invalidOpcode);
    const extensions = state[Word.gpr + 2] ?? 0;
    if ((extensions & ~known) !== 0) return this.#outcome.fault(generalProtection(0));
    return CalloutResult.goOn;
  }

  #arm(linear: number): number {
    const physical = this.#context.access.physicalFor(linear, Access.read);
    if (physical >= 0) this.#monitor.arm(physical);
    return CalloutResult.goOn;
  }

  /** Without a line to watch, or where it was written, MWAIT does nothing. */
  #wait(): number {
    const refused = this.#check(interruptsBreak);
    if (refused !== CalloutResult.goOn) return refused;
    if (!this.#monitor.waits) {
      this.#monitor.disarm();
      return CalloutResult.goOn;
    }
    const { state, events } = this.#context;
    const breaks = ((state[Word.gpr + 2] ?? 0) & interruptsBreak) !== 0;
    events.wait = {
      isOver: () => !this.#monitor.waits,
      end: () => {
        this.#monitor.disarm();
      },
      needsEnabled: !breaks,
      mayEnd: true,
    };
    state[Word.rip] = state[Word.nextEip] ?? 0;
    state[Word.exitReason] = ExitReason.halt;
    return CalloutResult.leave;
  }
}
