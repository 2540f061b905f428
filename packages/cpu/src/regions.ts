/**
 * The translator tier: finds hot code by looking where the interpreter stands at the end of its
 * slices, has regions compiled, and lets go of them when their page's code changes.
 *
 * Sampling costs the guest nothing between samples and finds code in proportion to the time that it
 * takes. With a `compiler` the engine compiles beside the guest, which goes on in the interpreter;
 * a region whose code changes meanwhile is never entered.
 */
import type { CodeCache, CodeObserver, InvalidationCause } from '@ringfence/code-cache';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { CpuState } from '@ringfence/memory';
import type { Interpreter, Variant } from '@ringfence/translator';
import { discover, pageIndexOf } from '@ringfence/translator';
import { GivenUpCode, GivenUpLevel, manyGivenUp } from './given-up-code.ts';
import { GiveUps } from './give-ups.ts';
import { HotCode, sampleInterval } from './hot-code.ts';
import { ProfileReplay, type ReplayedRegion } from './profile-replay.ts';
import { RegionLog } from './region-log.ts';
import { RegionBatches } from './region-batches.ts';
import type { CompiledRegion, RegionCompiler } from './region-compiler.ts';
import { RegionMaker } from './region-maker.ts';
import { readsCode } from './region-code.ts';
import type { MadeRegion, PageRegions, Region, RegionStatistics } from './region-record.ts';
import { translatedMode, zeroStatistics } from './region-record.ts';
import { RegionModules } from './region-modules.ts';
import { RegionSources } from './region-sources.ts';
import { RegionTable } from './region-table.ts';
import { Word } from './state-view.ts';
import { dropReason, madeEvent, type TranslationEvent } from './translation-event.ts';
import { contentKeyOf, type TranslationProfile } from './translation-profile.ts';
import { WrittenCode } from './written-code.ts';

/** How often a region is made anew for more entries. */
const maximumRebuilds = 12;

/** Regions that are entered in one page. */
const maximumPageRegions = 64;

/** Regions that are being compiled at one time. */
const mostCompiling = 24;

/** The same, from which none is made that only an earlier run had. */
const mostReplayed = 12;

/** How long a resting guest waits for the engine, in milliseconds. */
const restMs = 2;

/** Handler-table slots kept free for handlers of the interpreter. */
const reservedSlots = 8192;

/** The regions of one virtual CPU. */
export class Regions implements CodeObserver {
  readonly statistics: RegionStatistics = zeroStatistics();
  /** The regions that there are, for inspectors. */
  readonly log: RegionLog = new RegionLog();
  /** Regions at one time. V8 has two mappings for a module; Linux gives a process 65,530. */
  maximumRegions: number = 10_000;
  /** Told of regions that are made and dropped. */
  onEvent: ((event: TranslationEvent) => void) | undefined = undefined;
  /** Without one, the guest waits for the engine. */
  compiler: RegionCompiler | undefined = undefined;
  readonly #state: Int32Array;
  readonly #physical: PhysicalMemory;
  readonly #cache: CodeCache;
  readonly #interpreter: Interpreter;
  readonly #sources: RegionSources;
  readonly #maker: RegionMaker;
  readonly #hot: HotCode;
  readonly #giveUps: GiveUps;
  readonly #monotonicMs: () => number;
  readonly #table: RegionTable;
  readonly #written = new WrittenCode();
  readonly #givenUp = new GivenUpCode();
  readonly #machine: MachineMemory;
  readonly #translate: (linear: number) => number;
  #replay: ProfileReplay | undefined;
  readonly #modules: RegionModules;
  readonly #batches: RegionBatches;
  #samples = 0;

