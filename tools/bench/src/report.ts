/** What the benchmark prints: medians over the rounds, ratios within each round, and means. */
import { type Counted, counted } from './counters.ts';
import type { Sample } from './engines/session.ts';

/** The runs of one workload: for each engine one sample per round, missing where it failed. */
export interface Result {
  readonly workload: string;
  readonly cpuBound: boolean;
  readonly samples: Readonly<Record<string, readonly (Sample | undefined)[]>>;
}

/** One line of the report. */
export interface Row {
  readonly workload: string;
  readonly cpuBound: boolean;
  /** Median seconds of each engine. */
  readonly seconds: Readonly<Record<string, number | undefined>>;
  readonly cpuSeconds: Readonly<Record<string, number | undefined>>;
  /** How many times as fast as each peer the subject is: median over the rounds, 2 is twice. */
  readonly timesAsFast: Readonly<Record<string, number | undefined>>;
  /** The last round's counters of the subject. */
  readonly counted: Counted | undefined;
}

/** Summarises results; each round of `subject` is compared with the peers' in the same round. */
export function summarise(results: readonly Result[], subject: string): Row[] {
  return results.map(({ workload, cpuBound, samples }) => {
    const own = samples[subject] ?? [];
    const perEngine = (pick: (runs: readonly (Sample | undefined)[]) => number | undefined) =>
      Object.fromEntries(Object.entries(samples).map(([name, runs]) => [name, pick(runs)]));
    const ratios = perEngine((runs) =>
      median(own.map((sample, round) => quotient(runs[round]?.seconds, sample?.seconds))),
    );
    const last = own.findLast((sample) => sample?.counters !== undefined)?.counters;
    return {
      workload,
      cpuBound,
      seconds: perEngine((runs) => median(runs.map((run) => run?.seconds))),
      cpuSeconds: perEngine((runs) => median(runs.map((run) => run?.cpuSeconds))),
      timesAsFast: Object.fromEntries(Object.entries(ratios).filter(([name]) => name !== subject)),
      counted: last === undefined ? undefined : counted(last.before, last.after),
    };
  });
}

/** The geometric mean of how many times as fast the subject is, over the workloads that have it. */
export function geometricMean(rows: readonly Row[], peer: string): number | undefined {
  const ratios = rows.flatMap(({ timesAsFast }) => timesAsFast[peer] ?? []);
  if (ratios.length === 0) return undefined;
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

/** Share of the instructions of the CPU-bound workloads that were retired in translated code. */
export function efficiency(rows: readonly Row[]): number | undefined {
  const bound = rows.flatMap((row) => (row.cpuBound ? (row.counted ?? []) : []));
  const total = bound.reduce((sum, { millions }) => sum + millions, 0);
  const translated = bound.reduce((sum, each) => sum + each.millions * each.translatedShare, 0);
  return total === 0 ? undefined : translated / total;
}

/** Renders rows as a table for the terminal: seconds, then how many times as fast. */
export function renderTable(rows: readonly Row[], subject: string): string {
  const names = Object.keys(rows[0]?.seconds ?? {});
  const peers = names.filter((name) => name !== subject);
  const header = [
    '',
    ...names.map((name) => `${name} s`),
    ...peers.map((name) => `x ${name}`),
    'million',
    'translated',
  ];
  const lines = rows.map(({ workload, seconds, timesAsFast, counted: count }) => [
    workload,
    ...names.map((name) => fixed(seconds[name])),
    ...peers.map((name) => fixed(timesAsFast[name])),
    count === undefined ? '-' : count.millions.toFixed(0),
    percent(count?.translatedShare),
  ]);
  const means = [
    'geometric mean',
    ...names.map(() => ''),
    ...peers.map((name) => fixed(geometricMean(rows, name))),
    '',
    '',
  ];
  return columns([header, ...lines, means]);
}

/** Renders exits to TypeScript per million instructions, the five most frequent causes. */
export function renderExits(rows: readonly Row[]): string {
  return columns(
    rows.map(({ workload, counted: count }) => [
      workload,
      ...Object.entries(count?.exitsPerMillion ?? {})
        .slice(0, 5)
        .map(([cause, rate]) => `${cause} ${rate.toFixed(1)}`),
    ]),
  );
}

/** Renders what translation cost in each workload, and what was dropped. */
export function renderTranslation(rows: readonly Row[]): string {
  const header = ['', 'regions', 'KB', 'translate s', 'compile s', 'dropped'];
  const lines = rows.map(({ workload, counted: count }) => [
    workload,
    ...(count === undefined
      ? ['-', '-', '-', '-', '-']
      : [
          String(count.regions),
          (count.wasmBytes / 1000).toFixed(0),
          count.translateSeconds.toFixed(2),
          count.compileSeconds.toFixed(2),
          Object.entries(count.invalidations)
            .map(([cause, number]) => `${cause} ${number}`)
            .join(', '),
        ]),
  ]);
  return columns([header, ...lines]);
}

/** A share as a percentage. */
export function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(share * 100).toFixed(2)} %`;
}

function columns(cells: readonly (readonly string[])[]): string {
  const count = Math.max(...cells.map((line) => line.length), 0);
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0)),
  );
  return cells
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

function fixed(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(2);
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const high = sorted[sorted.length >> 1];
  const low = sorted[(sorted.length - 1) >> 1];
  return high === undefined || low === undefined ? undefined : (low + high) / 2;
}
