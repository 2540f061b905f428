/**
 * How upcalls reach a translated guest: as a vector in front of all interrupts, through its local
 * APIC, or by a wire of the chipset (Xen, arch/x86/hvm/irq.c, "hvm_assert_evtchn_irq";
 * public/hvm/params.h, HVM_PARAM_CALLBACK_IRQ).
 *
 *     bits 63..56 of the parameter   0: bits 7..0 are a GSI, 0 for none
 *                                    1: bits 15..8 device and function, 1..0 interrupt pin
 *                                    2: bits 7..0 are a vector
 */
import { XenError } from './constants.ts';
import type { XenMachine } from './interfaces.ts';
import type { SharedInfo } from './shared-info.ts';

/** Kinds of ways that have numbers in the parameter. */
const Way = { gsi: 0, pciPin: 1, vector: 2 } as const;
const gsiCount = 24;
/** Vectors below are exceptions to a local APIC. */
const firstVector = 16;

/** The upcalls of one guest. */
export class Upcalls {
  readonly #shared: SharedInfo;
  readonly #machine: XenMachine;
  #way: number = Way.gsi;
  /** What the parameter says beside the way; 0 for none. */
  #detail = 0;
  #apicVector = 0;
  /** The local APIC was not ready for the last one, and gets it once it is. */
  #isHeld = false;
  /** Level of the wire; unknown after a saved state was taken over. */
  #level: boolean | undefined = false;

  /** Takes what is pending from `shared`, and tells `machine`. */
  constructor(shared: SharedInfo, machine: XenMachine) {
    this.#shared = shared;
    this.#machine = machine;
  }

  /** Back to no way at all. */
  reset(): void {
    this.#drive(false);
    this.#way = Way.gsi;
    this.#detail = 0;
    this.#apicVector = 0;
    this.#isHeld = false;
  }

  /** Whether upcalls can come through a local APIC. */
  get hasApic(): boolean {
    return this.#machine.sendVector !== undefined;
  }

  /** Vector that stands in front of all interrupts, 0 for none. */
  get vector(): number {
    return this.#way === Way.vector && this.#apicVector === 0 ? this.#detail : 0;
  }

  /** Whether that vector is due. */
  get due(): boolean {
    return this.vector !== 0 && this.#shared.upcallPending;
  }

  /** Takes a value of the parameter. */
  setWay(low: number, high: number): number {
    const way = high >>> 24;
    if (way === Way.vector && (low & 0xff) < firstVector) {
      return -XenError.invalid;
    }
    this.#drive(false);
    this.#way = way;
    this.#detail = way === Way.pciPin ? low & 0xffff : low & 0xff;
    this.settle();
    this.#machine.attention();
    return 0;
  }

  /** Has upcalls come through the local APIC from now on; 0 ends that. */
  setApicVector(vector: number): void {
    this.#drive(false);
    this.#apicVector = vector;
    if (this.#shared.upcallPending) {
      this.#tell();
    }
  }

  /** An upcall became due: the guest is told, unless it has not looked at the last one. */
  raise(): void {
    if (this.#shared.upcallPending) {
      this.#machine.attention();
      return;
    }
    // The guest may have looked at the last one, and nobody at the wire since.
    this.settle();
    this.#shared.upcallPending = true;
    this.#tell();
  }

  /**
   * Brings the wire to where it belongs, as the guest ends an upcall by a store; sends what the
   * local APIC could not take before.
   */
  settle(): void {
    if (this.#isHeld) {
      this.#send();
    }
    this.#drive(this.#isWired && this.#shared.upcallPending);
  }

  /** The state as numbers. */
  save(): readonly number[] {
    return [this.#way, this.#detail, this.#apicVector, this.#isHeld ? 1 : 0];
  }

  /** Takes over what `save` returned; the wire is driven later, when the chips are there. */
  restore([way = 0, detail = 0, apicVector = 0, held = 0]: readonly number[]): void {
    this.#way = way;
    this.#detail = detail;
    this.#apicVector = apicVector;
    this.#isHeld = held === 1;
    this.#level = undefined;
  }

  get #isWired(): boolean {
    const isGsi = this.#way === Way.gsi && this.#detail > 0 && this.#detail < gsiCount;
    return this.#apicVector === 0 && (isGsi || this.#way === Way.pciPin);
  }

  #tell(): void {
    if (this.#apicVector !== 0) {
      this.#send();
    } else {
      this.settle();
    }
    this.#machine.attention();
  }

  #send(): void {
    const isTaken = this.#machine.sendVector?.(this.#apicVector) === true;
    this.#isHeld = !isTaken && this.#apicVector !== 0;
  }

  #drive(level: boolean): void {
    if (!this.#isWired || level === this.#level) {
      return;
    }
    this.#level = level;
    if (this.#way === Way.gsi) {
      this.#machine.setGsi?.(this.#detail, level);
    } else {
      this.#machine.setPciPin?.(this.#detail >>> 11, (this.#detail & 3) + 1, level);
    }
  }
}
