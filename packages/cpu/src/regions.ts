/**
 * The translator tier: finds hot code by looking where the interpreter stands at the end of its
 * slices, has regions compiled, and lets go of them when their page's code changes.
 *
 * Sampling costs the guest nothing between samples and finds code in proportion to the time that it
 * takes. Regions are entered through records: the handler number of an entry's record is the
 * region's.
 */
import type { CodeCache, CodeObserver, InvalidationCause } from '@ringfence/code-cache';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { CpuState } from '@ringfence/memory';
import type { Interpreter, RegionBlock, RegionSource } from '@ringfence/translator';
import { buildRegion, layOut, loopHead, pageIndexOf, RecordField } from '@ringfence/translator';
import { GivenUpCode, manyGivenUp } from './given-up-code.ts';
import { HotCode, sampleInterval } from './hot-code.ts';
import { type CodeRange, RegionLog } from './region-log.ts';
import type { Entry, PageRegions, Region, RegionPlan, RegionStatistics } from './region-record.ts';
import { translatedMode } from './region-record.ts';
import { RegionSources } from './region-sources.ts';
import { Word } from './state-view.ts';
import { dropReason, madeEvent, type TranslationEvent } from './translation-event.ts';
import { WrittenCode } from './written-code.ts';

/** How often a region is made anew for more entries. */
const maximumRebuilds = 12;

/** Regions of one page, and entries of one region. */
const maximumPageRegions = 64;
const maximumEntries = 48;

/** Handler-table slots kept free for handlers of the interpreter. */
const reservedSlots = 8192;

/** Whether an instruction at an offset is in one of some blocks. */
function holds(blocks: readonly RegionBlock[], offset: number): boolean {
  return blocks.some(({ instructions }) => instructions.some((found) => found.offset === offset));
}

/** The regions of one virtual CPU. */
export class Regions implements CodeObserver {
  readonly statistics: RegionStatistics = {
    regions: 0,
    modules: 0,
    wasmBytes: 0,
    dropped: 0,
    refused: 0,
    instructions: 0,
    givenUp: 0,
    translateMs: 0,
    compileMs: 0,
  };
  /** The regions that there are, for inspectors. */
  readonly log: RegionLog = new RegionLog();
  /** Told of regions that are made and dropped. */
  onEvent: ((event: TranslationEvent) => void) | undefined = undefined;
  readonly #state: Int32Array;
  readonly #halves: Uint16Array;
  readonly #physical: PhysicalMemory;
  readonly #cache: CodeCache;
  readonly #interpreter: Interpreter;
  readonly #sources: RegionSources;
  readonly #hot: HotCode;
  readonly #monotonicMs: () => number;
  readonly #pages = new Map<number, PageRegions>();
  readonly #written = new WrittenCode();
  readonly #givenUp = new GivenUpCode();
  #samples = 0;

