/**
 * The ports of power management: 82371AB (order 290562, section 7.2) as the ACPI Specification
 * 2.0c, section 4.7, names them. Offsets count from PMBASE.
 *
 *     0x00 PM1_STS  15 WAK | 10 RTC | 8 PWRBTN | 5 GBL | 4 BM | 0 TMR      a one clears
 *     0x02 PM1_EN          | 10 RTC | 8 PWRBTN | 5 GBL |      | 0 TMR
 *     0x04 PM1_CNT  13 SLP_EN (reads 0) | 12..10 SLP_TYP | 2 GBL_RLS | 1 BM_RLD | 0 SCI_EN
 *     0x08 PM_TMR   the power management timer, 24 or 32 bits, read only
 *     0x0c GPE0_STS 16 bits, a one clears     0x0e GPE0_EN 16 bits
 *
 *     0xb2 APMC     commands to firmware      0xb3 APMS    a byte for firmware
 */

/** The frequency of the power management timer. */
export const pmTimerHertz = 3_579_545;

/** Offsets from PMBASE. */
export const pmRegister = {
  status: 0x00,
  enable: 0x02,
  control: 0x04,
  timer: 0x08,
  gpeStatus: 0x0c,
  gpeEnable: 0x0e,
} as const;

/** Bits of PM1_STS and PM1_EN. */
export const pm1 = {
  timer: 0x0001,
  busMaster: 0x0010,
  global: 0x0020,
  powerButton: 0x0100,
  rtc: 0x0400,
  wake: 0x8000,
} as const;

/** PM1_EN: the bits that can be set. */
export const pm1EnableMask: number = pm1.timer | pm1.global | pm1.powerButton | pm1.rtc;
/** PM1_STS: the bits that exist. */
export const pm1StatusMask: number = pm1EnableMask | pm1.busMaster | pm1.wake;

/** The bits of PM1_CNT. */
export const pm1Control = { sciEnable: 0x0001, sleepEnable: 0x2000 } as const;
/** PM1_CNT: the bits that are kept. */
export const pm1ControlMask = 0x1c03;

/** The SLP_TYP of a PIIX4 that switches the power off (82371AB, PMCNTRL). */
export const sleepTypeSoftOff = 0;
/** That which leaves power to memory alone, S3. */
export const sleepTypeToRam = 1;

/** The ports of advanced power management. */
export const apmPort = { command: 0xb2, status: 0xb3 } as const;
/** APMC: gives the registers to the operating system, as the FADT says. */
export const acpiEnable = 0xf1;
/** APMC: gives the registers back to firmware. */
export const acpiDisable = 0xf0;

/** The interrupt request of the SCI on a PIIX4. */
export const sciIrq = 9;
