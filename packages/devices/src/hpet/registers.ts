/**
 * The registers of a high precision event timer (IA-PC HPET Specification 1.0a, section 2.3).
 *
 *     0x000 capabilities  63..32 femtoseconds a tick | 31..16 vendor | 15 legacy | 13 64 bits
 *                         12..8 last timer | 7..0 revision
 *     0x010 configuration 1 legacy replacement | 0 enabled
 *     0x020 status        n: timer n, level-triggered, is active; a one clears
 *     0x0f0 main counter
 *     0x100 + 0x20 n      63..32 possible inputs | 13..9 input | 8 32 bits | 6 set the value
 *                         5 64 bits | 4 can be periodic | 3 periodic | 2 enabled | 1 level
 *     0x108 + 0x20 n      comparator; in periodic mode a write is the period
 */

/** Where the HPET of a PC stands. */
export const hpetAddress = 0xfed0_0000;

/** Bytes of the block of registers. */
export const hpetBytes = 0x400;

/** Ticks of the main counter per second. */
export const hpetHertz = 100_000_000;

/** The number of timers. */
export const hpetTimers = 3;

/** Offsets within the block. */
export const hpetOffset = {
  capabilities: 0x000,
  configuration: 0x010,
  status: 0x020,
  counter: 0x0f0,
  timers: 0x100,
  timerBytes: 0x20,
} as const;

/** Low half of the capabilities: Intel, legacy replacement, 64 bits, three timers, revision 1. */
export const hpetCapabilities: number = (0x8086_a001 | ((hpetTimers - 1) << 8)) >>> 0;

/** High half of the capabilities: femtoseconds of a tick. */
export const hpetPeriodFs: number = 1e15 / hpetHertz;

/** Bits of the configuration. */
export const hpetConfiguration = { enabled: 1, legacy: 2 } as const;

/** Bits of a timer's configuration, low half. */
export const hpetTimer = {
  level: 0x002,
  enabled: 0x004,
  periodic: 0x008,
  canBePeriodic: 0x010,
  is64Bit: 0x020,
  setValue: 0x040,
  mode32: 0x100,
  writable: 0x3f4e,
} as const;

/** The I/O APIC inputs to which each timer can be routed: 20 to 23, which nobody else has. */
export const hpetInputs = 0x00f0_0000;
