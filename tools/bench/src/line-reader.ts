/** Cuts text that comes in pieces into lines; CR is left out. */
export class LineReader {
  readonly #line: (line: string) => void;
  #rest = '';

  constructor(line: (line: string) => void) {
    this.#line = line;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-MOST_KEPT);
    for (const line of lines) this.#line(line.replaceAll('\r', ''));
  }
}

/** A guest that never ends a line must not fill the memory of the host. */
const MOST_KEPT = 65_536;
