/** Ctrl-A, after which the next key is for the program and not for the guest, as in QEMU. */
const ESCAPE = 0x01;

/** What the keys after Ctrl-A ask of the program. */
export type EscapeCommand = 'exit' | 'reset' | 'snapshot' | 'screenshot' | 'statistics' | 'help';

/** Keys for the guest, and what was asked of the program among them. */
export interface FilteredKeys {
  readonly bytes: Uint8Array;
  readonly commands: readonly EscapeCommand[];
}

/** Every key after Ctrl-A that asks something of the program, in the order of the help. */
const menu: readonly (readonly [key: string, command: EscapeCommand, help: string])[] = [
  ['x', 'exit', 'leave'],
  ['r', 'reset', 'press the reset button'],
  ['s', 'snapshot', 'write a snapshot'],
  ['p', 'screenshot', 'write a picture of the screen'],
  ['i', 'statistics', 'show statistics'],
  ['h', 'help', 'this list'],
];

/** The text for `Ctrl-A h`. */
export const ESCAPE_HELP: string = [
  ...menu.map(([key, , help]) => `Ctrl-A ${key}   ${help}`),
  'Ctrl-A a   send Ctrl-A to the guest',
].join('\r\n');

/**
 * Takes the program's own keys out of what is typed: those of the menu after Ctrl-A; `Ctrl-A a` and
 * `Ctrl-A Ctrl-A` send a Ctrl-A, any other key after Ctrl-A is dropped.
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
      const key = String.fromCharCode(byte).toLowerCase().replace('?', 'h');
      const command = menu.find(([menuKey]) => menuKey === key)?.[1];
      if (command !== undefined) commands.push(command);
      else if (key === 'a' || byte === ESCAPE) bytes.push(ESCAPE);
    }
    return { bytes: Uint8Array.from(bytes), commands };
  }
}