  /** `translate` gives the guest-physical address of a linear one, -1 if there is none. */
  constructor(
    machine: MachineMemory,
    physical: PhysicalMemory,
    cache: CodeCache,
    interpreter: Interpreter,
    translate: (linear: number) => number,
    monotonicMs: () => number,
    supported: Uint8Array,
  ) {
    this.#monotonicMs = monotonicMs;
    this.#state = machine.i32;
    this.#halves = new Uint16Array(machine.memory.buffer);
    this.#physical = physical;
    this.#cache = cache;
    this.#interpreter = interpreter;
    const [written, givenUp] = [this.#written, this.#givenUp];
    this.#sources = new RegionSources({
      machine,
      physical,
      cache,
      translate,
      supported,
      written,
      givenUp,
    });
    this.#hot = new HotCode(machine.i32, translate, this);
    cache.observe(this);
  }

  /** Instructions until the next sample. */
  get interval(): number {
    return this.#hot.interval;
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
    if (state[Word.codeMode] !== translatedMode) return;
    if (givenUp > retired * manyGivenUp) this.#hot.hostGivenUp();
    this.#hot.sample(translated / retired);
  }

  /** What is known of the regions of a page, undefined if there are none. */
  page(number: number): PageRegions | undefined {
    return this.#pages.get(number);
  }

  /** Regions have the handler of the instruction at an offset of a page do it. */
  host(page: number, offset: number): boolean {
    if (this.#givenUp.has(page, offset)) return false;
    this.#givenUp.note(page, offset);
    return true;
  }

  /** Makes a region anew; `linear` is an address in its page. */
  rebuild(region: Region, linear: number, starts: readonly number[], why: string): void {
    if (region.rebuilt >= maximumRebuilds) return;
    this.#drop(region, -1, () => why);
    this.#stopRunning();
    this.compile(linear, region.page, starts, why, region.rebuilt + 1);
  }

  /** Slot of the region entered at an offset of a page, 0 if there is none. */
  entryAt(page: number, offset: number, mode: number): number {
    if (mode !== translatedMode) return 0;
    return this.#pages.get(page)?.entered.get(offset)?.entries.get(offset)?.slot ?? 0;
  }

  /** A call to a linear address was decoded. */
  callMet(linear: number): void {
    this.#hot.callTargets.note(linear);
  }

  /** CodeObserver: regions of the page may not be entered again, and a running one returns soon. */
  codeChanged(page: number, offset: number, size: number, cause: InvalidationCause): void {
    const known = this.#pages.get(page);
    if (known === undefined) return;
    this.#pages.delete(page);
    this.#givenUp.forget(page);
    for (const region of known.regions) {
      this.#drop(region, page, () => dropReason(page * 4096 + offset, size, cause));
    }
    this.#cache.drop(page);
    if (size > 0) this.#written.note(page, offset, size, this.#samples);
    this.#stopRunning();
  }

  /** CodeObserver: regions with code in several pages know the pages by their blocks' addresses. */
  recordsRebuilt(page: number): void {
    for (const region of this.#pages.get(page)?.regions ?? []) {
      // The block that is gone may be of another mode, so that records of the page enter the
      // region.
      if (region.pages.length > 1) this.#drop(region, -1, () => 'records were rebuilt');
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
    const { page, number } = region;
    const home = this.#pages.get(page);
    for (const { offset, slot, variant } of region.entries.values()) {
      if (page !== changed) this.#setHandler(page, offset, this.#interpreter.handler(variant));
      home?.entered.delete(offset);
      this.#interpreter.releaseSlot(slot);
    }
    for (const [offset, owner] of home?.covered ?? []) {
      if (owner === region || owner === undefined) home?.covered.delete(offset);
    }
    for (const other of region.pages) this.#pages.get(other)?.regions.delete(region);
    this.log.remove(region);
    this.statistics.dropped += 1;
    this.onEvent?.({ kind: 'dropped', region: number, address: region.address, why: why() });
  }

  /** Makes a region around some offsets of a page; `linear` is an address in it. */
  compile(linear: number, page: number, starts: readonly number[], why: string, rebuilt = 0): void {
    const refusal = this.#refusal(page);
    if (refusal !== undefined) {
      this.statistics.refused += 1;
      const address = page * 4096 + (linear & 4095);
      this.onEvent?.({ kind: 'refused', address, linear, why: refusal });
      return;
    }
    const source = this.#sources.make(linear, page, this.#samples);
    const began = this.#monotonicMs();
    const { blocks, around } = this.#layOut(source, page, starts);
    const plan = { blocks, starts: around, rebuilt, why };
    if (blocks.length > 0) this.#install(source, page, linear, plan);
    // An instruction that stays with the interpreter is no reason to make the same region again.
    const known = this.#pageRegions(page);
    for (const start of starts) if (!known.covered.has(start)) known.covered.set(start, undefined);
    this.statistics.translateMs += this.#monotonicMs() - began;
  }

  /** The blocks around some offsets; of one offset, around the loop that it is in. */
  #layOut(
    source: RegionSource,
    page: number,
    starts: readonly number[],
  ): { blocks: readonly RegionBlock[]; around: readonly number[] } {
    const blocks = layOut(source, starts);
    const [offset, ...others] = starts;
    if (offset === undefined || others.length > 0) return { blocks, around: starts };
    const head = loopHead(blocks, offset);
    if (head === offset || this.#pages.get(page)?.entered.has(head) === true) {
      return { blocks, around: starts };
    }
    // Code far behind may jump to far before: what is around its target may not reach here.
    const loop = layOut(source, [head]);
    return holds(loop, offset) ? { blocks: loop, around: [head] } : { blocks, around: starts };
  }

  /** Why no region is made in a page; undefined if one may be. */
  #refusal(page: number): string | undefined {
    if (this.#physical.backing(page) < 0) return 'the page is not in memory';
    if (this.#written.isRefused(page, this.#samples)) return 'the page is written all the time';
    if ((this.#pages.get(page)?.regions.size ?? 0) >= maximumPageRegions) {
      return 'the page has regions enough';
    }
    return this.#interpreter.slotsLeft < reservedSlots ? 'the table is full' : undefined;
  }

  #install(source: RegionSource, page: number, linear: number, plan: RegionPlan): void {
    const { blocks } = plan;
    const interpreter = this.#interpreter;
    const entries: Entry[] = [];
    blocks.forEach((block, number) => {
      const [first] = block.instructions;
      if (!block.isEntry || first === undefined || entries.length >= maximumEntries) return;
      const variant = first.recordVariant;
      const fallback = interpreter.handlerFunction(variant);
      const slot = interpreter.allocateSlot();
      entries.push({ block: number, offset: block.offset, slot, fallback, variant });
    });
    const bytes = buildRegion(source, blocks, entries, (variant) =>
      interpreter.handlerFunction(variant),
    );
    const began = this.#monotonicMs();
    interpreter.install(bytes);
    const compileMs = this.#monotonicMs() - began;
    this.statistics.compileMs += compileMs;
    this.statistics.translateMs -= compileMs;
    this.statistics.regions += 1;
    this.#enlist(source, page, plan, entries, bytes);
    const number = this.statistics.regions;
    this.onEvent?.(madeEvent(number, page, linear, blocks, entries, bytes.length, plan.why));
    this.statistics.modules += 1;
    this.statistics.wasmBytes += bytes.length;
  }

  /** Makes a region known, and what is entered where its entries are. */
  #enlist(
    source: RegionSource,
    page: number,
    { blocks, starts, rebuilt }: RegionPlan,
    entries: readonly Entry[],
    wasm: Uint8Array,
  ): void {
    const indexes = new Set(
      blocks.flatMap(({ offset, end }) => [pageIndexOf(offset), pageIndexOf(end - 1)]),
    );
    const pages = [...indexes].map((index) => source.page(index)?.page ?? page);
    const region: Region = {
      number: this.statistics.regions,
      address: page * 4096 + (entries[0]?.offset ?? 0),
      page,
      entries: new Map(entries.map((entry) => [entry.offset, entry])),
      pages: [...new Set(pages)],
      starts,
      rebuilt,
      wanted: new Map(),
      wishes: 0,
    };
    for (const number of region.pages) this.#pageRegions(number).regions.add(region);
    const ranges = blocks.map(({ offset, end }): CodeRange => {
      const first = (source.page(pageIndexOf(offset))?.page ?? page) * 4096 + (offset & 4095);
      return [first, first + end - offset];
    });
    this.log.add(region, page * 4096 + (entries[0]?.offset ?? 0), ranges, wasm);
    const home = this.#pageRegions(page);
    for (const block of blocks) {
      const index = pageIndexOf(block.offset);
      const length = block.end - block.offset;
      const [first, here] = [block.offset & 4095, Math.min(length, 4096 - (block.offset & 4095))];
      // Writes to any byte must be seen, decoded by the interpreter or not.
      this.#cache.watch(source.page(index)?.page ?? page, first, here);
      const next = source.page(index + 1);
      if (length > here && next !== undefined) this.#cache.watch(next.page, 0, length - here);
      if (index !== 0) continue;
      for (const { offset } of block.instructions) home.covered.set(offset, region);
    }
    for (const { offset, slot } of entries) {
      const before = home.entered.get(offset);
      const old = before?.entries.get(offset);
      before?.entries.delete(offset);
      home.entered.set(offset, region);
      this.#setHandler(page, offset, slot);
      if (old !== undefined) this.#interpreter.releaseSlot(old.slot);
    }
  }

  #pageRegions(page: number): PageRegions {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const fresh: PageRegions = { entered: new Map(), covered: new Map(), regions: new Set() };
    this.#pages.set(page, fresh);
    return fresh;
  }

  /** Writes a handler number into the record of an offset, if there is one. */
  #setHandler(page: number, offset: number, handler: number): void {
    const block = this.#cache.find(page, translatedMode);
    if (block === 0) return;
    const record = this.#cache.lookup(block, offset);
    if (record !== 0) this.#halves[(record + RecordField.handler) >> 1] = handler;
  }
}
