/**
 * What a local APIC does with interrupts: IRR, ISR, priorities, and the ways in (SDM 3A, 10.5,
 * 10.6, 10.8).
 *
 * An interrupt waits in IRR until its class is above the processor priority, moves to ISR when the
 * processor acknowledges it, and ends with a write to EOI. The 8259s come in at LINT0, past all of
 * this, as an external interrupt.
 *
 * Hot: `acknowledge` and `endOfInterrupt`, once for each interrupt.
 */
import type { IrqLine } from '../interfaces.ts';
import { matchesDestination } from './destination.ts';
import { EoiAssistance, type EoiAssist } from './eoi-assistance.ts';
import { deliveryMode, type ApicBus, type ApicMessage } from './message.ts';
import * as reg from './registers.ts';
import type { LocalApicState } from './state.ts';
import { hasVector, highestVector, setVector } from './vector-set.ts';

/** An 8259 pair, as LINT0 asks it. */
export interface ExternalController {
  /** Acknowledges the most important request and returns its vector. */
  acknowledge(): number;
}

/** What interrupts come from and go to. */
export interface DeliveryOptions {
  /** The processor's interrupt request: high while `acknowledge` has a vector for it. */
  readonly interrupt: IrqLine;
  /** Gives the processor a non-maskable interrupt. */
  readonly raiseNmi: () => void;
  /** Gives the processor an INIT. */
  readonly raiseInit?: () => void;
  /** Who is asked for the vector of an external interrupt. */
  readonly external: ExternalController;
  /** Where ICR sends; without it only this APIC is reached. */
  readonly bus?: ApicBus;
  /** The end of a level-triggered interrupt, for the I/O APICs. */
  readonly endOfInterrupt?: (vector: number) => void;
  /** A way for the guest to end interrupts without a write to EOI (KVM's PV EOI). */
  readonly eoiAssist?: EoiAssist;
}

/** The interrupts of one local APIC. */
export class ApicDelivery {
  /** All registers of the APIC; replaced as a whole by a restore. */
  state: LocalApicState;
  /** What the guest was offered, which is part of the saved state. */
  readonly assistance: EoiAssistance;
  readonly #options: DeliveryOptions;

  /** Makes it over an APIC's registers. */
  constructor(options: DeliveryOptions, state: LocalApicState) {
    this.#options = options;
    this.state = state;
    this.assistance = new EoiAssistance(options.eoiAssist);
  }

  /** Whether IA32_APIC_BASE has the APIC enabled. */
  get enabled(): boolean {
    return ((this.state.base[0] ?? 0) & reg.apicBase.enabled) !== 0;
  }

  /** Whether the APIC is in x2APIC mode. */
  get x2Mode(): boolean {
    return ((this.state.base[0] ?? 0) & reg.apicBase.extended) !== 0;
  }

  /** Whether `acknowledge` has a vector for the processor. */
  get requested(): boolean {
    return this.#externalRequested() || this.#requestedVector() >= 0;
  }

  /** Drives the processor's interrupt request from the registers. */
  update(): void {
    this.#options.interrupt.set(this.requested);
  }

  /** Takes the most important interrupt and returns its vector; without one, the spurious one. */
  acknowledge(): number {
    if (this.#externalRequested()) {
      const vector = this.#options.external.acknowledge();
      this.update();
      return vector;
    }
    const { state } = this;
    const vector = this.#requestedVector();
    if (vector < 0) {
      return state.spurious & 0xff;
    }
    setVector(state.requests, vector, false);
    setVector(state.inService, vector, true);
    // With another interrupt waiting, or a pin to be asked again, the end must be told at once.
    if (highestVector(state.requests) < 0 && !hasVector(state.triggerMode, vector)) {
      this.assistance.offer();
    }
    this.update();
    return vector;
  }

  /** Takes a message from the bus; false when it is for others, or the APIC is off. */
  receive(message: ApicMessage): boolean {
    if (!this.enabled || !matchesDestination(this.state, this.x2Mode, message)) {
      return false;
    }
    return this.accept(message.mode, message.vector, message.level);
  }

  /** Takes an interrupt; returns whether it was one that this processor can have. */
  accept(mode: number, vector: number, level: boolean): boolean {
    if (mode === deliveryMode.nonMaskable) {
      this.#options.raiseNmi();
      return true;
    }
    if (mode === deliveryMode.init && this.#options.raiseInit !== undefined) {
      this.#options.raiseInit();
      return true;
    }
    if (mode !== deliveryMode.fixed && mode !== deliveryMode.lowestPriority) {
      return false; // There is no SMM, and nobody waits for start-up.
    }
    const { state } = this;
    if (vector < reg.firstVector) {
      this.raiseError(reg.apicError.receivedVector);
      return false;
    }
    if ((state.spurious & reg.spuriousEnabled) === 0) {
      return false;
    }
    this.synchronize();
    setVector(state.requests, vector, true);
    setVector(state.triggerMode, vector, level);
    this.update();
    return true;
  }

