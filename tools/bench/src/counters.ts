/** The part of Ringfence's `--stats` that the benchmark uses. */
export interface Counters {
  readonly instructions: {
    readonly interpreted: number;
    readonly translated: number;
    readonly total: number;
  };
  readonly exits: Readonly<Record<string, number>>;
  readonly seconds: { readonly translate: number; readonly compile: number };
  readonly translations: {
    readonly regions: number;
    readonly wasmBytes: number;
    readonly invalidations: Readonly<Record<string, number>>;
  };
}

/** The counters of a machine that has not run. */
export const noCounters: Counters = {
  instructions: { interpreted: 0, translated: 0, total: 0 },
  exits: {},
  seconds: { translate: 0, compile: 0 },
  translations: { regions: 0, wasmBytes: 0, invalidations: {} },
};

/** What was counted between two points. */
export interface Counted {
  /** Retired instructions, in millions. */
  readonly millions: number;
  /** Share of them retired in translated code: the efficiency of Popek and Goldberg, counted. */
  readonly translatedShare: number;
  /** Exits to TypeScript per million instructions, by cause, the most frequent first. */
  readonly exitsPerMillion: Readonly<Record<string, number>>;
  /** Regions that were made, bytes of their WebAssembly, and seconds that this took. */
  readonly regions: number;
  readonly wasmBytes: number;
  readonly translateSeconds: number;
  readonly compileSeconds: number;
  /** Decoded instructions that were dropped, by cause. */
  readonly invalidations: Readonly<Record<string, number>>;
}

/** The difference of two sets of counters. */
export function counted(before: Counters, after: Counters): Counted {
  const total = after.instructions.total - before.instructions.total;
  const translated = after.instructions.translated - before.instructions.translated;
  const millions = total / 1e6;
  const exits = difference(before.exits, after.exits)
    .sort(([, a], [, b]) => b - a)
    .map(([cause, count]): [string, number] => [cause, count / Math.max(millions, 1e-6)]);
  const was = before.translations;
  const is = after.translations;
  return {
    millions,
    translatedShare: total > 0 ? translated / total : 0,
    exitsPerMillion: Object.fromEntries(exits),
    regions: is.regions - was.regions,
    wasmBytes: is.wasmBytes - was.wasmBytes,
    translateSeconds: after.seconds.translate - before.seconds.translate,
    compileSeconds: after.seconds.compile - before.seconds.compile,
    invalidations: Object.fromEntries(difference(was.invalidations, is.invalidations)),
  };
}

/** What was added to each counter, without those to which nothing was. */
function difference(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): [string, number][] {
  return Object.entries(after)
    .map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)])
    .filter(([, count]) => count > 0);
}
