/** Ends of interrupts that the guest tells by a bit of its own memory instead of a write to EOI. */

/** The shared bit: KVM's PV EOI (Linux, Documentation/virt/kvm/x86/msr.rst, MSR 0x4b564d04). */
export interface EoiAssist {
  /** Tells the guest that the interrupt in service needs no write to EOI; false if it cannot. */
  offer(): boolean;
  /** Takes the offer back; returns whether the guest has already ended the interrupt. */
  withdraw(): boolean;
}

/** Remembers whether an offer stands, so that the guest's memory is looked at only then. */
export class EoiAssistance {
  /** Whether an offer stands; a restore sets it. */
  offered: boolean = false;
  readonly #assist: EoiAssist | undefined;

  /** Makes it; without an `assist` nothing is ever offered. */
  constructor(assist: EoiAssist | undefined) {
    this.#assist = assist;
  }

  /** Offers the guest to end the interrupt in service by itself. */
  offer(): void {
    this.offered = this.#assist?.offer() ?? false;
  }

  /** Takes back what was offered; returns whether the guest has ended the interrupt. */
  withdraw(): boolean {
    if (!this.offered) {
      return false;
    }
    this.offered = false;
    return this.#assist?.withdraw() ?? false;
  }
}
