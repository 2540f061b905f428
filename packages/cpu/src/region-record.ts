/** What the translator tier keeps of its regions. */
import { CodeMode } from '@ringfence/memory';
import type { RegionCode } from './region-code.ts';
import type { CodeRange } from './region-log.ts';
import type { EntryPlace } from './region-recipe.ts';

/** The one code mode that is translated: 32-bit code and stack, flat segments. */
export const translatedMode: number =
  CodeMode.valid | CodeMode.code32 | CodeMode.stack32 | CodeMode.flat;

/** Counters of the translator tier. */
export interface RegionStatistics {
  regions: number;
  /** Those of them that were not lowered, as an earlier run had left what they come to. */
  recalled: number;
  /** Modules that those came in which were entered. */
  modules: number;
  wasmBytes: number;
  dropped: number;
  refused: number;
  /** Regions whose module the engine did not compile: their code stays with the interpreter. */
  failed: number;
  /** Instructions retired in regions. */
  instructions: number;
  /** Instructions that regions gave up to the interpreter. */
  givenUp: number;
  /** Host time for finding and lowering regions, and for the engine's part of compiling them. */
  translateMs: number;
  compileMs: number;
}

/** Counters that nothing was counted with. */
export function zeroStatistics(): RegionStatistics {
  return {
    regions: 0,
    recalled: 0,
    modules: 0,
    wasmBytes: 0,
    dropped: 0,
    refused: 0,
    failed: 0,
    instructions: 0,
    givenUp: 0,
    translateMs: 0,
    compileMs: 0,
  };
}

/** A way into a region, and its slot of the handler table. */
export type Entry = EntryPlace & { readonly slot: number };

/** Code that is translated together, from when its module is asked for until it is dropped. */
export interface Region {
  /** Whether its module is being compiled, the interpreter enters it, or it is gone. */
  state: 'compiling' | 'entered' | 'dropped';
  readonly code: RegionCode;
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
  /** The offsets that it was made around. */
  readonly starts: readonly number[];
  /** How often it was made anew. */
  readonly rebuilt: number;
  /** The region that takes its place when it is compiled, if it is being made anew. */
  renewal: Region | undefined;
  /** Offsets at which it is not entered and should be, with samples of each; and all of them. */
  readonly wanted: Map<number, number>;
  wishes: number;
}

/** What a region is made from. */
export type RegionPlan = Pick<Region, 'starts' | 'page'> & {
  /** A linear address in its page. */
  readonly linear: number;
  readonly why: string;
  /** The region that is dropped when this one is entered. */
  readonly instead: Region | undefined;
};

/** A region with its module, which is not linked yet, before it is entered. */
export interface MadeRegion {
  readonly region: Region;
  readonly plan: RegionPlan;
  readonly ranges: readonly CodeRange[];
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** Addresses of the code-page blocks that it imports. */
  readonly pages: Readonly<Record<string, number>>;
}

/** What is known of the regions of a page. */
export interface PageRegions {
  /** What is entered at an offset. */
  readonly entered: Map<number, Region>;
  /** Offsets that the page's own regions cover; without a region, what cannot be in one. */
  readonly covered: Map<number, Region | undefined>;
  /** Regions with code in the page. */
  readonly regions: Set<Region>;
}
