/** An I/O APIC: 24 interrupt inputs, each redirected as a message to local APICs (82093AA). */
import type {
  AccessSize,
  DeviceState,
  IrqLine,
  MmioDevice,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import type { ApicBus } from '../local-apic/message.ts';
import { openState, saveState } from '../state-shape.ts';
import * as reg from './registers.ts';
import { ioApicShape, powerOnIoApic, type IoApicState } from './state.ts';

const stateVersion = 1;
const { redirection } = reg;

/** What an I/O APIC is connected to. */
export interface IoApicOptions {
  /** Its identifier after reset, 0 to 15. */
  readonly id: number;
  /** Where its messages go. */
  readonly bus: ApicBus;
}

/**
 * One I/O APIC, as an MMIO device of one page.
 *
 * A pin is asserted or not; the polarity bit is kept and has no effect, since the wires here carry
 * requests and not voltages. A rising edge at a masked pin is lost, as on the chip.
 */
export class IoApic implements MmioDevice, Saveable, Resettable {
  readonly #id: number;
  readonly #bus: ApicBus;
  #state: IoApicState;

  /** Connects an I/O APIC, all of whose pins are masked. */
  constructor(options: IoApicOptions) {
    this.#id = options.id & 0x0f;
    this.#bus = options.bus;
    this.#state = powerOnIoApic(this.#id, 0);
  }

  /** Returns the wire of pin `index`, 0 to 23. */
  pin(index: number): IrqLine {
    return {
      set: (level) => {
        this.setPin(index, level);
      },
    };
  }

  /** Drives pin `index`, 0 to 23. */
  setPin(index: number, level: boolean): void {
    if (index < 0 || index >= reg.ioApicPins) {
      return;
    }
    const state = this.#state;
    const bit = 1 << index;
    const before = state.pins;
    state.pins = level ? before | bit : before & ~bit;
    if (level && (before & bit) === 0) {
      this.#request(index);
    }
  }

  /** Ends the level-triggered interrupts with a vector: pins that are still high ask again. */
  endOfInterrupt(vector: number): void {
    const { low } = this.#state;
    for (let index = 0; index < reg.ioApicPins; index += 1) {
      const entry = low[index] ?? 0;
      if ((entry & 0xff) === vector && (entry & redirection.remoteIrr) !== 0) {
        low[index] = entry & ~redirection.remoteIrr;
        this.#request(index);
      }
    }
  }

  /** Reads a register; only whole ones are there. */
  readMmio(address: number, size: AccessSize): number {
    const offset = address & 0xfff;
    if (size !== 4) {
      return offset === reg.ioApicOffset.select ? this.#state.select : 0;
    }
    if (offset === reg.ioApicOffset.select) {
      return this.#state.select;
    }
    return offset === reg.ioApicOffset.window ? this.#readWindow() : 0;
  }

  /** Writes a register; IOREGSEL takes bytes too. */
  writeMmio(address: number, size: AccessSize, value: number): void {
    const offset = address & 0xfff;
    if (offset === reg.ioApicOffset.select) {
      this.#state.select = value & 0xff;
    } else if (size === 4 && offset === reg.ioApicOffset.window) {
      this.#writeWindow(value >>> 0);
    } else if (size === 4 && offset === reg.ioApicOffset.endOfInterrupt) {
      this.endOfInterrupt(value & 0xff);
    }
  }

  /** Masks every pin. */
  reset(): void {
    this.#state = powerOnIoApic(this.#id, this.#state.pins);
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    return saveState('io-apic', stateVersion, ioApicShape, this.#state);
  }

  /** Takes over saved registers; what was delivered is in the local APICs' states. */
  restore(state: unknown): void {
    this.#state = openState(state, 'io-apic', stateVersion, ioApicShape);
  }

  #readWindow(): number {
    const { select, id, low, high } = this.#state;
    switch (select) {
      case reg.ioApicRegister.id:
      case reg.ioApicRegister.arbitration:
        return id << 24;
      case reg.ioApicRegister.version:
        return reg.ioApicVersion;
      default: {
        const index = (select - reg.ioApicRegister.redirections) >> 1;
        return ((select & 1) === 0 ? low[index] : high[index]) ?? 0;
      }
    }
  }

  #writeWindow(value: number): void {
    const { select, low, high } = this.#state;
    if (select === reg.ioApicRegister.id) {
      this.#state.id = (value >>> 24) & 0x0f;
      return;
    }
    const index = (select - reg.ioApicRegister.redirections) >> 1;
    if (index < 0 || index >= reg.ioApicPins) {
      return;
    }
    if ((select & 1) !== 0) {
      high[index] = (value & 0xff00_0000) >>> 0;
      return;
    }
    // Remote IRR falls when the pin becomes edge-triggered: how Linux ends an interrupt by hand.
    const keptIrr = (value & redirection.level) === 0 ? 0 : redirection.remoteIrr;
    low[index] = (value & redirection.writable) | ((low[index] ?? 0) & keptIrr);
    if ((value & redirection.level) !== 0 && (this.#state.pins & (1 << index)) !== 0) {
      this.#request(index);
    }
  }

  /** Sends the message of a pin that is high, unless it is masked or its last one is not ended. */
  #request(index: number): void {
    const { pins, low, high } = this.#state;
    const entry = low[index] ?? 0;
    const level = (entry & redirection.level) !== 0;
    const waits = (entry & (redirection.masked | redirection.remoteIrr)) !== 0;
    if (waits || (level && (pins & (1 << index)) === 0)) {
      return;
    }
    const taken = this.#bus.deliver({
      destination: (high[index] ?? 0) >>> 24,
      logical: (entry & redirection.logical) !== 0,
      mode: (entry >> 8) & 7,
      vector: entry & 0xff,
      level,
    });
    if (taken && level) {
      low[index] = entry | redirection.remoteIrr;
    }
  }
}
