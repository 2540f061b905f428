/** One 8259A: eight inputs, their priorities, and one output (Intel 8259A data sheet, 231468). */
import * as reg from './registers.ts';
import { powerOnPicChip, type PicChipState } from './state.ts';

/** The input whose vector is given when a request has gone away before its acknowledge. */
export const spuriousInput = 7;

/** One interrupt controller chip; `Pic8259Pair` wires two of them as a PC does. */
export class Pic8259Chip {
  /** The chip's registers, replaced as a whole by a restore. */
  state: PicChipState = powerOnPicChip();
  readonly #cascadeBit: number;

  /** Makes a chip whose input `cascadeInput` is a slave's output; -1 for none. */
  constructor(cascadeInput: number) {
    this.#cascadeBit = cascadeInput < 0 ? 0 : 1 << cascadeInput;
  }

  /** Returns to the power-on state; the inputs keep their levels, since others drive them. */
  reset(): void {
    this.state = { ...powerOnPicChip(), lines: this.state.lines };
  }

  /** Drives input `input`. An edge is forgotten when its input falls before the acknowledge. */
  setInput(input: number, level: boolean): void {
    const bit = 1 << input;
    const { state } = this;
    if (!level) {
      state.lines &= ~bit;
      state.edges &= ~bit;
    } else if ((state.lines & bit) === 0) {
      state.lines |= bit;
      state.edges |= bit;
    }
  }

  /**
   * Returns the interrupt request register: latched edges, and the levels of level-triggered
   * inputs.
   */
  requests(): number {
    const { edges, lines, levelTriggered } = this.state;
    return (edges & ~levelTriggered) | (lines & levelTriggered);
  }

  /** Returns the input that the INT output asks for, or -1. */
  winner(): number {
    return this.#first(this.requests());
  }

  /** Whether a request of `input` is passed on: it is not masked, and none in service holds it. */
  passes(input: number): boolean {
    return this.#first(1 << input) === input;
  }

  /** Returns which of these inputs the chip would pass on first, or -1. */
  #first(requests: number): number {
    const { state } = this;
    const waiting = requests & ~state.mask;
    if (!state.initialized || state.nextIcw !== 0 || waiting === 0) {
      return -1;
    }
    // Special mask mode: a masked input in service no longer holds back the others.
    const blocking = state.specialMask ? state.inService & ~state.mask : state.inService;
    for (let rank = 1; rank <= 8; rank += 1) {
      const bit = 1 << ((state.lowestPriority + rank) & 7);
      // In special fully nested mode a slave may ask again while its earlier request is in service.
      const mayNest = state.specialFullyNested && bit === this.#cascadeBit;
      if ((waiting & bit) !== 0 && ((blocking & bit) === 0 || mayNest)) {
        return (state.lowestPriority + rank) & 7;
      }
      if ((blocking & bit) !== 0) {
        return -1;
      }
    }
    return -1;
  }

  /** Runs an interrupt acknowledge and returns the input taken, or -1 when none asks any more. */
  acknowledge(): number {
    const input = this.winner();
    if (input >= 0) {
      const { state } = this;
      state.edges &= ~(1 << input);
      if (!state.automaticEoi) {
        state.inService |= 1 << input;
      } else if (state.rotateInAutomaticEoi) {
        state.lowestPriority = input;
      }
    }
    return input;
  }

  /** Returns the vector of input `input`. */
  vector(input: number): number {
    return this.state.vectorBase | input;
  }

  /** Reads the command port (`data` false) or the data port. */
  read(data: boolean): number {
    const { state } = this;
    if (state.polls) {
      state.polls = false;
      const input = this.acknowledge();
      return input < 0 ? 0 : reg.pollPending | input;
    }
    if (data) {
      return state.mask;
    }
    return state.readsInService ? state.inService : this.requests();
  }

  /** Writes the command port: ICW1, OCW2 or OCW3. */
  writeCommand(value: number): void {
    if ((value & reg.icw1Start) !== 0) {
      this.#startInitialization(value);
    } else if ((value & reg.ocw3Select) !== 0) {
      this.#writeOcw3(value);
    } else {
      this.#writeOcw2(value);
    }
  }

  /** Writes the data port: the mask, or the next initialization word. */
  writeData(value: number): void {
    const { state } = this;
    if (state.nextIcw === 0) {
      state.mask = value;
    } else if (state.nextIcw === 2) {
      state.vectorBase = value & 0xf8;
      this.#expectAfter(2);
    } else if (state.nextIcw === 3) {
      // The cascade is wired: input 2 of the master, whatever ICW3 says.
      this.#expectAfter(3);
    } else {
      state.automaticEoi = (value & reg.icw4AutomaticEoi) !== 0;
      state.specialFullyNested = (value & reg.icw4SpecialFullyNested) !== 0;
      this.#expectAfter(4);
    }
  }

  #startInitialization(icw1: number): void {
    const { state } = this;
    this.state = {
      ...powerOnPicChip(),
      lines: state.lines,
      levelTriggered: state.levelTriggered,
      vectorBase: state.vectorBase,
      nextIcw: 2,
      single: (icw1 & reg.icw1Single) !== 0,
      needsIcw4: (icw1 & reg.icw1NeedsIcw4) !== 0,
    };
  }

  #expectAfter(icw: 2 | 3 | 4): void {
    const { state } = this;
    if (icw === 2 && !state.single) {
      state.nextIcw = 3;
    } else if (icw < 4 && state.needsIcw4) {
      state.nextIcw = 4;
    } else {
      state.nextIcw = 0;
      state.initialized = true;
    }
  }

  #writeOcw2(value: number): void {
    const { state } = this;
    const level = value & 7;
    const command = reg.ocw2Command;
    switch (value >> 5) {
      case command.nonspecificEoi:
        this.#endHighest();
        break;
      case command.rotateOnNonspecificEoi: {
        const ended = this.#endHighest();
        if (ended >= 0) {
          state.lowestPriority = ended;
        }
        break;
      }
      case command.specificEoi:
        state.inService &= ~(1 << level);
        break;
      case command.rotateOnSpecificEoi:
        state.inService &= ~(1 << level);
        state.lowestPriority = level;
        break;
      case command.setPriority:
        state.lowestPriority = level;
        break;
      case command.setRotateInAutomaticEoi:
        state.rotateInAutomaticEoi = true;
        break;
      case command.clearRotateInAutomaticEoi:
        state.rotateInAutomaticEoi = false;
        break;
      default:
        break;
    }
  }

  #writeOcw3(value: number): void {
    const { state } = this;
    if ((value & reg.ocw3EnableSpecialMask) !== 0) {
      state.specialMask = (value & reg.ocw3SpecialMask) !== 0;
    }
    if ((value & reg.ocw3Poll) !== 0) {
      state.polls = true;
    }
    if ((value & reg.ocw3ReadRegister) !== 0) {
      state.readsInService = (value & reg.ocw3ReadIsr) !== 0;
    }
  }

  /**
   * Ends the service with the highest priority; in special mask mode masked ones stay (data sheet).
   */
  #endHighest(): number {
    const { state } = this;
    const candidates = state.specialMask ? state.inService & ~state.mask : state.inService;
    for (let rank = 1; rank <= 8; rank += 1) {
      const input = (state.lowestPriority + rank) & 7;
      if ((candidates & (1 << input)) !== 0) {
        state.inService &= ~(1 << input);
        return input;
      }
    }
    return -1;
  }
}
