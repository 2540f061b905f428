/**
 * The PIIX3 IDE controller (82371SB data sheet, order 290550, sections 2.3 and 2.7), the task file
 * of ATA/ATAPI-6 (T13 1410D), and the bus master (Programming Interface for Bus Master IDE
 * Controller, revision 1.0).
 *
 *     primary 0x1f0, 0x3f6, request 14; secondary 0x170, 0x376, request 15
 *     +0 data w/d   +1 error (read), features (write)   +2 sector count   +3 LBA low
 *     +4 LBA mid    +5 LBA high   +6 device: 6 LBA | 4 drive | 3..0 head or LBA 27..24
 *     +7 status (read): 7 BSY | 6 DRDY | 5 DF | 4 DSC | 3 DRQ | 0 ERR;  command (write)
 *     control: alternate status (read);  7 HOB | 2 SRST | 1 nIEN (write)
 *
 *     bus master, base address 4, 8 ports for each channel
 *     +0 command: 3 to memory | 0 start      +2 status: 7 simplex | 6, 5 drive set up | 2 interrupt
 *     +4 descriptor table d                  | 1 error | 0 active
 *     descriptor: 31..1 address | 63 last | 47..33 byte count, 0 for 64 KiB
 */

/** The function's configuration registers. */
export const ideConfig = { timing: 0x40, base: 0x20 } as const;
/** IDETIM: the channel's ports are decoded. */
export const decodeEnable = 0x8000;

/** The ports and interrupt requests of the two channels. */
export const ideChannels: readonly {
  readonly base: number;
  readonly control: number;
  readonly irq: number;
}[] = [
  { base: 0x1f0, control: 0x3f6, irq: 14 },
  { base: 0x170, control: 0x376, irq: 15 },
];

/** Offsets of the task file. */
export const taskRegister = {
  data: 0,
  error: 1,
  count: 2,
  lbaLow: 3,
  lbaMid: 4,
  lbaHigh: 5,
  device: 6,
  status: 7,
} as const;

/** Bits of the status register. */
export const ideStatus = {
  busy: 0x80,
  ready: 0x40,
  fault: 0x20,
  seekDone: 0x10,
  request: 0x08,
  error: 0x01,
} as const;

/** Bits of the error register. */
export const ideError = { abort: 0x04, notFound: 0x10, uncorrectable: 0x40 } as const;

/** Device register bits. */
export const ideDevice = { lba: 0x40, second: 0x10, always: 0xa0 } as const;

/** Device control bits. */
export const ideControl = { highOrder: 0x80, reset: 0x04, interruptOff: 0x02 } as const;

/** Bus master command bits. */
export const masterCommand = { start: 0x01, toMemory: 0x08 } as const;
/** Bus master status bits. */
export const masterStatus = { active: 0x01, error: 0x02, interrupt: 0x04, drives: 0x60 } as const;
/** The most descriptors that one transfer follows: the table ends within 64 KiB. */
export const mostDescriptors = 8192;

/** The sector count register after a packet command: what the drive wants (ATAPI, "reason"). */
export const packetReason = { command: 1, toHost: 2 } as const;

/** How long a command takes at least, in nanoseconds. */
export const commandNs = 2000;
/** The most sectors of one data request of READ MULTIPLE. */
export const mostMultiple = 16;
/** The most bytes of one PIO data request. */
export const mostPioBytes = 8192;
/** How many bytes move between storage and memory at one time. */
export const dmaPieceBytes = 0x1_0000;

/** Commands of ATA/ATAPI-6, chapter 8. */
export const ataCommand = {
  deviceReset: 0x08,
  readSectors: 0x20,
  readSectorsOnce: 0x21,
  readSectorsExt: 0x24,
  readDmaExt: 0x25,
  readNativeMaxExt: 0x27,
  readMultipleExt: 0x29,
  writeSectors: 0x30,
  writeSectorsOnce: 0x31,
  writeSectorsExt: 0x34,
  writeDmaExt: 0x35,
  writeMultipleExt: 0x39,
  writeDmaFuaExt: 0x3d,
  readVerify: 0x40,
  readVerifyOnce: 0x41,
  readVerifyExt: 0x42,
  seek: 0x70,
  diagnose: 0x90,
  setGeometry: 0x91,
  packet: 0xa0,
  identifyPacket: 0xa1,
  readMultiple: 0xc4,
  writeMultiple: 0xc5,
  setMultiple: 0xc6,
  readDma: 0xc8,
  readDmaOnce: 0xc9,
  writeDma: 0xca,
  writeDmaOnce: 0xcb,
  writeMultipleFuaExt: 0xce,
  standbyNow: 0xe0,
  idleNow: 0xe1,
  standby: 0xe2,
  idle: 0xe3,
  checkPower: 0xe5,
  sleep: 0xe6,
  flush: 0xe7,
  flushExt: 0xea,
  identify: 0xec,
  setFeatures: 0xef,
  readNativeMax: 0xf8,
} as const;
