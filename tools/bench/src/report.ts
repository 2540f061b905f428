import type { Timing } from './timed-run.ts';

/** What a run of Ringfence counted; the part of its `--stats` that the report uses. */
export interface Counted {
  readonly instructions: { readonly total: number };
  readonly seconds: { readonly guest: number };
}

/** The timings of one contestant, in the order of the rounds. */
export interface Result {
  readonly name: string;
  readonly timings: readonly Timing[];
  /** The counters of each round, for a contestant that has them. */
  readonly counted?: readonly Counted[];
}

/** One line of the report: medians, and how many times the reference's time the contestant took. */
export interface ReportRow {
  readonly name: string;
  readonly medianSeconds: number;
  readonly medianCpuSeconds: number | undefined;
  readonly rounds: readonly number[];
  /** Median of guest instructions per second of guest time, in millions. */
  readonly mips: number | undefined;
  /** Median over the rounds of (this one's seconds / the reference's seconds in the same round). */
  readonly ratio: number | undefined;
}

/** Summarises results, each round compared with the reference's run in that round. */
export function summarise(results: readonly Result[], reference: string): ReportRow[] {
  const base = results.find(({ name }) => name === reference)?.timings;
  return results.map(({ name, timings, counted = [] }) => {
    const ratios = timings.flatMap(({ seconds }, round) => {
      const other = base?.[round]?.seconds;
      return other === undefined ? [] : [seconds / other];
    });
    const cpu = timings.flatMap(({ cpuSeconds }) => (cpuSeconds === undefined ? [] : [cpuSeconds]));
    return {
      name,
      medianSeconds: median(timings.map(({ seconds }) => seconds)) ?? NaN,
      medianCpuSeconds: median(cpu),
      rounds: timings.map(({ seconds }) => seconds),
      mips: median(counted.map((each) => each.instructions.total / each.seconds.guest / 1e6)),
      ratio: median(ratios),
    };
  });
}

/** Renders rows as a table for the terminal. */
export function renderTable(rows: readonly ReportRow[], reference: string): string {
  const cells = [
    ['', 'seconds', 'cpu s', `x ${reference}`, 'mips', 'rounds'],
    ...rows.map((row) => [
      row.name,
      fixed(row.medianSeconds),
      fixed(row.medianCpuSeconds),
      fixed(row.ratio),
      fixed(row.mips),
      row.rounds.map(fixed).join(' '),
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) =>
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

function fixed(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(2);
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const high = sorted[sorted.length >> 1];
  const low = sorted[(sorted.length - 1) >> 1];
  return high === undefined || low === undefined ? undefined : (low + high) / 2;
}
