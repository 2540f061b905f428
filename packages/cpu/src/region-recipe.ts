/**
 * What a region came to and all that it depends on, so that a later run has it without finding and
 * lowering it again.
 *
 * A region is made of guest memory and of a few answers: which instructions change too often, which
 * are done otherwise, which handlers have which numbers, where tables of jumps lead. A recipe has
 * each of these, and stands for the region while all are the same. What code is cold is not asked
 * again: that only says how far a region reaches.
 *
 * As bytes it is its lists of little-endian 32-bit words, each with its length before it, and then
 * the guest's bytes of each block.
 */
import {
  type RegionEntry,
  type RegionSource,
  type Variant,
  pageIndexOf,
} from '@ringfence/translator';
import { type RegionCode, levelAt, levelOf, placesOf } from './region-code.ts';

/** The recipe of a region. */
export interface RegionRecipe extends RegionCode {
  /** For each entry: its block, its offset, the variant there and the number of its handler. */
  readonly entries: Int32Array;
  /** Pages whose code-page block the module imports. */
  readonly imports: Int32Array;
  /** Variants, and the numbers by which the module calls their handlers. */
  readonly handlers: Int32Array;
  /** Distances from the region's page of what jump tables were read at, and the words there. */
  readonly words: Int32Array;
  /** Such distances at which there is no memory. */
  readonly gaps: Int32Array;
  /** The code, block by block. */
  readonly bytes: Uint8Array;
}

/** A way into a region, without the slot that a run gives it. */
export type EntryPlace = RegionEntry & { readonly variant: Variant };

/** The lists in the order in which they are written, and how many words a row of each has. */
const lists = [
  ['blocks', 2],
  ['offsets', 1],
  ['marks', 1],
  ['entries', 4],
  ['imports', 1],
  ['handlers', 2],
  ['words', 2],
  ['gaps', 1],
] as const;

/** All of a recipe, for `decodeRecipe`. */
export function encodeRecipe(recipe: RegionRecipe): Uint8Array {
  const size = lists.reduce((sum, [name]) => sum + 1 + recipe[name].length, 0);
  const words = new Int32Array(size);
  let at = 0;
  for (const [name] of lists) {
    const list = recipe[name];
    words[at] = list.length;
    words.set(list, at + 1);
    at += 1 + list.length;
  }
  const encoded = new Uint8Array(4 * size + recipe.bytes.length);
  encoded.set(new Uint8Array(words.buffer));
  encoded.set(recipe.bytes, 4 * size);
  return encoded;
}

/** Reads what `encodeRecipe` wrote; undefined for anything else. */
export function decodeRecipe(encoded: Uint8Array): RegionRecipe | undefined {
  // A copy, as words have to be aligned.
  const { buffer } = encoded.slice();
  const words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  let at = 0;
  const read: Partial<Record<(typeof lists)[number][0], Int32Array>> = {};
  for (const [name, row] of lists) {
    const length = words[at] ?? -1;
    if (length < 0 || length % row !== 0 || at + 1 + length > words.length) return undefined;
    read[name] = words.subarray(at + 1, at + 1 + length);
    at += 1 + length;
  }
  // Every list was read.
  const recipe = { ...read, bytes: new Uint8Array(buffer, 4 * at) } as RegionRecipe;
  return isSound(recipe) ? recipe : undefined;
}

/** Whether the parts of a recipe go with each other. */
function isSound({ blocks, offsets, marks, entries, bytes }: RegionRecipe): boolean {
  let size = 0;
  for (let at = 0; at < blocks.length; at += 2) {
    const length = (blocks[at + 1] ?? 0) - (blocks[at] ?? 0);
    if (length <= 0) return false;
    size += length;
  }
  if (size !== bytes.length || marks.length !== offsets.length) return false;
  for (let at = 0; at < entries.length; at += 4) {
    if (blocks[2 * (entries[at] ?? -1)] !== entries[at + 1]) return false;
  }
  return true;
}

/** The ways into the region of a recipe. */
export function entriesOf({ entries }: RegionRecipe): EntryPlace[] {
  return Array.from({ length: entries.length / 4 }, (_, entry) => {
    const [block = 0, offset = 0, variant = 0, fallback = 0] = entries.subarray(4 * entry);
    return { block, offset, variant, fallback };
  });
}

/** Whether a source has all that a region was made of; handlers are not looked at. */
export function hasAllOf(source: RegionSource, recipe: RegionRecipe): boolean {
  return hasCode(source, recipe) && hasLevels(source, recipe) && hasTables(source, recipe);
}

/** Whether the code is what it was, in pages that a region may have code in. */
function hasCode(source: RegionSource, recipe: RegionRecipe): boolean {
  let at = 0;
  for (let block = 0; block < recipe.blocks.length; block += 2) {
    const offset = recipe.blocks[block] ?? 0;
    const length = (recipe.blocks[block + 1] ?? 0) - offset;
    if (!hasBlock(source, offset, recipe.bytes, at, length)) return false;
    at += length;
  }
  return true;
}

/** Whether `length` of some bytes, from one on, are the code at an offset. */
function hasBlock(
  source: RegionSource,
  offset: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): boolean {
  const first = offset & 4095;
  const here = Math.min(length, 4096 - first);
  const page = source.page(pageIndexOf(offset));
  if (page === undefined || page.isWritten(first, length)) return false;
  if (!isAt(source.bytes, page.backing + first, bytes, from, here)) return false;
  if (here === length) return true;
  // Its instruction crosses into the next page.
  const next = source.page(pageIndexOf(offset) + 1);
  if (next === undefined) return false;
  return isAt(source.bytes, next.backing, bytes, from + here, length - here);
}

function isAt(
  memory: Uint8Array,
  address: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): boolean {
  for (let index = 0; index < length; index++) {
    if (memory[address + index] !== bytes[from + index]) return false;
  }
  return true;
}

/** Whether instructions are done as the region does them, and no others otherwise. */
function hasLevels(source: RegionSource, recipe: RegionRecipe): boolean {
  return recipe.offsets.every((offset, index) => {
    return levelAt(source, offset) === levelOf(recipe, index);
  });
}

function hasTables(source: RegionSource, { words, gaps }: RegionRecipe): boolean {
  for (let at = 0; at < words.length; at += 2) {
    if (source.word((source.base + (words[at] ?? 0)) | 0) !== words[at + 1]) return false;
  }
  return gaps.every((distance) => source.word((source.base + distance) | 0) === undefined);
}

/** The guest's bytes of a region, block by block. */
export function bytesOf(code: RegionCode, source: RegionSource): Uint8Array {
  const bytes: number[] = [];
  for (const [offset, end] of placesOf(code)) {
    for (let place = offset; place < end; place++) {
      const backing = source.page(pageIndexOf(place))?.backing ?? 0;
      bytes.push(source.bytes[backing + (place & 4095)] ?? 0);
    }
  }
  return Uint8Array.from(bytes);
}
