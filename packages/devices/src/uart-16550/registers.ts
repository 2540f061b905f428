/**
 * The register layout of the 16550 (National Semiconductor PC16550D data sheet, table 2).
 *
 *     offset  DLAB  read              write
 *     0       0     RBR receive       THR transmit
 *     1       0     IER               IER
 *     0, 1    1     DLL, DLM          DLL, DLM: divisor of 1.8432 MHz / 16
 *     2             IIR               FCR
 *     3             LCR               LCR
 *     4             MCR               MCR
 *     5             LSR               (factory test, ignored)
 *     6             MSR               (ignored)
 *     7             SCR               SCR
 *
 *     IER  7..4 = 0 | 3 modem status | 2 line status | 1 transmitter empty | 0 received data
 *     IIR  7..6 FIFOs on | 5..4 = 0 | 3 timeout | 2..1 cause | 0 nothing pending
 *     FCR  7..6 trigger level | 5..4 reserved | 3 DMA mode | 2 clear tx | 1 clear rx | 0 FIFOs on
 *     LCR  7 DLAB | 6 break | 5 stick | 4 even | 3 parity | 2 stop bits | 1..0 word length - 5
 *     MCR  7..5 = 0 | 4 loop | 3 OUT2 | 2 OUT1 | 1 RTS | 0 DTR
 *     LSR  7 error in FIFO | 6 TEMT | 5 THRE | 4 BI | 3 FE | 2 PE | 1 OE | 0 DR
 *     MSR  7 DCD | 6 RI | 5 DSR | 4 CTS | 3 dDCD | 2 trailing edge of RI | 1 dDSR | 0 dCTS
 */

/** The frequency of a PC's UART crystal. */
export const uartHertz = 1_843_200;

/** The offsets of the registers from the first port. */
export const uartRegister = {
  data: 0,
  interruptEnable: 1,
  interruptIdentity: 2,
  fifoControl: 2,
  lineControl: 3,
  modemControl: 4,
  lineStatus: 5,
  modemStatus: 6,
  scratch: 7,
} as const;

/** IER: interrupt enable bits. */
export const ier = { received: 1, transmitterEmpty: 2, lineStatus: 4, modemStatus: 8 } as const;

/** IIR: what asks for the interrupt, highest priority first (data sheet, table 4). */
export const iir = {
  lineStatus: 0x06,
  received: 0x04,
  timeout: 0x0c,
  transmitterEmpty: 0x02,
  modemStatus: 0x00,
  nothing: 0x01,
  fifosOn: 0xc0,
} as const;

/** The bits of the FCR. */
export const fcr = { fifosOn: 0x01, clearReceive: 0x02, clearTransmit: 0x04 } as const;

/** Receive FIFO trigger levels, by bits 7..6 of the FCR. */
export const triggerLevels: readonly number[] = [1, 4, 8, 14];

/** The number of bytes in each FIFO. */
export const fifoSize = 16;

/** The bits of the LCR. */
export const lcr = {
  divisorLatch: 0x80,
  parity: 0x08,
  twoStopBits: 0x04,
  wordLength: 0x03,
} as const;

/** The bits of the MCR. */
export const mcr = { dtr: 0x01, rts: 0x02, out1: 0x04, out2: 0x08, loop: 0x10 } as const;

/** The bits of the LSR. */
export const lsr = {
  dataReady: 0x01,
  overrun: 0x02,
  parity: 0x04,
  framing: 0x08,
  breakInterrupt: 0x10,
  transmitterHoldingEmpty: 0x20,
  transmitterEmpty: 0x40,
  errorInFifo: 0x80,
} as const;

/** LSR: the bits that belong to a received character. */
export const characterErrors: number = lsr.parity | lsr.framing | lsr.breakInterrupt;

/** MSR: levels of the modem's lines, and their changes in the low four bits. */
export const msr = { cts: 0x10, dsr: 0x20, ri: 0x40, dcd: 0x80, ringTrailingEdge: 0x04 } as const;
