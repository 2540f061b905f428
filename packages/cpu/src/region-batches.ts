/**
 * Has the engine compile regions while the guest runs on, several in a module: those that were made
 * while it was busy with others.
 *
 * Each module's code is mapped for itself, wherever there is room. A processor whose code is in
 * 2,000 such places spends more time on translating their addresses than on what is in them.
 */
import { linkModules } from '@ringfence/wasm';
import type { CompiledRegion, RegionCompiler } from './region-compiler.ts';
import type { MadeRegion } from './region-record.ts';

/** Modules that are compiled at one time. */
const mostModules = 4;

/** Regions that wait before another module is begun beside one. */
const fewestBeside = 6;

/** Regions of one module. */
const mostRegions = 16;

/** What becomes of regions. */
interface Outcomes {
  /** A region is compiled; throws where the engine has no room for it. */
  readonly enter: (made: MadeRegion, code: CompiledRegion) => void;
  /** The engine does not compile a region. */
  readonly fail: (made: MadeRegion) => void;
}

/** The regions that one CPU has the engine compile. */
export class RegionBatches {
  readonly #outcomes: Outcomes;
  #waiting: MadeRegion[] = [];
  #modules = 0;
  #regions = 0;

  constructor(outcomes: Outcomes) {
    this.#outcomes = outcomes;
  }

  /** How many regions are being compiled, or wait for it. */
  get size(): number {
    return this.#regions + this.#waiting.length;
  }

  /** Enters a region that is compiled already, or has it compiled; without a compiler at once. */
  add(made: MadeRegion, compiler: RegionCompiler | undefined): void {
    if (compiler === undefined) {
      this.#enter(made, () => ({
        module: new WebAssembly.Module(linkModules([made.wasm])),
        number: 0,
      }));
      return;
    }
    const found = compiler.find?.(made.wasm);
    if (found !== undefined) {
      this.#enter(made, () => found);
      return;
    }
    this.#waiting.push(made);
    this.#next(compiler);
  }

  #next(compiler: RegionCompiler): void {
    while (this.#modules < mostModules) {
      if (this.#waiting.length < (this.#modules === 0 ? 1 : fewestBeside)) return;
      const batch = this.#waiting.splice(0, mostRegions);
      const current = batch.filter(({ region }) => region.state === 'compiling');
      if (current.length > 0) void this.#compile(current, compiler);
    }
  }

  async #compile(batch: readonly MadeRegion[], compiler: RegionCompiler): Promise<void> {
    this.#modules += 1;
    this.#regions += batch.length;
    const parts = batch.map(({ wasm }) => wasm);
    try {
      const module = await compiler.compile(linkModules(parts), parts);
      batch.forEach((made, number) => {
        this.#enter(made, () => ({ module, number }));
      });
    } catch {
      // One that the engine does not like is no reason to have none of the others.
      if (batch.length === 1) batch.forEach(this.#outcomes.fail);
      else for (const made of batch) await this.#compile([made], compiler);
    }
    this.#modules -= 1;
    this.#regions -= batch.length;
    this.#next(compiler);
  }

  #enter(made: MadeRegion, code: () => CompiledRegion): void {
    try {
      this.#outcomes.enter(made, code());
    } catch {
      this.#outcomes.fail(made);
    }
  }
}
