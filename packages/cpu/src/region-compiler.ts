/** What a host does for translated code: it compiles modules, and may remember regions. */

/** Compiles the modules of regions while the guest runs on. */
export interface RegionCompiler {
  /** Compiles the module that the modules of some regions were linked to, in this order. */
  compile(
    wasm: Uint8Array<ArrayBuffer>,
    regions: readonly Uint8Array<ArrayBuffer>[],
  ): Promise<WebAssembly.Module>;
  /** What a region's module was compiled to already: in an earlier run, say. */
  find?(region: Uint8Array<ArrayBuffer>): CompiledRegion | undefined;
  /** Where regions are remembered for later runs; without it each is found and lowered anew. */
  readonly recipes?: RecipeStore | undefined;
}

/** A region in the engine. */
export interface CompiledRegion {
  /** The module that its own was linked into. */
  readonly module: WebAssembly.Module;
  /** Which of those in it. */
  readonly number: number;
}

/**
 * Remembers regions from run to run. Before one is used the guest's memory is seen to hold the code
 * that it was made of, but not that its module does what this code says. So a store gives out only
 * what the very same version of this program put in, and has to be as trustworthy as the program.
 */
export interface RecipeStore {
  /** What was kept under a key, the newest first. */
  find(key: string): Iterable<KeptRegion>;
  /** Keeps a region under a key, beside others that are there. */
  keep(key: string, region: KeptRegion): void;
}

/** A region as a store keeps it. */
export interface KeptRegion {
  /** What the region is and depends on, in bytes that only this package reads. */
  readonly recipe: Uint8Array;
  /** Its module, before it is linked. */
  readonly wasm: Uint8Array<ArrayBuffer>;
}
