import { writeFileSync } from 'node:fs';
import type { Machine, Settings } from '@ringfence/machine';
import { fileFault } from './boot-files.ts';
import type { OutputStream } from './console-streams.ts';
import { ESCAPE_HELP, type EscapeCommand } from './escape-keys.ts';

/** What the keys after Ctrl-A do with a machine. */
export class Menu {
  readonly #machine: Machine;
  readonly #settings: Settings;
  readonly #notes: OutputStream;
  readonly #exit: () => void;

  /** `notes` is where the menu says what it did: a terminal in raw mode. */
  constructor(machine: Machine, settings: Settings, notes: OutputStream, exit: () => void) {
    this.#machine = machine;
    this.#settings = settings;
    this.#notes = notes;
    this.#exit = exit;
  }

  /** Does what a key asks for; says so, or what went wrong. */
  async run(command: EscapeCommand): Promise<void> {
    switch (command) {
      case 'exit':
        return this.#exit();
      case 'reset':
        this.#machine.reset();
        return this.#say('reset');
      case 'snapshot':
        return this.#write(this.#settings.snapshot ?? fileName('snapshot', 'rfs'), () => {
          return this.#machine.snapshot();
        });
      case 'screenshot':
        return this.#write(this.#settings.screenshot ?? fileName('screen', 'png'), () => {
          return this.#machine.screen.png();
        });
      case 'statistics':
        return this.#say(statisticsText(this.#machine));
      case 'help':
        return this.#say(ESCAPE_HELP);
    }
  }

  async #write(path: string, make: () => Uint8Array | Promise<Uint8Array>): Promise<void> {
    try {
      const bytes = await make();
      writeFileSync(path, bytes);
      this.#say(`${path}: ${(bytes.length / 1e6).toFixed(1)} MB`);
    } catch (error) {
      this.#say(`${path}: ${fileFault(error)}`);
    }
  }

  #say(text: string): void {
    this.#notes.write(`\r\n${text}\r\n`);
  }
}

/** A name for a file that nobody named: in the current folder, and not there yet. */
function fileName(what: string, ending: string): string {
  const time = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  return `ringfence-${what}-${time}.${ending}`;
}

function statisticsText(machine: Machine): string {
  const { seconds, instructions, translations, exits } = machine.stats();
  const millions = (count: number): string => `${(count / 1e6).toFixed(1)} million`;
  const share = (100 * instructions.translated) / Math.max(1, instructions.total);
  const frequent = Object.entries(exits)
    .sort(([, one], [, other]) => other - one)
    .slice(0, 6)
    .map(([cause, count]) => `${cause} ${String(count)}`);
  return [
    `time          ${seconds.total.toFixed(1)} s, of it ${seconds.guest.toFixed(1)} s in the guest`,
    `instructions  ${millions(instructions.total)}, ${share.toFixed(0)} % of them translated`,
    `regions       ${String(translations.regions)}, ${String(translations.wasmBytes)} bytes`,
    `exits         ${frequent.join(', ')}`,
  ].join('\r\n');
}