  /** `translate` gives the guest-physical address of a linear one, -1 if there is none. */
  constructor(
    machine: MachineMemory,
    physical: PhysicalMemory,
    cache: CodeCache,
    interpreter: Interpreter,
    translate: (linear: number) => number,
    monotonicMs: () => number,
    forms: Int16Array,
  ) {
    this.#monotonicMs = monotonicMs;
    this.#machine = machine;
    this.#translate = translate;
    this.#state = machine.i32;
    this.#table = new RegionTable(machine.memory, cache, interpreter);
    this.#physical = physical;
    this.#cache = cache;
    this.#interpreter = interpreter;
    const [written, givenUp] = [this.#written, this.#givenUp];
    this.#sources = new RegionSources({
      machine,
      physical,
      cache,
      translate,
      forms,
      written,
      givenUp,
      knownIn: (page) => this.#replay?.knownIn(page),
    });
    this.#maker = new RegionMaker({
      interpreter,
      forms,
      statistics: this.statistics,
      isEntered: (page, offset) => this.#table.page(page)?.entered.has(offset) === true,
      contentOf: (page) => contentKeyOf(machine, physical, page),
    });
    this.#hot = new HotCode(machine.i32, translate, this);
    this.#modules = new RegionModules(interpreter);
    this.#batches = new RegionBatches({
      enter: (made, code) => {
        this.#enter(made, code);
      },
      fail: (made) => {
        this.#fail(made);
      },
    });
    this.#giveUps = new GiveUps(machine.i32, translate, this);
    cache.observe(this);
  }

  /** Instructions until the next sample. */
  get interval(): number {
    return this.#hot.interval;
  }

  /** Translates only what is hotter, for an engine that optimizes new modules late. */
  waitLonger(): void {
    this.#hot.waitLonger();
  }

  /** Translates what a profile knows as soon as it is met, and notes there what is translated. */
  useProfile(profile: TranslationProfile): void {
    this.#interpreter.numberAs(profile.variants);
    this.#replay = new ProfileReplay(profile, {
      machine: this.#machine,
      physical: this.#physical,
      cache: this.#cache,
      translate: this.#translate,
      ease: (page, offset, level) => {
        this.#givenUp.raise(page, offset, level);
      },
      monotonicMs: this.#monotonicMs,
    });
  }

  /** Looks where the CPU stands after a slice of `retired` instructions; compiles what is hot. */
  sample(retired: number = sampleInterval): void {
    const state = this.#state;
    this.#samples += 1;
    const translated = state[CpuState.translated >> 2] ?? 0;
    this.statistics.instructions += translated;
    state[CpuState.translated >> 2] = 0;
    const givenUp = state[CpuState.gaveUp >> 2] ?? 0;
    state[CpuState.gaveUp >> 2] = 0;
    this.statistics.givenUp += givenUp;
    this.#replayDue();
    if (state[Word.codeMode] !== translatedMode) return;
    if (this.#batches.size >= mostCompiling) return;
    if (givenUp > retired * manyGivenUp) this.#giveUps.look();
    this.#hot.sample(translated / retired);
  }

  /** The guest fetched from a page, at this linear address and with this code-page block. */
  pageMet(page: number, linear: number, block: number): void {
    this.#replay?.met(page, linear, block);
  }

  /**
   * Uses a moment in which the guest has nothing to do: makes a region that an earlier run had, or
   * of code that is warm. Returns the milliseconds after which there may be more to do, Infinity if
   * there is nothing.
   */
  rest(): number {
    if (this.#batches.size >= mostReplayed) return restMs;
    const replay = this.#replay;
    if (replay?.hasWork() !== true) {
      return this.#hot.warm(this.#table.count) ? 0 : Infinity;
    }
    this.#remake(replay.takeAny());
    return 0;
  }

  /** Makes a region that an earlier run had of code that runs, if it is time for one. */
  #replayDue(): void {
    const replay = this.#replay;
    if (replay?.isDue !== true || this.#batches.size >= mostReplayed) return;
    const began = this.#monotonicMs();
    const { recalled } = this.statistics;
    this.#remake(replay.takeDue());
    replay.spent(this.#monotonicMs() - began, this.statistics.recalled > recalled);
  }

  #remake(replayed: ReplayedRegion | undefined): void {
    const first = replayed?.starts[0];
    if (replayed === undefined || first === undefined) return;
    const { linear, page, starts } = replayed;
    const known = this.#table.page(page);
    // It may be in another region, and be no entry of it.
    const isMade = known?.entered.has(first) ?? false;
    if (isMade || known?.covered.get(first)?.entries.has(first) === true) return;
    this.compile(linear + first, page, starts, 'an earlier run had it');
  }

  /** What is known of the regions of a page, undefined if there are none. */
  page(number: number): PageRegions | undefined {
    return this.#table.page(number);
  }

  /** Regions do an instruction otherwise from now on. */
  ease(page: number, offset: number, level: number): void {
    // Where a stack frame lies is another thing in each run.
    if (level === GivenUpLevel.hosted) this.#replay?.noteEased(page, offset, level);
    this.#givenUp.raise(page, offset, level);
  }

  /** Makes a region anew, unless that is under way; `linear` is an address in its page. */
  rebuild(region: Region, linear: number, starts: readonly number[], why: string): void {
    region.wanted.clear();
    region.wishes = 0;
    if (region.renewal?.state === 'compiling') return;
    if (region.rebuilt < maximumRebuilds) this.compile(linear, region.page, starts, why, region);
  }

  /** Whether the code at a linear address of a region's page leads into the region. */
  leadsInto({ page, code }: Region, linear: number): boolean {
    const source = this.#sources.make(linear, page, this.#samples);
    const offsets = new Set(code.offsets);
    const blocks = discover(source, [linear & 4095], code.offsets.length);
    return blocks.some(({ offset }) => offsets.has(offset));
  }

  /** Slot of the region entered at an offset of a page that was decoded, 0 if there is none. */
  entryAt(page: number, offset: number, mode: number): number {
    if (mode !== translatedMode) return 0;
    this.#replay?.reached(page, offset);
    return this.#table.entry(page, offset)?.slot ?? 0;
  }

  /** The variant of the instruction at which a region is entered, undefined if none is. */
  variantAt(page: number, offset: number): Variant | undefined {
    return this.#table.entry(page, offset)?.variant;
  }

  /** The guest was met at a linear address of a page, in code that no region is entered at. */
  sampled(page: number, linear: number): void {
    this.#replay?.sampled(page, linear);
  }

  countSample(page: number, offset: number): number {
    return this.#replay?.countSample(page, offset) ?? 0;
  }

  forgetSamples(page: number, offset: number): void {
    this.#replay?.forgetSamples(page, offset);
  }

  /** A call to a linear address was decoded. */
  callMet(linear: number): void {
    this.#hot.callTargets.note(linear);
  }

  /** CodeObserver: regions of the page may not be entered again, and a running one returns soon. */
  codeChanged(page: number, offset: number, size: number, cause: InvalidationCause): void {
    const known = this.#table.forget(page);
    if (known === undefined) return;
    this.#givenUp.forget(page);
    for (const region of known.regions) {
      this.#drop(region, page, () => dropReason(page * 4096 + offset, size, cause));
    }
    this.#cache.drop(page);
    if (size > 0) this.#written.note(page, offset, size, this.#samples);
    this.#stopRunning();
  }

  /**
   * CodeObserver: regions with code in several pages, or that read some of their code, know the
   * pages by their blocks' addresses.
   */
  recordsRebuilt(page: number): void {
    for (const region of this.#table.page(page)?.regions ?? []) {
      // The block that is gone may be of another mode, so that records of the page enter the
      // region.
      const knowsBlocks = region.pages.length > 1 || readsCode(region.code);
      if (knowsBlocks) this.#drop(region, -1, () => 'records were rebuilt');
    }
    this.#stopRunning();
  }

  /** Has a running region return after its instruction. */
  #stopRunning(): void {
    const count = CpuState.dropCount >> 2;
    this.#state[count] = (this.#state[count] ?? 0) + 1;
  }

  /** Lets go of a region because code in `changed` did, whose records are dropped by the caller. */
  #drop(region: Region, changed: number, why: () => string): void {
    const wasEntered = region.state === 'entered';
    this.#table.remove(region, changed);
    this.#modules.release(region);
    if (!wasEntered) return;
    this.log.remove(region);
    this.statistics.dropped += 1;
    const { number, address } = region;
    this.onEvent?.({ kind: 'dropped', region: number, address, why: why() });
  }

  /**
   * Makes a region around some offsets of a page, which takes the place of another one if `instead`
   * names it; `linear` is an address in the page.
   */
  compile(
    linear: number,
    page: number,
    starts: readonly number[],
    why: string,
    instead?: Region,
  ): void {
    const refusal = this.#refusal(page);
    if (refusal !== undefined) {
      this.statistics.refused += 1;
      const address = page * 4096 + (linear & 4095);
      this.onEvent?.({ kind: 'refused', address, linear, why: refusal });
      return;
    }
    const source = this.#sources.make(linear, page, this.#samples);
    const began = this.#monotonicMs();
    const plan = { starts, page, linear, why, instead };
    const store = this.compiler?.recipes;
    const recalled = store && this.#maker.recall(source, plan, store);
    const made = recalled ?? this.#maker.lower(source, plan, store);
    if (made !== undefined) {
      this.#table.add(made.region, source);
      this.#replay?.noteRegion(made.region, source);
    }
    // An instruction that stays with the interpreter is no reason to make the same region again.
    this.#table.exclude(page, starts);
    const lowered = this.#monotonicMs();
    this.statistics.translateMs += lowered - began;
    if (made === undefined) return;
    this.#batches.add(made, this.compiler);
    this.statistics.compileMs += this.#monotonicMs() - lowered;
  }

  /** Why no region is made in a page; undefined if one may be. */
  #refusal(page: number): string | undefined {
    if (this.#physical.backing(page) < 0) return 'the page is not in memory';
    if (this.#written.isRefused(page, this.#samples)) return 'the page is written all the time';
    if (this.#table.enteredIn(page) >= maximumPageRegions) {
      return 'the page has regions enough';
    }
    const isFull = this.#table.count >= this.maximumRegions;
    return isFull || this.#interpreter.slotsLeft < reservedSlots ? 'the table is full' : undefined;
  }

  /** Enters a region whose module is compiled, unless its code changed meanwhile. */
  #enter(made: MadeRegion, code: CompiledRegion): void {
    const { region, plan, ranges, wasm } = made;
    if (region.state === 'dropped') return;
    this.#modules.install(made, code);
    const { instead, why } = plan;
    if (instead?.state === 'entered') {
      this.#drop(instead, -1, () => why);
      // What neither has stays with the interpreter: dropping forgot it.
      this.#table.exclude(region.page, region.starts);
      this.#stopRunning();
    }
    this.#table.enter(region);
    this.log.add(region, region.address, ranges, wasm);
    this.onEvent?.(madeEvent(made));
    this.statistics.modules = this.#modules.count;
    this.statistics.wasmBytes += wasm.length;
  }

  /** The engine has no room for a module, say: the code stays with the interpreter. */
  #fail({ region, plan }: MadeRegion): void {
    if (region.state !== 'compiling') return;
    this.statistics.failed += 1;
    this.#table.remove(region, -1);
    const { page, linear } = plan;
    const offsets = region.code.offsets.filter((offset) => pageIndexOf(offset) === 0);
    this.#table.exclude(page, offsets);
    const address = page * 4096 + (linear & 4095);
    this.onEvent?.({ kind: 'refused', address, linear, why: 'the engine did not compile it' });
  }
}
