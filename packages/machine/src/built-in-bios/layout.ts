/**
 * Where the built-in BIOS keeps its things, and how its code calls the machine.
 *
 *     0x0_0000  interrupt vectors
 *     0x0_0400  BIOS data area (IBM AT Technical Reference, "BIOS Data Area")
 *     0x9_fc00  extended BIOS data area: its size in KiB, the disk that a CD emulates, the mouse,
 *               from 0x9_fc80 the FACS of ACPI
 *     0xe_0000  ROM: the ACPI tables
 *     0xf_0000  ROM: code and tables
 *
 * Every service is a stub that saves the registers on the caller's stack and makes a hypercall:
 * EAX is `biosMagic`, EBX the address of what was saved, ECX the number of the service. EAX returns
 * how to go on (`Outcome`).
 *
 *     0 ES | 2 DS | 4 EDI | 8 ESI | 12 EBP | 16 ESP | 20 EBX | 24 EDX | 28 ECX | 32 EAX
 *     36 IP | 38 CS | 40 FLAGS
 */

/** What EAX holds at a call of the BIOS: no other interface has such a number. */
export const biosMagic = 0x5246_4249;

/** How a stub goes on after a call. */
export const Outcome = {
  /** Return to the caller. */
  done: 0,
  /** Wait for an interrupt, then call again. */
  wait: 1,
  /** What the service was asked to find is not there. */
  none: 2,
  /** Let interrupts in and call again at once. */
  again: 3,
} as const;

/** One of the ways to go on. */
export type OutcomeValue = (typeof Outcome)[keyof typeof Outcome];

/** Offsets of the saved registers. */
export const FrameOffset = {
  es: 0,
  ds: 2,
  edi: 4,
  esi: 8,
  ebp: 12,
  esp: 16,
  ebx: 20,
  edx: 24,
  ecx: 28,
  eax: 32,
  ip: 36,
  cs: 38,
  flags: 40,
} as const;

/** The interrupt request that wakes a caller that waits for a disk or for time to pass. */
export const wakeIrq = 14;

/** Services that are not interrupts of that number. */
export const Service = {
  /** Sets up chips, vectors and data areas after reset. */
  start: 0x100,
  /** Takes the scan code in AL. */
  scanCode: 0x101,
  /** Counts a period of the clock's periodic interrupt. */
  clock: 0x102,
  /** Takes a byte of the mouse. */
  mouse: 0x103,
} as const;

/** Addresses in the BIOS data area. */
export const Bda = {
  serialPorts: 0x400,
  parallelPorts: 0x408,
  ebdaSegment: 0x40e,
  equipment: 0x410,
  memoryKib: 0x413,
  shiftFlags: 0x417,
  shiftFlags2: 0x418,
  altDigits: 0x419,
  keyHead: 0x41a,
  keyTail: 0x41c,
  keyBuffer: 0x41e,
  /** Floppy drives that were recalibrated, a bit for each. */
  floppySeeks: 0x43e,
  floppyStatus: 0x441,
  videoMode: 0x449,
  columns: 0x44a,
  pageBytes: 0x44c,
  pageStart: 0x44e,
  cursors: 0x450,
  cursorShape: 0x460,
  activePage: 0x462,
  crtcPort: 0x463,
  ticks: 0x46c,
  midnight: 0x470,
  resetFlag: 0x472,
  diskStatus: 0x474,
  disks: 0x475,
  diskControl: 0x476,
  parallelTimeouts: 0x478,
  serialTimeouts: 0x47c,
  keyBufferStart: 0x480,
  keyBufferEnd: 0x482,
  lastRow: 0x484,
  characterHeight: 0x485,
  videoControl: 0x487,
  videoSwitches: 0x488,
  videoFlags: 0x489,
  displayCode: 0x48a,
  /** Four bits for each of two floppy drives: what it can do is known, many rates, 80 tracks. */
  floppyDrives: 0x48f,
  /** A byte for each of two floppy drives: rate, whether it is known, and the disk in it. */
  floppyMedia: 0x490,
  keyFlags: 0x496,
  waitFlag: 0x498,
  waitMicroseconds: 0x49c,
  waitActive: 0x4a0,
  /** Where the table of the display's tables is. */
  videoTables: 0x4a8,
} as const;

/** The segment of the extended BIOS data area. */
export const ebdaSegment = 0x9fc0;
/** In that area: the mode of the VBE services, and what the mouse has and sends (IBM PS/2). */
export const Ebda = {
  vbeMode: 0x9_fc18,
  /** How the display is to save power: 0 on, 1 standby, 2 suspended, 4 off. */
  displayPower: 0x9_fc1a,
  mouseHandler: 0x9_fc22,
  /** The number of bytes of the packet that came. */
  mouseCount: 0x9_fc26,
  /** Bit 7: there is a handler. Bits 0 to 2: bytes of a packet, less one. */
  mouseFlags: 0x9_fc27,
  mousePacket: 0x9_fc28,
} as const;
/** In that area: the disk that a CD emulates, that CD's number, its type and first sector. */
export const Emulation = {
  drive: 0x9_fc10,
  type: 0x9_fc11,
  sector: 0x9_fc14,
  /** Of a disk: heads, sectors of a track, cylinders, all sectors. */
  heads: 0x9_fc60,
  sectors: 0x9_fc61,
  cylinders: 0x9_fc62,
  count: 0x9_fc64,
} as const;
/** In that area: the parameters of the first two disks (INT 41h and 46h), 16 bytes each. */
export const diskTables = 0x3d;
/** KiB of conventional memory, the extended BIOS data area not counted. */
export const conventionalKib = 639;

/** The segment of code and tables, and offsets in it that programs know. */
export const Rom = {
  segment: 0xf000,
  configuration: 0xe6f5,
  diskParameters: 0xefc7,
  font8: 0xfa6e,
  reset: 0xfff0,
  date: 0xfff5,
  model: 0xfffe,
} as const;
