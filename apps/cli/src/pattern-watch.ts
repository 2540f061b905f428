/** How much of the output a pattern can span, in characters. */
const WINDOW = 16_384;

/** Looks for a pattern in output that comes in pieces; output is read as Latin-1. */
export class PatternWatch {
  readonly #pattern: RegExp;
  #window = '';

  constructor(pattern: string) {
    this.#pattern = new RegExp(pattern, 'm');
  }

  /** Adds output and says whether the pattern matches in the last 16,384 characters. */
  add(bytes: Uint8Array): boolean {
    this.#window = (this.#window + Buffer.from(bytes).toString('latin1')).slice(-WINDOW);
    return this.#pattern.test(this.#window);
  }
}
