/**
 * Ends of interrupts by a bit in guest memory (Linux, Documentation/virt/kvm/x86/msr.rst,
 * MSR_KVM_PV_EOI_EN).
 *
 * The host sets bit 0 of a word when the interrupt in service needs no write to the APIC's EOI
 * register. The guest clears it as it ends the interrupt; finding it clear already, it writes the
 * register. The host looks at the word only when it needs to know.
 */
import type { GuestMemory, MsrValue } from '../interfaces.ts';

const enabled = 1;
/** Bit 1: the word is aligned to four bytes. */
const reserved = 2;
const wordBytes = 4;

/** What became of an offer: there is none, it stands, or the MSR changed when it was taken up. */
export const EoiOffer = { none: 0, standing: 1, taken: 2 } as const;

/** The word that guest and host share about the end of one virtual CPU's interrupts. */
export class PvEoi {
  /** The MSR. */
  msr: MsrValue = { low: 0, high: 0 };
  /** One of `EoiOffer`. */
  offered: number = EoiOffer.none;
  readonly #memory: GuestMemory;

  /** Makes it, switched off. */
  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** Writes the MSR; false for an address that is not aligned (#GP). */
  write(low: number, high: number): boolean {
    if ((low & reserved) !== 0) {
      return false;
    }
    const taken = this.withdraw();
    this.offered = taken ? EoiOffer.taken : EoiOffer.none;
    this.msr = { low: low >>> 0, high: high >>> 0 };
    return true;
  }

  /** Tells the guest that the interrupt in service needs no write to EOI; false if it cannot. */
  offer(): boolean {
    const physical = this.#word();
    if (physical === undefined) {
      return false;
    }
    this.#memory.write32(physical, this.#memory.read32(physical) | 1);
    this.offered = EoiOffer.standing;
    return true;
  }

  /** Takes the offer back; returns whether the guest has already ended the interrupt. */
  withdraw(): boolean {
    const { offered } = this;
    this.offered = EoiOffer.none;
    const physical = offered === EoiOffer.standing ? this.#word() : undefined;
    if (physical === undefined) {
      return offered === EoiOffer.taken;
    }
    const word = this.#memory.read32(physical);
    if ((word & 1) === 0) {
      return true;
    }
    this.#memory.write32(physical, word & ~1);
    return false;
  }

  /** Switches it off. */
  reset(): void {
    this.msr = { low: 0, high: 0 };
    this.offered = EoiOffer.none;
  }

  /** Returns the address of the word, if it is switched on and in RAM. */
  #word(): number | undefined {
    const { low, high } = this.msr;
    const physical = high * 2 ** 32 + ((low & ~(enabled | reserved)) >>> 0);
    const isThere = (low & enabled) !== 0 && high < 2 ** 20;
    return isThere && this.#memory.isRam(physical, wordBytes) ? physical : undefined;
  }
}
