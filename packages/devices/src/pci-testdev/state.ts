import { pciConfigShape, type PciConfigState } from '../pci/function.ts';
import { integer, record, type Shape } from '../state-shape.ts';
import { pciTests } from './registers.ts';

/** The registers of the test device. */
export interface PciTestDeviceState {
  config: PciConfigState;
  /** The number of the test that was chosen, or -1. */
  current: number;
  /** How many of its writes there were. */
  count: number;
}

/** The shape of the saved registers. */
export const pciTestDeviceShape: Shape<PciTestDeviceState> = record<PciTestDeviceState>({
  config: pciConfigShape,
  current: integer(-1, pciTests.length - 1),
  count: integer(0, 0xffff_ffff),
});
