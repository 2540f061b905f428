import { record, type Shape } from '../state-shape.ts';
import type { VirtioPciState } from '../virtio-pci/state.ts';

/** The registers of a console device: those of its transport. */
export interface VirtioConsoleState {
  transport: VirtioPciState;
}

/** The shape of the saved registers. */
export function virtioConsoleShape(transport: Shape<VirtioPciState>): Shape<VirtioConsoleState> {
  return record<VirtioConsoleState>({ transport });
}
