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
  /** A mark of each of them: what `baseOf`, `levelOf` and `changingBytesOf` read. */
  readonly marks: Int32Array;
}

const levelShift = 8;
const levelMask = 0xf;
const changingShift = 12;

/** The code of some blocks. */
export function codeOf(blocks: readonly RegionBlock[], source: RegionSource): RegionCode {
  const instructions = blocks.flatMap((block) => block.instructions);
  return {
    blocks: Int32Array.from(blocks.flatMap(({ offset, end }) => [offset, end])),
    offsets: Int32Array.from(instructions, ({ offset }) => offset),
    marks: Int32Array.from(instructions, ({ offset, instruction, changing }) => {
      const level = levelAt(source, offset);
      const changingBytes = changing?.bytes ?? 0;
      return (instruction.base + 1) | (level << levelShift) | (changingBytes << changingShift);
    }),
  };
}

/** The register that an instruction accesses memory by, -1 if it names none. */
export function baseOf({ marks }: RegionCode, instruction: number): number {
  return ((marks[instruction] ?? 0) & 0xff) - 1;
}

/** What a region does about an instruction that was often given up: a `GivenUpLevel`. */
export function levelOf({ marks }: RegionCode, instruction: number): number {
  return ((marks[instruction] ?? 0) >> levelShift) & levelMask;
}

/** How many bytes at the end of an instruction the region reads each time that it runs. */
function changingBytesOf({ marks }: RegionCode, instruction: number): number {
  return (marks[instruction] ?? 0) >> changingShift;
}

/** Whether the region reads immediates from the code. */
export function readsCode(code: RegionCode): boolean {
  return code.marks.some((_mark, instruction) => changingBytesOf(code, instruction) > 0);
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

/** Offset and end of what must stay as it is: the blocks without immediates that are read. */
export function fixedPlacesOf(code: RegionCode): (readonly [offset: number, end: number])[] {
  const fixed: (readonly [number, number])[] = [];
  let instruction = 0;
  for (const [offset, end] of placesOf(code)) {
    let from = offset;
    for (let at = offset; at < end; instruction++) {
      const next = code.offsets[instruction + 1] ?? end;
      const behind = next > at && next < end ? next : end;
      const bytes = changingBytesOf(code, instruction);
      at = behind;
      if (bytes === 0) continue;
      fixed.push([from, behind - bytes]);
      from = behind;
    }
    if (from < end) fixed.push([from, end]);
  }
  return fixed;
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
