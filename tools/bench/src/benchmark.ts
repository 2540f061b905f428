/** Runs the rounds: every engine in turn boots each guest, then every workload in every engine. */
import type { Engine, EngineSettings, GuestImage } from './engines/engines.ts';
import { type Sample, Session } from './engines/session.ts';
import type { Result } from './report.ts';

/** A guest, and the workloads that it knows. */
export interface BenchmarkGuest {
  readonly image: GuestImage;
  /** Name of the row that tells how long the guest takes to its first marker, if wanted. */
  readonly bootName: string | undefined;
  readonly workloads: readonly { readonly name: string; readonly cpuBound: boolean }[];
}

/** What is run, and how often. */
export interface BenchmarkPlan {
  readonly guests: readonly BenchmarkGuest[];
  readonly engines: readonly Engine[];
  readonly settings: EngineSettings;
  readonly rounds: number;
  /** How often a workload is run in a guest before the next one. */
  readonly repeat: number;
  readonly limitSeconds: number;
  readonly say: (line: string) => void;
}

/** What came of it. */
export interface Outcome {
  readonly results: readonly Result[];
  /** The most resident memory of each engine at the end of a guest, in bytes. */
  readonly residentBytes: Readonly<Record<string, number>>;
  /** What did not run, and outputs of engines that differ from those of the others. */
  readonly failures: readonly string[];
}

/** Runs a plan. */
export async function runBenchmark(plan: BenchmarkPlan): Promise<Outcome> {
  const run = new Run(plan);
  for (let round = 0; round < plan.rounds; round++) {
    for (const guest of plan.guests) await run.guest(guest, round);
  }
  return run.outcome();
}

class Run {
  readonly #plan: BenchmarkPlan;
  readonly #results = new Map<string, { cpuBound: boolean; samples: Record<string, Sample[]> }>();
  readonly #resident: Record<string, number> = {};
  readonly #failures: string[] = [];

  constructor(plan: BenchmarkPlan) {
    this.#plan = plan;
  }

  async guest(guest: BenchmarkGuest, round: number): Promise<void> {
    const sessions = new Map<string, Session>();
    try {
      for (const engine of this.#plan.engines) {
        const session = await this.#attempt(`round ${round + 1}: ${engine.name}`, () =>
          Session.start({
            command: engine.command(guest.image, this.#plan.settings),
            counts: engine.counts,
            limitSeconds: this.#plan.limitSeconds,
          }),
        );
        if (session === undefined) continue;
        sessions.set(engine.name, session);
        await session.rest();
        if (guest.bootName !== undefined && session.boot !== undefined) {
          this.#add(guest.bootName, false, engine.name, session.boot);
        }
      }
      for (const workload of guest.workloads) {
        for (let time = 0; time < this.#plan.repeat; time++) {
          await this.#workload(workload.name, workload.cpuBound, sessions);
        }
      }
      for (const [name, session] of sessions) {
        const bytes = session.use().residentBytes ?? 0;
        this.#resident[name] = Math.max(this.#resident[name] ?? 0, bytes);
      }
    } finally {
      for (const session of sessions.values()) await session.close();
    }
  }

  outcome(): Outcome {
    const results = [...this.#results].map(([workload, rest]): Result => ({ workload, ...rest }));
    return { results, residentBytes: this.#resident, failures: this.#failures };
  }

  async #workload(name: string, cpuBound: boolean, sessions: Map<string, Session>): Promise<void> {
    let said: { engine: string; output: string } | undefined;
    for (const [engine, session] of sessions) {
      const sample = await this.#attempt(`${engine}: ${name}`, () => session.run(name));
      if (sample === undefined) {
        sessions.delete(engine);
        continue;
      }
      this.#add(name, cpuBound, engine, sample);
      await session.rest();
      said ??= { engine, output: sample.output };
      if (said.output !== sample.output) {
        const words = `"${sample.output}", and ${said.engine} "${said.output}"`;
        this.#failures.push(`${name}: ${engine} printed ${words}`);
      }
    }
  }

  #add(workload: string, cpuBound: boolean, engine: string, sample: Sample): void {
    const result = this.#results.get(workload) ?? { cpuBound, samples: {} };
    this.#results.set(workload, result);
    (result.samples[engine] ??= []).push(sample);
    this.#plan.say(`${workload}: ${engine} ${sample.seconds.toFixed(3)} s`);
  }

  async #attempt<T>(what: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#failures.push(`${what}: ${message}`);
      this.#plan.say(`${what} FAILED: ${message}`);
      return undefined;
    }
  }
}
