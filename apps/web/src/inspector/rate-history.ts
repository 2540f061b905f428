/** Seconds that are remembered. */
export const historySeconds = 60;

/** A counter: its name, its value, and its rates. */
export type RateRow = readonly [name: string, total: number, rates: readonly number[]];

/** Counters by name as rates: how much each grew per second, reading by reading. */
export class RateHistory {
  readonly #rates = new Map<string, number[]>();
  #counts: Readonly<Record<string, number>> = {};
  #totals: Readonly<Record<string, number>> = {};
  #seconds = -1;
  #readings = 0;

  /** Takes a reading at a time of the machine; an earlier time begins anew. */
  add(seconds: number, counts: Readonly<Record<string, number>>): void {
    this.#totals = counts;
    const passed = seconds - this.#seconds;
    if (this.#seconds >= 0 && passed <= 0 && seconds < this.#seconds) {
      this.#rates.clear();
      this.#readings = 0;
    } else if (this.#seconds >= 0 && passed > 0) {
      for (const [name, count] of Object.entries(counts)) {
        const known = this.#rates.get(name) ?? new Array<number>(this.#readings).fill(0);
        known.push(Math.max(0, (count - (this.#counts[name] ?? 0)) / passed));
        this.#rates.set(name, known.slice(-historySeconds));
      }
      this.#readings = Math.min(this.#readings + 1, historySeconds - 1);
    }
    this.#seconds = seconds;
    this.#counts = counts;
  }

  /** The names with their totals and rates, those that grow fastest first. */
  get rows(): readonly RateRow[] {
    return Object.entries(this.#totals)
      .map(([name, total]) => [name, total, this.#rates.get(name) ?? []] as const)
      .filter(([, total]) => total > 0)
      .sort(([, one, ones], [, other, others]) => sum(others) - sum(ones) || other - one);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
