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
import { CodeMode, CpuState, SegmentField, segmentBytes, SegmentRegister } from '@ringfence/memory';
import type {
  Interpreter,
  RegionBlock,
  RegionEntry,
  RegionPage,
  RegionSource,
  Variant,
} from '@ringfence/translator';
import {
  buildRegion,
  layOut,
  loopHead,
  pageIndexOf,
  RecordField,
  Suitabilities,
} from '@ringfence/translator';
import { type CodeRange, RegionLog } from './region-log.ts';
import { Word } from './state-view.ts';
import { dropReason, madeEvent, type TranslationEvent } from './translation-event.ts';
import { WrittenCode } from './written-code.ts';

/** Instructions between samples. */
export const sampleInterval = 20_000;

/**
 * Samples in one part of a page that make it hot: by then the interpreter has spent about as long
 * there as a translation takes.
 */
const hotSamples = 40;

/** Instructions of a slice in regions with which a sample is not worth its time. */
const mostlyTranslated = sampleInterval * 0.95;

/** Of slices that were spent in regions, the part that is looked at. */
const lookAtOneIn = 8;

/** Bytes of such a part, as a shift. */
const partShift = 7;

/** Parts that are counted at one time; then all counts start anew. */
const maximumCounts = 4096;

/** Regions of one page, and entries of one region. */
const maximumPageRegions = 64;
const maximumEntries = 48;

/** Handler-table slots kept free for handlers of the interpreter. */
const reservedSlots = 8192;

/** The one code mode that is translated: 32-bit code and stack, flat segments. */
const translatedMode: number = CodeMode.valid | CodeMode.code32 | CodeMode.stack32 | CodeMode.flat;

const codeBase = (CpuState.segments + segmentBytes * SegmentRegister.cs + SegmentField.base) >> 2;

/** Counters of the translator tier. */
export interface RegionStatistics {
  regions: number;
  modules: number;
  wasmBytes: number;
  dropped: number;
  refused: number;
  /** Instructions retired in regions. */
  instructions: number;
  /** Host time for finding and lowering regions, and for the engine's part of compiling them. */
  translateMs: number;
  compileMs: number;
}

/** A way into a region, and the variant of the instruction there. */
type Entry = RegionEntry & { readonly variant: Variant };

/** One compiled region. */
interface Region {
  /** A number that no other region of the CPU has. */
  readonly number: number;
  /** Guest-physical address of its first entry. */
  readonly address: number;
  /** The page of its entries. */
  readonly page: number;
  /** Its entries by offset, but for those that a later region has taken over. */
  readonly entries: Map<number, Entry>;
  /** Every page that it has code of. */
  readonly pages: readonly number[];
}

