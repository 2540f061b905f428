import { integer, list, record, type Shape } from '../state-shape.ts';
import { ioApicPins, redirection } from './registers.ts';

/** The registers of an I/O APIC. */
export interface IoApicState {
  /** IOREGSEL. */
  select: number;
  /** The identifier. */
  id: number;
  /** The levels of the pins, bit n for pin n. */
  pins: number;
  /** The low halves of the redirections. */
  low: number[];
  /** The high halves of the redirections. */
  high: number[];
}

/** The shape of the saved registers. */
export const ioApicShape: Shape<IoApicState> = record<IoApicState>({
  select: integer(0, 0xff),
  id: integer(0, 0x0f),
  pins: integer(0, 2 ** ioApicPins - 1),
  low: list(integer(0, 0x1_ffff), ioApicPins),
  high: list(integer(0, 0xffff_ffff), ioApicPins),
});

/** Returns the registers after reset: every pin is masked; the pins keep their levels. */
export function powerOnIoApic(id: number, pins: number): IoApicState {
  return {
    select: 0,
    id,
    pins,
    low: Array.from({ length: ioApicPins }, () => redirection.masked),
    high: Array.from({ length: ioApicPins }, () => 0),
  };
}
