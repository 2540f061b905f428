import type { Value } from './value.ts';

/** Registers that a case of the interpreter loop keeps in locals. */
export interface DeferredRegisters {
  /** What stands at a state address, if it is in one of them. */
  load(name: string, address: number): Value | undefined;
  /** Changes what stands there; false if it is in none of them. */
  store(name: string, address: number, content: Value): boolean;
  readonly isPending: boolean;
  settle(): void;
  writeAside(): void;
}

/**
 * State that is not written yet, in a case of the interpreter loop that stands for several
 * instructions: flags of one that the next may set anyway, registers that the next may use.
 *
 * It is written where something may see it: where the case is left in the middle, and at its end.
 */
export class DeferredState {
  registers: DeferredRegisters | undefined = undefined;
  #flags: (() => void) | undefined;

  /** The flags are what `write` writes, whatever they were. */
  assignFlags(write: () => void): void {
    this.#flags = write;
  }

  /** The flags are what they were, then changed by `write`. */
  amendFlags(write: () => void): void {
    const before = this.#flags;
    this.#flags =
      before === undefined
        ? write
        : () => {
            before();
            write();
          };
  }

  /** Nothing will see these flags. */
  dropFlags(): void {
    this.#flags = undefined;
  }

  /** Whether there is something to write. */
  get isPending(): boolean {
    return this.#flags !== undefined || this.registers?.isPending === true;
  }

  /** Writes the flags, here and nowhere else. */
  settleFlags(): void {
    const write = this.#flags;
    this.#flags = undefined;
    write?.();
  }

  /** Writes everything, here and nowhere else. */
  settle(): void {
    this.settleFlags();
    this.registers?.settle();
  }

  /** Writes everything for those who come this way; it stays deferred for others. */
  writeAside(): void {
    const flags = this.#flags;
    this.settleFlags();
    this.#flags = flags;
    this.registers?.writeAside();
  }
}
