import { DeviceError } from './error.ts';
import type { IrqLine } from './interfaces.ts';

/** How many sources one shared line can have: they are bits of a 32-bit word. */
export const maximumSources = 32;

/**
 * A wire that several devices drive and that is high while any of them is: a PCI interrupt pin, the
 * A20 gate.
 *
 * The target hears of changes only, which devices that drive their wires after each access make
 * worth it. The sources' levels are not saved here: each device drives its source again when it is
 * restored.
 */
export class SharedLine {
  readonly #target: IrqLine;
  #levels = 0;
  #sources = 0;

  /** Joins sources to `target`. */
  constructor(target: IrqLine) {
    this.#target = target;
  }

  /**
   * Returns one more source, low at first.
   *
   * @throws DeviceError past `maximumSources`.
   */
  source(): IrqLine {
    if (this.#sources === maximumSources) {
      throw new DeviceError('bad-configuration', `more than ${String(maximumSources)} sources`);
    }
    const bit = 1 << this.#sources;
    this.#sources += 1;
    return {
      set: (level) => {
        const before = this.#levels;
        this.#levels = level ? before | bit : before & ~bit;
        if ((before !== 0) !== (this.#levels !== 0)) {
          this.#target.set(this.#levels !== 0);
        }
      },
    };
  }
}
