import type { Fault, Segmentation } from '@ringfence/segmentation';
import {
  combineFaults,
  FaultCombination,
  faultErrorCode,
  faultHasError,
  faultVector,
  faultWithError,
  InterruptKind,
  noErrorCode,
  noFault,
  Vector,
} from '@ringfence/segmentation';

/** Faults in a row that are delivered one after the other before the processor is stopped. */
const maximumSerialFaults = 8;

/**
 * Delivers an event through the IDT, and what follows from faults on the way: other faults, the
 * double fault, shutdown (SDM 3A 6.15, interrupt 8, table 6-5).
 *
 * @returns false when the processor shuts down (triple fault).
 */
export function deliver(
  segmentation: Segmentation,
  vector: number,
  kind: InterruptKind,
  errorCode: number,
): boolean {
  let nextVector = vector;
  let nextKind = kind;
  let nextError = errorCode;
  for (let attempt = 0; attempt < maximumSerialFaults; attempt++) {
    const raised = segmentation.interrupt(nextVector, nextKind, nextError);
    if (raised === noFault) return true;
    const combined = combineFaults(nextVector, nextKind, raised);
    if (combined === FaultCombination.shutdown) return false;
    const fault =
      combined === FaultCombination.doubleFault ? faultWithError(Vector.doubleFault, 0) : raised;
    nextVector = faultVector(fault);
    nextKind = nextVector === Vector.doubleFault ? InterruptKind.trap : InterruptKind.fault;
    nextError = faultHasError(fault) ? faultErrorCode(fault) : noErrorCode;
  }
  return false;
}

/** Delivers a fault of an instruction. */
export function deliverFault(segmentation: Segmentation, fault: Fault): boolean {
  const error = faultHasError(fault) ? faultErrorCode(fault) : noErrorCode;
  return deliver(segmentation, faultVector(fault), InterruptKind.fault, error);
}
