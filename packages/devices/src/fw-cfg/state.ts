import { integer, record, type Shape } from '../state-shape.ts';
import { noItem } from './registers.ts';

/** The registers of the firmware configuration device. */
export interface FwCfgState {
  /** The selected item. */
  selector: number;
  /** The next byte of it. */
  offset: number;
  /** The high half of the DMA address. */
  dmaHigh: number;
}

/** Returns the registers after reset. */
export function powerOnFwCfg(): FwCfgState {
  return { selector: noItem, offset: 0, dmaHigh: 0 };
}

/** The shape of the saved registers. */
export const fwCfgShape: Shape<FwCfgState> = record<FwCfgState>({
  selector: integer(0, 0xffff),
  offset: integer(0, 0xffff_ffff),
  dmaHigh: integer(0, 0xffff_ffff),
});
