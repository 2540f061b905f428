/**
 * The registers and commands of an 82077AA in AT mode (Intel 82077AA data sheet, order 290166).
 *
 *     0x3f2 DOR   7..4 motors | 3 DMA and interrupt on | 2 not reset | 1..0 drive
 *     0x3f3 TDR   1..0 tape drive
 *     0x3f4 MSR   7 RQM | 6 DIO | 5 non-DMA execution | 4 busy | 3..0 drive is seeking     read
 *           DSR   7 reset | 6 power down | 4..2 precompensation | 1..0 data rate           write
 *     0x3f5 FIFO  command, data and result bytes
 *     0x3f7 DIR   7 disk change                                                            read
 *           CCR   1..0 data rate                                                           write
 *
 *     ST0  7..6 ended: normally, abnormally, invalid, by polling | 5 seek end | 4 no track 0
 *          2 head | 1..0 drive
 *     ST1  7 end of cylinder | 5 bad data | 4 overrun | 2 no such sector | 1 write-protected
 *          0 no address mark
 *     ST2  6 deleted data | 4 wrong cylinder | 1 bad cylinder
 *     ST3  6 write-protected | 5 = 1 | 4 track 0 | 3 = 1 | 2 head | 1..0 drive
 */

/** The ports. 0x3f0 and 0x3f1 are those of PS/2 mode, 0x3f6 is the IDE controller's. */
export const floppyPort = {
  dor: 0x3f2,
  tdr: 0x3f3,
  status: 0x3f4,
  fifo: 0x3f5,
  direction: 0x3f7,
} as const;

/** Bits of the digital output register. */
export const dor = { drive: 0x03, running: 0x04, gate: 0x08 } as const;

/** DSR: a reset that ends by itself. */
export const dsrReset = 0x80;

/** Bits of the main status register. */
export const msr = { ready: 0x80, toHost: 0x40, nonDma: 0x20, busy: 0x10 } as const;

/** Bits of status register 0. */
export const st0 = {
  abnormal: 0x40,
  invalid: 0x80,
  polling: 0xc0,
  seekEnd: 0x20,
  noTrack0: 0x10,
} as const;

/** Bits of status register 1. */
export const st1 = {
  endOfCylinder: 0x80,
  badData: 0x20,
  noSector: 0x04,
  writeProtected: 0x02,
  noAddressMark: 0x01,
} as const;

/** Bits of status register 2. */
export const st2 = { wrongCylinder: 0x10, badCylinder: 0x02 } as const;

/** CONFIGURE, second byte: seek before reading and writing. */
export const impliedSeek = 0x40;

/** SPECIFY, second byte: no DMA. */
export const specifyNonDma = 0x01;

/** Command codes without their option bits. */
export const command = {
  readTrack: 0x02,
  specify: 0x03,
  senseDrive: 0x04,
  write: 0x05,
  read: 0x06,
  recalibrate: 0x07,
  senseInterrupt: 0x08,
  writeDeleted: 0x09,
  readId: 0x0a,
  readDeleted: 0x0c,
  format: 0x0d,
  dumpRegisters: 0x0e,
  seek: 0x0f,
  version: 0x10,
  perpendicular: 0x12,
  configure: 0x13,
  lock: 0x14,
  verify: 0x16,
} as const;

/** Command: both heads (bit 7 of read, write and verify). */
export const multiTrack = 0x80;
/** VERIFY, second byte: the last byte counts sectors. */
export const verifyCounts = 0x80;
/** LOCK, RELATIVE SEEK: bit 7. */
export const commandHigh = 0x80;
/** RELATIVE SEEK: inwards. */
export const seekInwards = 0x40;

/** VERSION: an 82077 or later. */
export const controllerVersion = 0x90;

/** How many bytes each command has, its code included; others are invalid and have one. */
export const commandBytes: Readonly<Record<number, number>> = {
  [command.readTrack]: 9,
  [command.specify]: 3,
  [command.senseDrive]: 2,
  [command.write]: 9,
  [command.read]: 9,
  [command.recalibrate]: 2,
  [command.senseInterrupt]: 1,
  [command.writeDeleted]: 9,
  [command.readId]: 2,
  [command.readDeleted]: 9,
  [command.format]: 6,
  [command.dumpRegisters]: 1,
  [command.seek]: 3,
  [command.version]: 1,
  [command.perpendicular]: 2,
  [command.configure]: 4,
  [command.lock]: 1,
  [command.verify]: 9,
};

/** Which option bits a command may carry: multi-track, MFM, skip, or high bits of its own. */
export const commandOptions: Readonly<Record<number, number>> = {
  [command.readTrack]: 0x40,
  [command.write]: 0xc0,
  [command.read]: 0xe0,
  [command.writeDeleted]: 0xc0,
  [command.readId]: 0x40,
  [command.readDeleted]: 0xe0,
  [command.format]: 0x40,
  [command.seek]: 0xc0,
  [command.lock]: 0x80,
  [command.verify]: 0xe0,
};

/** The bytes of a sector. */
export const floppySectorBytes = 512;
/** The size code of such sectors. */
export const floppySizeCode = 2;
