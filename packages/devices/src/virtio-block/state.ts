import { record, type Shape } from '../state-shape.ts';
import type { VirtioPciState } from '../virtio-pci/state.ts';

/** The registers of a block device: those of its transport. */
export interface VirtioBlockState {
  transport: VirtioPciState;
}

/** The shape of the saved registers. */
export function virtioBlockShape(transport: Shape<VirtioPciState>): Shape<VirtioBlockState> {
  return record<VirtioBlockState>({ transport });
}
