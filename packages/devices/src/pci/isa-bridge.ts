/**
 * The PIIX3 ISA bridge: identity, and the routing of PCI interrupts (82371SB data sheet, order
 * 290550).
 */
import type { AccessSize, DeviceState, IrqLine, Resettable, Saveable } from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { pciConfigShape, PciConfigSpace, type PciFunction } from './function.ts';
import * as reg from './registers.ts';

const stateVersion = 1;
const pirqCount = 4;

/** What the ISA bridge is connected to. */
export interface IsaBridgeOptions {
  /** The sixteen interrupt requests; those that ISA devices use too are joined by `SharedLine`. */
  readonly irqLines: readonly IrqLine[];
  /**
   * To which requests PIRQA to PIRQD are routed after reset; hardware routes none, firmware does. A
   * machine that boots without firmware gives `[10, 10, 11, 11]`, for example.
   */
  readonly routes?: readonly number[];
}

/** The function 00:01.0 of an i440FX PC. */
export class IsaBridge implements PciFunction, Saveable, Resettable {
  readonly #config: PciConfigSpace;
  readonly #irqLines: readonly IrqLine[];
  /**
   * Levels of INTA to INTD of each device: bit `pin` of entry `device`; they belong to the devices'
   * states.
   */
  readonly #pins = new Uint8Array(32);

  /** Makes the bridge. */
  constructor(options: IsaBridgeOptions) {
    this.#irqLines = options.irqLines;
    const routes = Array.from(
      { length: pirqCount },
      (_, index) => options.routes?.[index] ?? reg.pirqOff,
    );
    this.#config = new PciConfigSpace({
      vendor: reg.pciIdentity.intel,
      device: reg.pciIdentity.isaBridge,
      classCode: 0x06_0100,
      subsystem: reg.virtualSubsystem,
      multiFunction: true,
      // Command: ports, memory and bus master are always on (section 2.2.3).
      initial: [
        [reg.pciRegister.command, 0x07, 0x00, 0x80, 0x02],
        [0x4c, 0x4d, 0x00, 0x03, 0x00],
        [reg.pirqFirst, ...routes],
        [0x69, 0x02],
        [0x70, 0x80, 0x80],
        [0x76, 0x0c, 0x0c],
        [0xa0, 0x08],
      ],
      writable: [
        [reg.pciRegister.command, 0x00, 0x01],
        [0x4c, 0x7f, 0x00, 0xff, 0x01],
        [reg.pirqFirst, 0x8f, 0x8f, 0x8f, 0x8f],
        [0x69, 0xfe, 0x10],
        [0x70, 0xef, 0xef],
        [0x76, 0x8f, 0x8f],
        [0x78, 0xff, 0xff],
        [0x80, 0x7f],
        [0x82, 0x0f],
        [
          0xa0, 0x1f, 0x00, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00,
          0xff,
        ],
      ],
    });
  }

  /** Returns the wire of a device's interrupt pin, 1 for INTA to 4 for INTD. */
  interruptPin(device: number, pin: number): IrqLine {
    const bit = 1 << ((pin - 1) & 3);
    const slot = device & 31;
    return {
      set: (level) => {
        const before = this.#pins[slot] ?? 0;
        this.#pins[slot] = level ? before | bit : before & ~bit;
        if (this.#pins[slot] !== before) {
          this.#drive();
        }
      },
    };
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    return this.#config.readConfig(offset, size);
  }

  /** Writes configuration space and routes the interrupts accordingly. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    this.#config.writeConfig(offset, size, value);
    this.#drive();
  }

  /** Returns to the routes after reset. */
  reset(): void {
    this.#config.reset();
    this.#drive();
  }

  /** Returns a copy of configuration space. */
  save(): DeviceState {
    return saveState('pci-isa-bridge', stateVersion, pciConfigShape, this.#config.saveBytes());
  }

  /** Takes over a saved configuration space and routes the interrupts accordingly. */
  restore(state: unknown): void {
    this.#config.restoreBytes(openState(state, 'pci-isa-bridge', stateVersion, pciConfigShape));
    this.#drive();
  }

  #drive(): void {
    let asserted = 0;
    for (const [device, pins] of this.#pins.entries()) {
      for (let pin = 0; pins >> pin !== 0; pin += 1) {
        if ((pins & (1 << pin)) !== 0) {
          asserted |= this.#routedTo(pirqOf(device, pin + 1));
        }
      }
    }
    for (const [irq, line] of this.#irqLines.entries()) {
      if ((reg.pirqTargets & (1 << irq)) !== 0) {
        line.set((asserted & (1 << irq)) !== 0);
      }
    }
  }

  #routedTo(pirq: number): number {
    const route = this.#config.byte(reg.pirqFirst + pirq);
    return (route & reg.pirqOff) === 0 ? (1 << (route & 0x0f)) & reg.pirqTargets : 0;
  }
}

/**
 * Returns which PIRQ, 0 to 3, a device's interrupt pin is wired to on this board.
 *
 * Pins are rotated by the slot, so that INTA of neighbours differ: what the `_PRT` of the ACPI
 * tables tells the guest, and the wiring that firmware for i440FX boards expects.
 */
export function pirqOf(device: number, pin: number): number {
  return (pin - 1 + device - 1 + 4) & 3;
}
