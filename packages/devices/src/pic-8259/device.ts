/** The two interrupt controllers of a PC: sixteen inputs, the slave on input 2 of the master. */
import type {
  AccessSize,
  DeviceState,
  FixedPortDevice,
  IrqLine,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { Pic8259Chip, spuriousInput } from './chip.ts';
import { elcrWritable, picPort } from './registers.ts';
import { picPairShape } from './state.ts';

const cascadeInput = 2;
const stateVersion = 1;

/** What the interrupt controllers are connected to. */
export interface Pic8259PairOptions {
  /** The CPU's INTR pin: high while a request that passes masks and priorities waits. */
  readonly interrupt: IrqLine;
}

/** A pair of 8259A with the edge/level registers of the PIIX (82371AB data sheet, section 4.2). */
export class Pic8259Pair implements FixedPortDevice, Saveable, Resettable {
  /** The ports of both chips and of the edge/level registers. */
  readonly ports: readonly PortWindow[] = [
    { first: picPort.masterCommand, count: 2 },
    { first: picPort.slaveCommand, count: 2 },
    { first: picPort.masterElcr, count: 2 },
  ];
  readonly #master = new Pic8259Chip(cascadeInput);
  readonly #slave = new Pic8259Chip(-1);
  readonly #interrupt: IrqLine;

  /** Connects the pair; it stays silent until the guest has initialized it. */
  constructor(options: Pic8259PairOptions) {
    this.#interrupt = options.interrupt;
  }

  /** Whether the INTR output is high. */
  get pending(): boolean {
    return this.#master.winner() >= 0;
  }

  /** Whether a request of `irq`, 0 to 15, would get through to the processor. */
  passes(irq: number): boolean {
    return irq < 8
      ? this.#master.passes(irq)
      : this.#master.passes(cascadeInput) && this.#slave.passes(irq & 7);
  }

  /** Returns the wire of `irq`, 0 to 15; wire 2 is the cascade and does nothing. */
  irqLine(irq: number): IrqLine {
    return {
      set: (level) => {
        this.setIrq(irq, level);
      },
    };
  }

  /** Drives the request input `irq`, 0 to 15. */
  setIrq(irq: number, level: boolean): void {
    if (irq === cascadeInput || irq < 0 || irq > 15) {
      return;
    }
    (irq < 8 ? this.#master : this.#slave).setInput(irq & 7, level);
    this.#update();
  }

  /**
   * Runs the CPU's interrupt acknowledge cycle and returns the vector.
   *
   * With nothing pending it is that of the spurious IRQ 7, which does not count as in service
   * (8259A data sheet, "default IR7"). A spurious IRQ 15 needs a request that falls within the
   * cycle, and here it is one call.
   */
  acknowledge(): number {
    const input = this.#master.acknowledge();
    let vector = this.#master.vector(input < 0 ? spuriousInput : input);
    if (input === cascadeInput && !this.#master.state.single) {
      const slaveInput = this.#slave.acknowledge();
      vector = this.#slave.vector(slaveInput < 0 ? spuriousInput : slaveInput);
      // The slave's INT falls at the acknowledge, so that a request behind it makes a new edge.
      this.#master.setInput(cascadeInput, false);
    }
    this.#update();
    return vector;
  }

  /** Reads a register; a poll acknowledges, so reads can have effects. */
  readPort(port: number, _size: AccessSize): number {
    if (port === picPort.masterElcr || port === picPort.slaveElcr) {
      return this.#chip(port).state.levelTriggered;
    }
    const chip = this.#chip(port);
    const polls = chip.state.polls;
    const value = chip.read((port & 1) !== 0);
    if (polls) {
      if (chip === this.#slave) {
        this.#master.setInput(cascadeInput, false);
      }
      this.#update();
    }
    return value;
  }

  /** Writes a register and drives the INTR output accordingly. */
  writePort(port: number, _size: AccessSize, value: number): void {
    const chip = this.#chip(port);
    if (port === picPort.masterElcr || port === picPort.slaveElcr) {
      chip.state.levelTriggered = value & elcrWritable[chip === this.#master ? 0 : 1];
    } else if ((port & 1) === 0) {
      chip.writeCommand(value & 0xff);
    } else {
      chip.writeData(value & 0xff);
    }
    this.#update();
  }

  /** Puts both chips into the power-on state; inputs keep their levels. */
  reset(): void {
    this.#master.reset();
    this.#slave.reset();
    this.#update();
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    const chips = [this.#master.state, this.#slave.state];
    return saveState('pic-8259', stateVersion, picPairShape, { chips });
  }

  /** Takes over saved registers and drives the INTR output accordingly. */
  restore(state: unknown): void {
    const { chips } = openState(state, 'pic-8259', stateVersion, picPairShape);
    const [master, slave] = chips;
    if (master !== undefined && slave !== undefined) {
      this.#master.state = master;
      this.#slave.state = slave;
    }
    this.#update();
  }

  #chip(port: number): Pic8259Chip {
    const isSlave = port === picPort.slaveElcr || (port & 0xfe) === picPort.slaveCommand;
    return isSlave ? this.#slave : this.#master;
  }

  #update(): void {
    this.#master.setInput(cascadeInput, this.#slave.winner() >= 0);
    this.#interrupt.set(this.#master.winner() >= 0);
  }
}
