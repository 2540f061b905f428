/**
 * The translator tier: finds hot code by looking where the interpreter stands at the end of its
 * slices, has regions compiled, and lets go of them when their page's code changes.
 *
 * Sampling costs the guest nothing between samples and finds code in proportion to the time that it
 * takes. Regions are entered through records: the handler number of an entry's record is the
 * region's.
 */
import type { CodeCache, CodeObserver } from '@ringfence/code-cache';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { CodeMode, CpuState, SegmentField, segmentBytes, SegmentRegister } from '@ringfence/memory';
import type { Interpreter, RegionBlock, RegionEntry } from '@ringfence/translator';
import { buildRegion, discover, RecordField, Suitabilities } from '@ringfence/translator';
import { Word } from './state-view.ts';

/** Instructions between samples. */
export const sampleInterval = 20_000;

/**
 * Samples in one part of a page that make it hot: by then the interpreter has spent about as long
 * there as a translation takes.
 */
const hotSamples = 40;

/** Bytes of such a part, as a shift. */
const partShift = 7;

/** Parts that are counted at one time; then all counts start anew. */
const maximumCounts = 4096;

/** Regions of one page that may be dropped before it is left to the interpreter. */
const maximumDrops = 16;

/** Pages whose drops are remembered. */
const maximumDropPages = 65_536;

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

interface PageRegions {
  /** Slot by entry offset. */
  readonly entries: Map<number, number>;
  /** Offsets that regions cover. */
  readonly covered: Set<number>;
  regions: number;
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
  readonly #state: Int32Array;
  readonly #halves: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #physical: PhysicalMemory;
  readonly #cache: CodeCache;
  readonly #interpreter: Interpreter;
  readonly #translate: (linear: number) => number;
  readonly #suitabilities = new Suitabilities();
  readonly #monotonicMs: () => number;
  readonly #counts = new Map<number, number>();
  readonly #pages = new Map<number, PageRegions>();
  readonly #drops = new Map<number, number>();

  /** `translate` gives the guest-physical address of a linear one, -1 if there is none. */
  constructor(
    machine: MachineMemory,
    physical: PhysicalMemory,
    cache: CodeCache,
    interpreter: Interpreter,
    translate: (linear: number) => number,
    monotonicMs: () => number,
  ) {
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
    this.statistics.instructions += state[CpuState.translated >> 2] ?? 0;
    state[CpuState.translated >> 2] = 0;
    if (state[Word.codeMode] !== translatedMode) return;
    const linear = ((state[Word.rip] ?? 0) + (state[codeBase] ?? 0)) | 0;
    const physical = this.#translate(linear);
    if (physical < 0) return;
    const page = Math.floor(physical / 4096);
    const offset = physical % 4096;
    if (this.#pages.get(page)?.covered.has(offset) === true) return;
    const part = Math.floor(physical / (1 << partShift));
    const count = (this.#counts.get(part) ?? 0) + 1;
    if (this.#counts.size >= maximumCounts) this.#counts.clear();
    this.#counts.set(part, count);
    if (count < hotSamples) return;
    this.#counts.delete(part);
    this.#compile(page, offset);
  }

  /** Slot of the region entered at an offset of a page, 0 if there is none. */
  entryAt(page: number, offset: number, mode: number): number {
    if (mode !== translatedMode) return 0;
    return this.#pages.get(page)?.entries.get(offset) ?? 0;
  }

  /** CodeObserver: no region of the page may be entered again, and a running one returns soon. */
  codeChanged(page: number): void {
    const regions = this.#pages.get(page);
    if (regions === undefined) return;
    this.#pages.delete(page);
    this.#cache.drop(page);
    for (const slot of regions.entries.values()) this.#interpreter.releaseSlot(slot);
    this.statistics.dropped += regions.regions;
    if (this.#drops.size >= maximumDropPages) this.#drops.clear();
    this.#drops.set(page, (this.#drops.get(page) ?? 0) + 1);
    this.#state[CpuState.regionsDropped >> 2] = 1;
    const count = CpuState.dropCount >> 2;
    this.#state[count] = (this.#state[count] ?? 0) + 1;
  }

  #compile(page: number, offset: number): void {
    const backing = this.#physical.backing(page);
    const known = this.#pages.get(page);
    const refused =
      backing < 0 ||
      (this.#drops.get(page) ?? 0) > maximumDrops ||
      (known?.regions ?? 0) >= maximumPageRegions ||
      this.#interpreter.slotsLeft < reservedSlots;
    if (refused) {
      this.statistics.refused += 1;
      return;
    }
    const source = {
      bytes: this.#bytes,
      backing,
      codeMode: translatedMode,
      bits: 32,
      suitabilities: this.#suitabilities,
    } as const;
    const began = this.#monotonicMs();
    let blocks = discover(source, offset);
    const head = loopHead(blocks, offset);
    if (head !== offset) blocks = discover(source, head);
    if (blocks.length > 0) this.#install(page, blocks);
    this.statistics.translateMs += this.#monotonicMs() - began;
  }

  #install(page: number, blocks: readonly RegionBlock[]): void {
    const interpreter = this.#interpreter;
    const regions = this.#pages.get(page) ?? {
      entries: new Map<number, number>(),
      covered: new Set<number>(),
      regions: 0,
    };
    const entries: RegionEntry[] = [];
    for (const block of blocks) {
      const [first] = block.instructions;
      if (!block.isEntry || first === undefined || entries.length >= maximumEntries) continue;
      const fallback = interpreter.handlerFunction(first.variant);
      entries.push({ offset: block.offset, slot: interpreter.allocateSlot(), fallback });
    }
    const bytes = buildRegion(blocks, entries);
    const began = this.#monotonicMs();
    interpreter.install(bytes);
    const compileMs = this.#monotonicMs() - began;
    this.statistics.compileMs += compileMs;
    this.statistics.translateMs -= compileMs;
    for (const block of blocks) {
      for (const { offset } of block.instructions) regions.covered.add(offset);
    }
    regions.regions += 1;
    const old = entries.map(({ offset }) => regions.entries.get(offset) ?? 0);
    for (const { offset, slot } of entries) regions.entries.set(offset, slot);
    this.#pages.set(page, regions);
    this.#patchRecords(page, entries);
    for (const slot of old) if (slot !== 0) interpreter.releaseSlot(slot);
    this.#trace(page, blocks);
    this.statistics.regions += 1;
    this.statistics.modules += 1;
    this.statistics.wasmBytes += bytes.length;
  }

  /** Makes the records of entries that are decoded already lead to the region. */
  #patchRecords(page: number, entries: readonly RegionEntry[]): void {
    const block = this.#cache.block(page, translatedMode);
    if (block === 0) return;
    for (const { offset, slot } of entries) {
      const record = this.#cache.lookup(block, offset);
      if (record !== 0) this.#halves[(record + RecordField.handler) >> 1] = slot;
    }
  }

  /** Writes to any byte of a region must be seen, decoded by the interpreter or not. */
  #trace(page: number, blocks: readonly RegionBlock[]): void {
    for (const block of blocks) this.#cache.watch(page, block.offset, block.end - block.offset);
  }
}

/**
 * The innermost loop around an offset, by its first instruction; the offset itself if there is
 * none.
 */
function loopHead(blocks: readonly RegionBlock[], offset: number): number {
  let head = -1;
  for (const block of blocks) {
    const last = block.instructions[block.instructions.length - 1]?.offset ?? 0;
    if (block.target < 0 || block.target > last) continue;
    if (block.target <= offset && last >= offset && block.target > head) head = block.target;
  }
  return head < 0 ? offset : head;
}
