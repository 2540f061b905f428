/** The part of Ringfence's `--stats` that the benchmark uses. */
export interface Counters {
  readonly instructions: {
    readonly interpreted: number;
    readonly translated: number;
    readonly total: number;
  };
  readonly exits: Readonly<Record<string, number>>;
}

/** The counters of a machine that has not run. */
export const noCounters: Counters = {
  instructions: { interpreted: 0, translated: 0, total: 0 },
  exits: {},
};

/** What was counted between two points. */
export interface Counted {
  /** Retired instructions, in millions. */
  readonly millions: number;
  /** Share of them retired in translated code: the efficiency of Popek and Goldberg, counted. */
  readonly translatedShare: number;
  /** Exits to TypeScript per million instructions, by cause, the most frequent first. */
  readonly exitsPerMillion: Readonly<Record<string, number>>;
}

/** The difference of two sets of counters. */
export function counted(before: Counters, after: Counters): Counted {
  const total = after.instructions.total - before.instructions.total;
  const translated = after.instructions.translated - before.instructions.translated;
  const millions = total / 1e6;
  const exits = Object.entries(after.exits)
    .map(([cause, count]): [string, number] => [cause, count - (before.exits[cause] ?? 0)])
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([cause, count]): [string, number] => [cause, count / Math.max(millions, 1e-6)]);
  return {
    millions,
    translatedShare: total > 0 ? translated / total : 0,
    exitsPerMillion: Object.fromEntries(exits),
  };
}