interface PageRegions {
  /** What is entered at an offset. */
  readonly entered: Map<number, Region>;
  /** Offsets that the page's own regions cover. */
  readonly covered: Set<number>;
  /** Regions with code in the page. */
  readonly regions: Set<Region>;
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
    translateMs: 0,
    compileMs: 0,
  };
  /** The regions that there are, for inspectors. */
  readonly log: RegionLog = new RegionLog();
  /** Told of regions that are made and dropped. */
  onEvent: ((event: TranslationEvent) => void) | undefined = undefined;
  readonly #state: Int32Array;
  readonly #halves: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #physical: PhysicalMemory;
  readonly #cache: CodeCache;
  readonly #interpreter: Interpreter;
  readonly #translate: (linear: number) => number;
  readonly #suitabilities: Suitabilities;
  readonly #monotonicMs: () => number;
  readonly #counts = new Map<number, number>();
  readonly #pages = new Map<number, PageRegions>();
  readonly #written = new WrittenCode();
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
    this.#suitabilities = new Suitabilities(supported);
    this.#monotonicMs = monotonicMs;
    this.#state = machine.i32;
    this.#halves = new Uint16Array(machine.memory.buffer);
    this.#bytes = machine.u8;
    this.#physical = physical;
    this.#cache = cache;
    this.#interpreter = interpreter;
    this.#translate = translate;
    cache.observe(this);
  }

  /** Looks where the CPU stands, and compiles what is hot. */
  sample(): void {
    const state = this.#state;
    this.#samples += 1;
    const translated = state[CpuState.translated >> 2] ?? 0;
    this.statistics.instructions += translated;
    state[CpuState.translated >> 2] = 0;
    // A slice that was spent in regions says nothing about other code; some are looked at all the
    // same, for what is told of regions.
    if (translated > mostlyTranslated && this.#samples % lookAtOneIn !== 0) return;
    if (state[Word.codeMode] !== translatedMode) return;
    const linear = ((state[Word.rip] ?? 0) + (state[codeBase] ?? 0)) | 0;
    const physical = this.#translate(linear);
    if (physical < 0) return;
    const page = Math.floor(physical / 4096);
    const offset = physical % 4096;
    const known = this.#pages.get(page);
    if (known?.covered.has(offset) === true) {
      this.log.count(known.regions, physical);
      return;
    }
    const part = Math.floor(physical / (1 << partShift));
    const count = (this.#counts.get(part) ?? 0) + 1;
    if (this.#counts.size >= maximumCounts) this.#counts.clear();
    this.#counts.set(part, count);
    if (count < hotSamples) return;
    this.#counts.delete(part);
    this.#compile(linear, page, offset);
  }

  /** Slot of the region entered at an offset of a page, 0 if there is none. */
  entryAt(page: number, offset: number, mode: number): number {
    if (mode !== translatedMode) return 0;
    return this.#pages.get(page)?.entered.get(offset)?.entries.get(offset)?.slot ?? 0;
  }

  /** CodeObserver: regions of the page may not be entered again, and a running one returns soon. */
  codeChanged(page: number, offset: number, size: number, cause: InvalidationCause): void {
    const known = this.#pages.get(page);
    if (known === undefined) return;
    this.#pages.delete(page);
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
    this.#state[CpuState.regionsDropped >> 2] = 1;
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
    home?.covered.clear();
    for (const other of region.pages) this.#pages.get(other)?.regions.delete(region);
    this.log.remove(region);
    this.statistics.dropped += 1;
    this.onEvent?.({ kind: 'dropped', region: number, address: region.address, why: why() });
  }

  #compile(linear: number, page: number, offset: number): void {
    const refusal = this.#refusal(page);
    if (refusal !== undefined) {
      this.statistics.refused += 1;
      const address = page * 4096 + offset;
      this.onEvent?.({ kind: 'refused', address, linear, why: refusal });
      return;
    }
    const source = this.#source(linear, page);
    const began = this.#monotonicMs();
    let blocks = layOut(source, offset);
    const head = loopHead(blocks, offset);
    if (head !== offset) blocks = layOut(source, head);
    if (blocks.length > 0) this.#install(source, page, linear, blocks);
    // An instruction that stays with the interpreter is no reason to make the same region again.
    this.#pages.get(page)?.covered.add(offset);
    this.statistics.translateMs += this.#monotonicMs() - began;
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

  /** The code around a linear address, as the current address space maps it. */
  #source(linear: number, home: number): RegionSource {
    // The interpreter has met nothing at a place whose records were dropped since it was there.
    const block = this.#cache.find(home, translatedMode);
    const isNew = block === 0 || this.#cache.lookup(block, linear & 4095) === 0;
    const pages = new Map<number, RegionPage | undefined>();
    return {
      bytes: this.#bytes,
      codeMode: translatedMode,
      bits: 32,
      suitabilities: this.#suitabilities,
      page: (index) => {
        if (!pages.has(index))
          pages.set(index, this.#pageAt((linear & ~4095) + index * 4096, isNew && index === 0));
        return pages.get(index);
      },
    };
  }

  #pageAt(linear: number, isNew: boolean): RegionPage | undefined {
    const physical = this.#translate(linear | 0);
    if (physical < 0) return undefined;
    const page = Math.floor(physical / 4096);
    const backing = this.#physical.backing(page);
    if (backing < 0 || this.#written.isRefused(page, this.#samples)) return undefined;
    const block = isNew
      ? this.#cache.block(page, translatedMode)
      : this.#cache.find(page, translatedMode);
    if (block === 0) return undefined;
    const isWritten = (offset: number, length: number): boolean =>
      this.#written.isWritten(page, offset, length);
    const isKnown = (offset: number): boolean => isNew || this.#cache.lookup(block, offset) !== 0;
    return { page, backing, block, isKnown, isWritten };
  }

  #install(
    source: RegionSource,
    page: number,
    linear: number,
    blocks: readonly RegionBlock[],
  ): void {
    const interpreter = this.#interpreter;
    const entries: Entry[] = [];
    blocks.forEach((block, number) => {
      const [first] = block.instructions;
      if (!block.isEntry || first === undefined || entries.length >= maximumEntries) return;
      const { variant } = first;
      const fallback = interpreter.handlerFunction(variant);
      const slot = interpreter.allocateSlot();
      entries.push({ block: number, offset: block.offset, slot, fallback, variant });
    });
    const bytes = buildRegion(source, blocks, entries);
    const began = this.#monotonicMs();
    interpreter.install(bytes);
    const compileMs = this.#monotonicMs() - began;
    this.statistics.compileMs += compileMs;
    this.statistics.translateMs -= compileMs;
    this.statistics.regions += 1;
    this.#enlist(source, page, blocks, entries, bytes);
    const why = `hot, ${hotSamples} samples in ${1 << partShift} bytes`;
    const number = this.statistics.regions;
    this.onEvent?.(madeEvent(number, page, linear, blocks, entries, bytes.length, why));
    this.statistics.modules += 1;
    this.statistics.wasmBytes += bytes.length;
  }

  /** Makes a region known, and what is entered where its entries are. */
  #enlist(
    source: RegionSource,
    page: number,
    blocks: readonly RegionBlock[],
    entries: readonly Entry[],
    wasm: Uint8Array,
  ): void {
    const indexes = new Set(blocks.map((block) => pageIndexOf(block.offset)));
    const pages = [...indexes].map((index) => source.page(index)?.page ?? page);
    const region: Region = {
      number: this.statistics.regions,
      address: page * 4096 + (entries[0]?.offset ?? 0),
      page,
      entries: new Map(entries.map((entry) => [entry.offset, entry])),
      pages: [...new Set(pages)],
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
      // Writes to any byte must be seen, decoded by the interpreter or not.
      this.#cache.watch(source.page(index)?.page ?? page, block.offset & 4095, length);
      if (index !== 0) continue;
      for (const { offset } of block.instructions) home.covered.add(offset);
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
    const fresh: PageRegions = { entered: new Map(), covered: new Set(), regions: new Set() };
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
