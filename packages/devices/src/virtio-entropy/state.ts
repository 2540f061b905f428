import { record, type Shape } from '../state-shape.ts';
import type { VirtioPciState } from '../virtio-pci/state.ts';

/** The registers of an entropy device: those of its transport. */
export interface VirtioEntropyState {
  transport: VirtioPciState;
}

/** The shape of the saved registers. */
export function virtioEntropyShape(transport: Shape<VirtioPciState>): Shape<VirtioEntropyState> {
  return record<VirtioEntropyState>({ transport });
}
