import { integer, record, type Shape } from '../state-shape.ts';

/** The registers of the bus itself. */
export interface PciBusState {
  /** CONFADD. */
  address: number;
  /** The reset control register. */
  resetControl: number;
}

/** The shape of the bus's saved registers. */
export const pciBusShape: Shape<PciBusState> = record<PciBusState>({
  address: integer(0, 0xffff_ffff),
  resetControl: integer(0, 0x06),
});
