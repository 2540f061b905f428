/** A set of interrupt vectors, 0 to 255, as eight words: the form of IRR, ISR and TMR. */
export type VectorSet = number[];

/** Returns a set of nothing. */
export function emptyVectors(): VectorSet {
  return [0, 0, 0, 0, 0, 0, 0, 0];
}

/** Whether a vector is in the set. */
export function hasVector(set: VectorSet, vector: number): boolean {
  return (((set[vector >> 5] ?? 0) >>> (vector & 31)) & 1) !== 0;
}

/** Puts a vector into the set, or takes it out. */
export function setVector(set: VectorSet, vector: number, present: boolean): void {
  const bit = 1 << (vector & 31);
  const word = set[vector >> 5] ?? 0;
  set[vector >> 5] = (present ? word | bit : word & ~bit) >>> 0;
}

/** Returns the highest vector of the set, or -1. */
export function highestVector(set: VectorSet): number {
  for (let index = 7; index >= 0; index -= 1) {
    const word = set[index] ?? 0;
    if (word !== 0) {
      return index * 32 + 31 - Math.clz32(word);
    }
  }
  return -1;
}
