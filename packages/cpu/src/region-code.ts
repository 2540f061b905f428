/** What the translator tier keeps of a region's code: numbers, not decoded instructions. */
import { type RegionBlock, type RegionSource, pageIndexOf } from '@ringfence/translator';
import { GivenUpLevel } from './given-up-code.ts';
import type { CodeRange } from './region-log.ts';

/** The code of a region; offsets are from the start of the page of its entries. */
export interface RegionCode {
  /** Offsets of the blocks and of their ends, by turns. */
  readonly blocks: Int32Array;
  /** Offsets of the instructions, block by block. */
  readonly offsets: Int32Array;
  /** A mark of each of them: what `baseOf` and `levelOf` read. */
  readonly marks: Int32Array;
}

const levelShift = 8;

/** The code of some blocks. */
export function codeOf(blocks: readonly RegionBlock[], source: RegionSource): RegionCode {
  const instructions = blocks.flatMap((block) => block.instructions);
  return {
    blocks: Int32Array.from(blocks.flatMap(({ offset, end }) => [offset, end])),
    offsets: Int32Array.from(instructions, ({ offset }) => offset),
    marks: Int32Array.from(instructions, ({ offset, instruction }) => {
      return (instruction.base + 1) | (levelAt(source, offset) << levelShift);
    }),
  };
}

/** The register that an instruction accesses memory by, -1 if it names none. */
export function baseOf({ marks }: RegionCode, instruction: number): number {
  return ((marks[instruction] ?? 0) & 0xff) - 1;
}

/** What a region does about an instruction that was often given up: a `GivenUpLevel`. */
export function levelOf({ marks }: RegionCode, instruction: number): number {
  return (marks[instruction] ?? 0) >> levelShift;
}

/** What is to be done now about the instruction at an offset. */
export function levelAt(source: RegionSource, offset: number): number {
  const page = source.page(pageIndexOf(offset));
  if (page?.isApart(offset & 4095) !== true) return GivenUpLevel.none;
  return page.isHosted(offset & 4095) ? GivenUpLevel.hosted : GivenUpLevel.apart;
}

/** Offset and end of each block. */
export function placesOf({ blocks }: RegionCode): (readonly [offset: number, end: number])[] {
  return Array.from({ length: blocks.length / 2 }, (_, block) => {
    return [blocks[2 * block] ?? 0, blocks[2 * block + 1] ?? 0];
  });
}

/** The pages that a region has code of, by number; `home` is that of index 0. */
export function pagesOf({ blocks }: RegionCode, home: number, source: RegionSource): number[] {
  const indexes = new Set<number>();
  for (let at = 0; at < blocks.length; at += 2) {
    indexes.add(pageIndexOf(blocks[at] ?? 0)).add(pageIndexOf((blocks[at + 1] ?? 0) - 1));
  }
  return [...new Set([...indexes].map((index) => source.page(index)?.page ?? home))];
}

/** The bytes of a region in guest-physical memory; `home` is the page of index 0. */
export function rangesOf(code: RegionCode, home: number, source: RegionSource): CodeRange[] {
  return placesOf(code).map(([offset, end]) => {
    const page = source.page(pageIndexOf(offset))?.page ?? home;
    const first = page * 4096 + (offset & 4095);
    return [first, first + end - offset];
  });
}
