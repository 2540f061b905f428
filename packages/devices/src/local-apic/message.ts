/** What goes over the bus between interrupt sources and local APICs (SDM 3A, 10.6.1 and 10.11). */

/** Delivery modes: bits 10..8 of an ICR, an LVT, a redirection entry, or message data. */
export const deliveryMode = {
  fixed: 0,
  lowestPriority: 1,
  systemManagement: 2,
  nonMaskable: 4,
  init: 5,
  startUp: 6,
  external: 7,
} as const;

/** An interrupt message. */
export interface ApicMessage {
  /** Who is meant: an APIC identifier, or a logical destination. */
  readonly destination: number;
  /** Whether `destination` is a logical one. */
  readonly logical: boolean;
  /** One of `deliveryMode`. */
  readonly mode: number;
  readonly vector: number;
  /** Whether the source is level-triggered and waits for the end of the interrupt. */
  readonly level: boolean;
}

/** The local APICs of a machine, as whoever sends them a message sees them. */
export interface ApicBus {
  /** Delivers a message; false when no local APIC took it. */
  deliver(message: ApicMessage): boolean;
}

/**
 * Reads a message-signalled interrupt from the address and the data of a memory write to
 * 0xfee00000 to 0xfeefffff (SDM 3A 10.11, figures 10-24 and 10-25).
 */
export function messageSignalled(address: number, data: number): ApicMessage {
  return {
    destination: (address >>> 12) & 0xff,
    logical: (address & 0x4) !== 0,
    mode: (data >>> 8) & 7,
    vector: data & 0xff,
    level: (data & 0x8000) !== 0,
  };
}