  /** Delivers the interrupt of an entry of the local vector table, unless it is masked. */
  deliverLocal(index: number): void {
    const entry = this.state.lvt[index] ?? 0;
    if (this.enabled && (entry & reg.lvtMasked) === 0) {
      const hasMode = index !== reg.lvt.timer && index !== reg.lvt.error;
      this.accept(hasMode ? (entry >> 8) & 7 : deliveryMode.fixed, entry & 0xff, false);
    }
  }

  /** Drives LINT0 or LINT1. */
  setPin(index: 0 | 1, level: boolean): void {
    const { state } = this;
    const rises = level && state.pins[index] !== true;
    state.pins[index] = level;
    if (index === 1 && rises && !this.enabled) {
      this.#options.raiseNmi();
      return;
    }
    const entry = state.lvt[reg.lvt.lint0 + index] ?? 0;
    if (rises && ((entry >> 8) & 7) !== deliveryMode.external) {
      this.deliverLocal(reg.lvt.lint0 + index);
    }
    this.update();
  }

  /** Sends what ICR says (10.6.1). */
  sendCommand(): void {
    const [low = 0, high = 0] = this.state.command;
    const mode = (low >> 8) & 7;
    const vector = low & 0xff;
    const isFixed = mode === deliveryMode.fixed || mode === deliveryMode.lowestPriority;
    if (isFixed && vector < reg.firstVector) {
      this.raiseError(reg.apicError.sentVector);
      return;
    }
    if (mode === deliveryMode.init && (low & reg.commandLevels) === reg.commandLevel) {
      return; // INIT level de-assert, which only the bus of the Pentium and P6 had a use for.
    }
    const target = (low >> 18) & 3;
    if (target === reg.shorthand.self || target === reg.shorthand.all) {
      // Table 10-3 knows only fixed interrupts to the sender, but QEMU and KVM deliver those of
      // lowest priority, NMIs and INIT too, which tests use.
      const modes: readonly number[] = [
        deliveryMode.fixed,
        deliveryMode.lowestPriority,
        deliveryMode.nonMaskable,
        deliveryMode.init,
      ];
      if (modes.includes(mode)) {
        this.accept(mode, vector, false);
      }
    } else if (target === reg.shorthand.none) {
      const destination = this.x2Mode ? high : high >>> 24;
      const logical = (low & 0x800) !== 0;
      const message: ApicMessage = { destination, logical, mode, vector, level: false };
      if (this.#options.bus === undefined) {
        this.receive(message);
      } else {
        this.#options.bus.deliver(message);
      }
    }
  }

  /** Notes an error and delivers the error interrupt, the first time (10.5.3). */
  raiseError(bit: number): void {
    const { state } = this;
    const isNew = (state.newErrors & bit) === 0;
    state.newErrors |= bit;
    const entry = state.lvt[reg.lvt.error] ?? 0;
    // An illegal vector of the error interrupt itself would come back here.
    if (isNew && (entry & 0xff) >= reg.firstVector) {
      this.deliverLocal(reg.lvt.error);
    }
  }

  /** Ends the interrupt that the guest has ended in its memory, before anything looks at ISR. */
  synchronize(): void {
    if (this.assistance.withdraw()) {
      this.endOfInterrupt();
    }
  }

  /** Ends the highest interrupt in service. */
  endOfInterrupt(): void {
    const { state } = this;
    const vector = highestVector(state.inService);
    if (vector < 0) {
      return;
    }
    setVector(state.inService, vector, false);
    // TMR stays until the vector is accepted again (10.8.4).
    if (hasVector(state.triggerMode, vector)) {
      this.#options.endOfInterrupt?.(vector);
    }
    this.update();
  }

  /** Returns PPR (10.8.3.1). */
  processorPriority(): number {
    const { taskPriority, inService } = this.state;
    const serving = Math.max(0, highestVector(inService));
    return taskPriority >> 4 >= serving >> 4 ? taskPriority : serving & 0xf0;
  }

  /** Returns the vector that IRR has for the processor now, or -1. */
  #requestedVector(): number {
    const vector = highestVector(this.state.requests);
    return vector >> 4 > this.processorPriority() >> 4 ? vector : -1;
  }

  #externalRequested(): boolean {
    const { pins, lvt } = this.state;
    if (pins[0] !== true) {
      return false;
    }
    const entry = lvt[reg.lvt.lint0] ?? 0;
    const isExternal = ((entry >> 8) & 7) === deliveryMode.external;
    return !this.enabled || (isExternal && (entry & reg.lvtMasked) === 0);
  }
}
