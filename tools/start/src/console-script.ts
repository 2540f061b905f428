/**
 * Types the lines of a script into a guest's shell, as somebody at its console would.
 *
 * A line is typed when the console stands at a prompt. Once the shell is up, a program that reads
 * lines of its own shows no prompt: then the next line is typed when the guest has said nothing for
 * a while. Typing everything at once would lose what the guest's terminal driver cannot hold
 * (4,095 characters), and an end of file typed ahead would be read in the wrong mode.
 */
import type { SerialPort } from '@ringfence/machine';

/** Busybox asks the terminal for the cursor behind its prompt. ECMA-48 8.3.35, DSR 6. */
const CURSOR_QUESTION = '\\u001b\\[6n';

/** A shell's prompt at the end of the output, maybe with busybox's question behind it. */
export const SHELL_PROMPT: RegExp = new RegExp(`[^\\r\\n]*[#$>] ?(${CURSOR_QUESTION})?$`);

/** How a script is typed. */
export interface ConsoleScriptOptions {
  /** Matches the end of the output where a line can be typed. */
  readonly prompt: RegExp;
  /** After how long without output the next line is typed although there is no prompt. */
  readonly idleMs: number;
  /** Called at the first prompt after the last line. */
  readonly atEnd: (console: SerialPort) => void;
  /** Calls back after a delay, and returns what cancels it. */
  readonly setTimer: (callback: () => void, delayMs: number) => () => void;
}

/** How much of the output is kept to find a prompt in. */
const WINDOW = 256;

/** Types a script's lines into a console, one at a time. */
export class ConsoleScript {
  readonly #console: SerialPort;
  readonly #lines: AsyncIterator<string>;
  readonly #options: ConsoleScriptOptions;
  readonly #silence: () => void;
  #tail = '';
  #begun = false;
  #state: 'typing' | 'reading' | 'at-end' | 'over' = 'typing';
  #cancel: (() => void) | undefined;

  constructor(console: SerialPort, lines: AsyncIterator<string>, options: ConsoleScriptOptions) {
    this.#console = console;
    this.#lines = lines;
    this.#options = options;
    this.#silence = console.onData((bytes) => this.#heard(bytes));
  }

  /** Stops typing. */
  dispose(): void {
    this.#state = 'over';
    this.#silence();
    this.#cancel?.();
  }

  #heard(bytes: Uint8Array): void {
    this.#tail = (this.#tail + Buffer.from(bytes).toString('latin1')).slice(-WINDOW);
    this.#listen();
  }

  /** Waits until the guest is silent: for a moment at a prompt, else for `idleMs`. */
  #listen(): void {
    if (this.#state !== 'typing' && this.#state !== 'at-end') return;
    this.#cancel?.();
    const atPrompt = this.#options.prompt.test(this.#tail);
    this.#begun ||= atPrompt;
    if (!this.#begun) return;
    const delayMs = atPrompt ? SETTLE_MS : this.#options.idleMs;
    this.#cancel = this.#options.setTimer(() => this.#quiet(atPrompt), delayMs);
  }

  #quiet(atPrompt: boolean): void {
    if (this.#state === 'typing') {
      void this.#typeLine();
    } else if (atPrompt) {
      this.dispose();
      this.#options.atEnd(this.#console);
    } else {
      // Something else, such as a kernel message, may stand behind the prompt: ask for a new one.
      this.#type('');
    }
  }

  async #typeLine(): Promise<void> {
    this.#state = 'reading';
    const { done, value } = await this.#lines.next();
    if (this.#isOver()) return;
    this.#state = done === true ? 'at-end' : 'typing';
    if (done === true) this.#listen();
    else this.#type(value);
  }

  #type(line: string): void {
    this.#tail = '';
    this.#console.write(`${line}\r`);
    this.#listen();
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }
}

/** How long a prompt must have been the last output, as one may stand inside other output. */
const SETTLE_MS = 30;
