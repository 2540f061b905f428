/**
 * The register layout of the real-time clock (Motorola MC146818A data sheet, tables 2 and 5,
 * figures 12 to 15) and the places that a PC's firmware gives to the RAM behind it (IBM AT
 * Technical Reference, "CMOS RAM").
 *
 *     port 0x70  7 NMI off | 6..0 index          port 0x71  data
 *
 *     index  0 seconds, 1 alarm, 2 minutes, 3 alarm, 4 hours (bit 7 = PM in 12-hour mode), 5 alarm,
 *            6 day of the week (1 = Sunday), 7 day, 8 month, 9 year, 0x32 century
 *     0x0a A  7 UIP | 6..4 divider | 3..0 periodic rate
 *     0x0b B  7 SET | 6 PIE | 5 AIE | 4 UIE | 3 SQWE | 2 binary | 1 24-hour | 0 daylight saving
 *     0x0c C  7 IRQF | 6 PF | 5 AF | 4 UF | 3..0 = 0      cleared by reading
 *     0x0d D  7 VRT | 6..0 = 0
 */

/** The ports of the clock. */
export const rtcPort = { index: 0x70, data: 0x71 } as const;

/** The indices of the clock's registers. */
export const rtcRegister = {
  seconds: 0x00,
  secondsAlarm: 0x01,
  minutes: 0x02,
  minutesAlarm: 0x03,
  hours: 0x04,
  hoursAlarm: 0x05,
  weekday: 0x06,
  day: 0x07,
  month: 0x08,
  year: 0x09,
  a: 0x0a,
  b: 0x0b,
  c: 0x0c,
  d: 0x0d,
  century: 0x32,
} as const;

/** Port 0x70: masks NMI. */
export const nmiOff = 0x80;

/** Register A: an update is near or under way. */
export const updateInProgress = 0x80;
/** Register A: with both of these bits set the divider is held in reset. */
export const dividerReset = 0x60;

/** Register B bits. */
export const registerB = {
  set: 0x80,
  periodicInterrupt: 0x40,
  alarmInterrupt: 0x20,
  updateInterrupt: 0x10,
  squareWave: 0x08,
  binary: 0x04,
  hours24: 0x02,
} as const;

/** Register C bits; the three flags stand where their enables stand in register B. */
export const registerC = { irq: 0x80, periodic: 0x40, alarm: 0x20, update: 0x10 } as const;

/** Register D: the battery was never empty. */
export const validRamAndTime = 0x80;

/** The frequency of the clock's crystal. */
export const rtcHertz = 32_768;

/** How long before the change of a second UIP is set: 244 us and a cycle of 1,984 us (table 6). */
export const updateWindowNs = 2_228_000;

/** The number of registers and RAM bytes. */
export const cmosSize = 128;
