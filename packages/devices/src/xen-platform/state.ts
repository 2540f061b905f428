import { integer, list, record, type Shape } from '../state-shape.ts';
import { pciConfigShape, type PciConfigState } from '../pci/function.ts';

/** The registers of the platform device. */
export interface XenPlatformState {
  config: PciConfigState;
  /** What was unplugged: bits of `Unplug`. */
  unplugged: number;
  /** What the drivers said that they are: product, build. */
  driver: number[];
}

/** The shape of the saved registers. */
export const xenPlatformShape: Shape<XenPlatformState> = record<XenPlatformState>({
  config: pciConfigShape,
  unplugged: integer(0, 0xffff),
  driver: list(integer(0, 0xffff_ffff), 2, 2),
});
