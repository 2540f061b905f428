/** What happens when an exception meets another that is being delivered (SDM 3A table 6-5). */
import { faultVector, Vector, type Fault } from './fault.ts';
import { InterruptKind } from './interfaces.ts';

/** The outcomes of `combineFaults`. */
export const FaultCombination = {
  /** The new fault is delivered; what was being delivered happens again, or is lost if an event. */
  serial: 0,
  /** #DF(0) is delivered in place of both. */
  doubleFault: 1,
  /** Shutdown: triple fault. */
  shutdown: 2,
} as const;

/** One of the values of `FaultCombination`. */
export type FaultCombination = (typeof FaultCombination)[keyof typeof FaultCombination];

const contributoryVectors =
  (1 << Vector.divideError) |
  (1 << Vector.invalidTss) |
  (1 << Vector.segmentNotPresent) |
  (1 << Vector.stackFault) |
  (1 << Vector.generalProtection);

/**
 * What to do with the fault that delivering `vector` of `kind` returned (SDM 3A table 6-5).
 * External and software interrupts are benign whatever their vector.
 */
export function combineFaults(
  vector: number,
  kind: InterruptKind,
  raised: Fault,
): FaultCombination {
  if (kind !== InterruptKind.fault && kind !== InterruptKind.trap) return FaultCombination.serial;
  const second = faultVector(raised);
  const isContributory = isContributoryVector(second);
  if (vector === Vector.doubleFault) {
    const fatal = isContributory || second === Vector.pageFault;
    return fatal ? FaultCombination.shutdown : FaultCombination.serial;
  }
  if (vector === Vector.pageFault) {
    const double = isContributory || second === Vector.pageFault;
    return double ? FaultCombination.doubleFault : FaultCombination.serial;
  }
  const double = isContributory && isContributoryVector(vector);
  return double ? FaultCombination.doubleFault : FaultCombination.serial;
}

function isContributoryVector(vector: number): boolean {
  return vector < 32 && ((contributoryVectors >> vector) & 1) !== 0;
}
