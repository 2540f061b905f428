/** Ctrl-A, after which the next key is for the program and not for the guest, as in QEMU. */
const ESCAPE = 0x01;

/** What the keys after Ctrl-A ask of the program. */
export type EscapeCommand = 'exit' | 'help';

/** Keys for the guest, and what was asked of the program among them. */
export interface FilteredKeys {
  readonly bytes: Uint8Array;
  readonly commands: readonly EscapeCommand[];
}

/** The text for `Ctrl-A h`. */
export const ESCAPE_HELP = 'Ctrl-A x leaves; Ctrl-A a sends Ctrl-A; Ctrl-A h shows this';

/**
 * Takes the program's own keys out of what is typed: `Ctrl-A x` leaves, `Ctrl-A h` helps,
 * `Ctrl-A a` and `Ctrl-A Ctrl-A` send a Ctrl-A, any other key after Ctrl-A is dropped.
 */
export class EscapeKeys {
  #escaped = false;

  /** Filters the next bytes; a Ctrl-A at their end waits for the next call. */
  filter(input: Uint8Array): FilteredKeys {
    const bytes: number[] = [];
    const commands: EscapeCommand[] = [];
    for (const byte of input) {
      if (!this.#escaped) {
        if (byte === ESCAPE) this.#escaped = true;
        else bytes.push(byte);
        continue;
      }
      this.#escaped = false;
      const key = String.fromCharCode(byte).toLowerCase();
      if (key === 'x') commands.push('exit');
      else if (key === 'h' || key === '?') commands.push('help');
      else if (key === 'a' || byte === ESCAPE) bytes.push(ESCAPE);
    }
    return { bytes: Uint8Array.from(bytes), commands };
  }
}
