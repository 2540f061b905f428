import { finite, flag, integer, list, nullable, record, type Shape } from '../state-shape.ts';
import { fifoSize, msr } from './registers.ts';

/** The most bytes of input that a UART keeps for its receiver. */
export const maximumInputCapacity = 0x1_0000;

/** The registers of a 16550. */
export interface UartState {
  /** IER. */
  interruptEnable: number;
  /** FCR bits 7..6 and 0, as programmed. */
  fifoControl: number;
  /** LCR. */
  lineControl: number;
  /** MCR. */
  modemControl: number;
  /** LSR bits 4..1: errors not yet read. */
  lineErrors: number;
  /** MSR bits 7..4 as the other side drives them; loopback shows the MCR instead. */
  modemInputs: number;
  /** MSR bits 7..4 as last shown, to tell changes. */
  modemShown: number;
  /** MSR bits 3..0. */
  modemChanges: number;
  /** SCR. */
  scratch: number;
  /** DLM and DLL. */
  divisor: number;
  /**
   * The receive FIFO, or the one receive register: characters with their error bits shifted up by
   * 8.
   */
  received: number[];
  /** The interrupt for an empty transmitter has not been taken. */
  transmitterEmptyPending: boolean;
  /** The receive timeout has run out. */
  timeoutPending: boolean;
  /** When the receive timeout runs out, on the machine's clock. */
  timeoutAtNs: number | null;
  /** Reads of LSR in a row, up to 2: a receiver that polls. */
  statusReads: number;
  /** Input that the receiver has not taken yet, in the form of `received`. */
  waiting: number[];
}

/** Returns the registers after power-on, with CTS, DSR and DCD from the other side. */
export function powerOnUart(): UartState {
  const modemInputs = msr.cts | msr.dsr | msr.dcd;
  return {
    interruptEnable: 0,
    fifoControl: 0,
    lineControl: 0,
    modemControl: 0,
    lineErrors: 0,
    modemInputs,
    modemShown: modemInputs,
    modemChanges: 0,
    scratch: 0,
    divisor: 12,
    received: [],
    transmitterEmptyPending: false,
    timeoutPending: false,
    timeoutAtNs: null,
    statusReads: 0,
    waiting: [],
  };
}

const byte = integer(0, 0xff);
const character = integer(0, 0x1fff);

/** The shape of a UART's saved registers. */
export const uartShape: Shape<UartState> = record<UartState>({
  interruptEnable: integer(0, 0x0f),
  fifoControl: byte,
  lineControl: byte,
  modemControl: integer(0, 0x1f),
  lineErrors: integer(0, 0x1e),
  modemInputs: byte,
  modemShown: byte,
  modemChanges: integer(0, 0x0f),
  scratch: byte,
  divisor: integer(0, 0xffff),
  received: list(character, 0, fifoSize),
  transmitterEmptyPending: flag(),
  timeoutPending: flag(),
  timeoutAtNs: nullable(finite()),
  statusReads: integer(0, 2),
  // A cleared FIFO may have gone back to a full queue.
  waiting: list(character, 0, maximumInputCapacity + fifoSize),
});
