/**
 * The keyboard controller of a PC (IBM Personal System/2 Hardware Interface Technical Reference,
 * "Keyboard and Auxiliary Device Controller"; Intel 8042 data sheet for the ports).
 *
 *     0x60  data
 *     0x64  write: command
 *           read: status  7 parity | 6 timeout | 5 mouse data | 4 not locked | 3 command | 2 system
 *                         1 input full | 0 output full
 *
 *     command byte  6 translate | 5 mouse off | 4 keyboard off | 2 system
 *                   1 mouse IRQ | 0 keyboard IRQ
 *     output port   7..6 keyboard lines | 5 mouse data | 4 keyboard data | 1 A20 | 0 not reset
 */

/** The ports of the controller. */
export const i8042Port = { data: 0x60, command: 0x64 } as const;

/** The bits of the status register. */
export const status = {
  outputFull: 0x01,
  system: 0x04,
  command: 0x08,
  notLocked: 0x10,
  mouseData: 0x20,
} as const;

/** Command byte bits. */
export const commandByte = {
  keyboardInterrupt: 0x01,
  mouseInterrupt: 0x02,
  system: 0x04,
  keyboardOff: 0x10,
  mouseOff: 0x20,
  translate: 0x40,
} as const;

/**
 * The command byte after reset: keyboard on and translated, mouse off, so that a system that is
 * started without firmware can do without setting it up. The system flag comes with the self-test.
 */
export const commandByteAtReset: number =
  commandByte.translate | commandByte.mouseOff | commandByte.keyboardInterrupt;

/**
 * Controller commands that are single numbers; 0x20..0x3f, 0x60..0x7f and 0xf0..0xff are ranges.
 */
export const controllerCommand = {
  testPassword: 0xa4,
  mouseOff: 0xa7,
  mouseOn: 0xa8,
  testMouse: 0xa9,
  selfTest: 0xaa,
  testKeyboard: 0xab,
  keyboardOff: 0xad,
  keyboardOn: 0xae,
  readInputPort: 0xc0,
  readOutputPort: 0xd0,
  writeOutputPort: 0xd1,
  writeKeyboardBuffer: 0xd2,
  writeMouseBuffer: 0xd3,
  writeMouse: 0xd4,
  a20Off: 0xdd,
  a20On: 0xdf,
  readTestInputs: 0xe0,
} as const;

/** Output port bits. */
export const outputPort = {
  notReset: 0x01,
  a20: 0x02,
  keyboardData: 0x10,
  mouseData: 0x20,
} as const;

/** What both devices answer to a byte that they take. */
export const acknowledge = 0xfa;
/** What both devices answer to a byte that is no command. */
export const resend = 0xfe;
/** What both devices send when their self-test is passed. */
export const selfTestPassed = 0xaa;

/**
 * Nanoseconds from the read of a device's byte to its next: a third of what the serial line takes.
 *
 * DOS programs that hook interrupt 9 read the byte and let the next handler read it once more.
 */
export const byteGapNs = 300_000;

/** The most bytes that a device keeps; the 16 of a real keyboard would lose pasted text. */
export const deviceQueueSize = 64;
/** The most bytes of its own that the controller keeps. */
export const controllerQueueSize = 16;
