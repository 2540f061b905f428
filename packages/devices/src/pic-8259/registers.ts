/**
 * The register layout of the 8259A (Intel 8259A data sheet, order 231468, figures 7 and 8) and of
 * the edge/level registers that the 82371AB (PIIX4, order 290562, section 4.2.5) adds.
 *
 *     port        read                 write
 *     0x20, 0xa0  IRR, ISR or poll     ICW1 (bit 4 set), OCW2 (bits 4:3 = 0), OCW3 (bits 4:3 = 1)
 *     0x21, 0xa1  IMR                  OCW1 = IMR; ICW2, ICW3, ICW4 after an ICW1
 *     0x4d0/1     ELCR                 ELCR: 1 = level-triggered
 *
 *     ICW1   7..5 = 0 | 4 = 1 | 3 LTIM (ignored by PIIX4) | 2 ADI | 1 SNGL | 0 IC4
 *     ICW2   7..3 vector base | 2..0 = 0
 *     ICW4   7..5 = 0 | 4 SFNM | 3 BUF | 2 M/S | 1 AEOI | 0 uPM
 *     OCW2   7 R | 6 SL | 5 EOI | 4..3 = 0 | 2..0 level
 *     OCW3   7 = 0 | 6 ESMM | 5 SMM | 4..3 = 1 | 2 P | 1 RR | 0 RIS
 */

/** ICW1: this word starts an initialization. */
export const icw1Start = 0x10;
/** ICW1: no other chip is cascaded, and no ICW3 follows. */
export const icw1Single = 0x02;
/** ICW1: an ICW4 follows. */
export const icw1NeedsIcw4 = 0x01;

/** ICW4: special fully nested mode. */
export const icw4SpecialFullyNested = 0x10;
/** ICW4: automatic end of interrupt. */
export const icw4AutomaticEoi = 0x02;

/** OCW3 is told from OCW2 by this bit. */
export const ocw3Select = 0x08;
/** OCW3: the special mask bit of this word counts. */
export const ocw3EnableSpecialMask = 0x40;
/** OCW3: special mask mode. */
export const ocw3SpecialMask = 0x20;
/** OCW3: the next read is a poll. */
export const ocw3Poll = 0x04;
/** OCW3: the read-select bit of this word counts. */
export const ocw3ReadRegister = 0x02;
/** OCW3: read the ISR rather than the IRR. */
export const ocw3ReadIsr = 0x01;

/** OCW2 commands, its bits 7..5 shifted down (data sheet, figure 8). */
export const ocw2Command = {
  clearRotateInAutomaticEoi: 0,
  nonspecificEoi: 1,
  noOperation: 2,
  specificEoi: 3,
  setRotateInAutomaticEoi: 4,
  rotateOnNonspecificEoi: 5,
  setPriority: 6,
  rotateOnSpecificEoi: 7,
} as const;

/** A poll result: an interrupt was pending. */
export const pollPending = 0x80;

/**
 * Which bits of the two ELCRs can be set: the timer, keyboard, cascade, RTC and FPU stay
 * edge-triggered.
 */
export const elcrWritable: readonly [number, number] = [0xf8, 0xde];

/** The ports of the pair. */
export const picPort = {
  masterCommand: 0x20,
  masterData: 0x21,
  slaveCommand: 0xa0,
  slaveData: 0xa1,
  masterElcr: 0x4d0,
  slaveElcr: 0x4d1,
} as const;
