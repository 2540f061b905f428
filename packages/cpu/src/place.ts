/** Where code is that an EIP stands for. */
import { CpuState, SegmentField, segmentBytes, SegmentRegister } from '@ringfence/memory';

/** A place in memory, by its linear and its guest-physical address. */
export interface Place {
  readonly linear: number;
  readonly physical: number;
  readonly page: number;
  readonly offset: number;
}

const codeBase = (CpuState.segments + segmentBytes * SegmentRegister.cs + SegmentField.base) >> 2;

/**
 * The place of an EIP, undefined if nothing is mapped there; `translate` gives the guest-physical
 * address of a linear one, -1 if there is none.
 */
export function placeOf(
  state: Int32Array,
  translate: (linear: number) => number,
  eip: number,
): Place | undefined {
  const linear = (eip + (state[codeBase] ?? 0)) | 0;
  const physical = translate(linear);
  if (physical < 0) return undefined;
  return { linear, physical, page: Math.floor(physical / 4096), offset: physical % 4096 };
}
