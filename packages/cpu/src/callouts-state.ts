/** Callouts of extended state and of small features: the XSAVE family, INVPCID, RDPID. */
import { CpuState } from '@ringfence/memory';
import type { Fault } from '@ringfence/segmentation';
import { fault, generalProtection, invalidOpcode, noFault, Vector } from '@ringfence/segmentation';
import { Callout, CalloutResult } from '@ringfence/translator';
import type { CalloutContext, CalloutOutcome, Handler } from './callout-outcome.ts';
import { Msr } from './model-specific-registers.ts';
import { Component, isExtendedControl, SavedState } from './saved-state.ts';
import { Cr0, Cr4, Word } from './state-view.ts';

const xcr0 = CpuState.xcr0 >> 2;
const gprEax = Word.gpr;
const gprEcx = Word.gpr + 2;
const gprEdx = Word.gpr + 4;

/** Operations of `Callout.extendedState`. */
const Operation = { xsave: 0, xrstor: 1, xsaveopt: 2, xsavec: 3, xsaves: 4, xrstors: 5 } as const;

/** Serves these callouts; `bind` puts them into the table of all callouts. */
export class StateCallouts {
  readonly #context: CalloutContext;
  readonly #outcome: CalloutOutcome;
  readonly #state: Int32Array;
  readonly #saved: SavedState;

  constructor(context: CalloutContext, outcome: CalloutOutcome) {
    this.#context = context;
    this.#outcome = outcome;
    this.#state = context.state;
    this.#saved = new SavedState(context.state, context.access);
  }

  /** Sets the handlers of these callouts, by number. */
  bind(handlers: Handler[]): void {
    handlers[Callout.extendedControl] = (write) =>
      write === 0 ? this.#readControl() : this.#writeControl();
    handlers[Callout.extendedState] = (operation, linear) =>
      this.#outcome.result(this.#transfer(operation, linear));
    handlers[Callout.invalidatePcid] = (type, linear) =>
      this.#outcome.result(this.#invalidate(type >>> 0, linear));
    handlers[Callout.rdpid] = () => {
      this.#state[Word.transfer] = this.#context.registers.low(Msr.tscAux);
      return CalloutResult.goOn;
    };
  }

  /** What every instruction of the family may fault with first (SDM 1 13.7). */
  #unavailable(): Fault {
    if (((this.#state[Word.cr4] ?? 0) & Cr4.osXsave) === 0) return invalidOpcode;
    const busy = ((this.#state[Word.cr0] ?? 0) & Cr0.ts) !== 0;
    return busy ? fault(Vector.deviceNotAvailable) : noFault;
  }

  #transfer(operation: number, linear: number): Fault {
    const refused = this.#unavailable();
    if (refused !== noFault) return refused;
    const state = this.#state;
    const isSupervisor = operation === Operation.xsaves || operation === Operation.xrstors;
    if (isSupervisor && state[Word.cpl] !== 0) return generalProtection(0);
    const enabled = this.#enabled();
    const wanted = enabled & (state[gprEax] ?? 0);
    if (operation === Operation.xrstor || isRestore(operation)) {
      const mayCompact = this.#context.model.has.has('XSAVEC');
      return this.#saved.restore(linear, wanted, enabled, mayCompact, isRestore(operation));
    }
    const compact = operation === Operation.xsavec || operation === Operation.xsaves;
    return this.#saved.save(linear, wanted, compact, operation === Operation.xsaveopt);
  }

  /** XCR0; x87 is always enabled. */
  #enabled(): number {
    return (this.#state[xcr0] ?? 0) | Component.x87;
  }

  #readControl(): number {
    const state = this.#state;
    if (((state[Word.cr4] ?? 0) & Cr4.osXsave) === 0) return this.#outcome.fault(invalidOpcode);
    const number = state[gprEcx] ?? 0;
    const shows = number === 1 && this.#context.model.has.has('XGETBV1');
    if (number !== 0 && !shows) return this.#outcome.fault(generalProtection(0));
    state[gprEax] = number === 0 ? this.#enabled() : this.#enabled() & this.#saved.inUse();
    state[gprEdx] = 0;
    return CalloutResult.goOn;
  }

  #writeControl(): number {
    const state = this.#state;
    if (((state[Word.cr4] ?? 0) & Cr4.osXsave) === 0) return this.#outcome.fault(invalidOpcode);
    const value = state[gprEax] ?? 0;
    const isPossible = isExtendedControl(this.#context.model.has, value, state[gprEdx] ?? 0);
    const valid = state[Word.cpl] === 0 && state[gprEcx] === 0 && isPossible;
    if (!valid) return this.#outcome.fault(generalProtection(0));
    state[xcr0] = value;
    return CalloutResult.goOn;
  }

  /** INVPCID: its operand is checked; translations are always true (SDM 2A INVPCID). */
  #invalidate(type: number, linear: number): Fault {
    const { access } = this.#context;
    const words: number[] = [];
    for (let offset = 0; offset < 16; offset += 4) {
      words.push(access.read32((linear + offset) | 0, false));
      if (access.fault !== noFault) return access.fault;
    }
    const [first = 0, reserved = 0] = words;
    if (type > 3 || (first & ~0xfff) !== 0 || reserved !== 0) return generalProtection(0);
    // CR4.PCIDE cannot be set outside of long mode, so there is one PCID.
    return type < 2 && first !== 0 ? generalProtection(0) : noFault;
  }
}

function isRestore(operation: number): boolean {
  return operation === Operation.xrstors;
}
