/**
 * The structures that the KVM interface keeps in guest memory, and how they are written.
 *
 * All three carry a version: odd while an update is in progress, another even number after it. The
 * guest reads until it sees the same even number before and after (Linux,
 * Documentation/virt/kvm/x86/msr.rst).
 *
 *     pvclock_wall_clock      pvclock_vcpu_time_info        kvm_steal_time
 *     0  version              0  version                    0  steal (64)
 *     4  sec                  4  0                          8  version
 *     8  nsec                 8  tsc_timestamp (64)         12 flags = 0
 *                             16 system_time (64)           16 preempted = 0
 *                             24 tsc_to_system_mul          20 padding to 64
 *                             28 tsc_shift (s8), flags (u8)
 */
import type { GuestMemory, WallClock } from '../interfaces.ts';

/** Bytes of `pvclock_wall_clock`. */
export const wallClockBytes = 12;

/** Bytes of `pvclock_vcpu_time_info`. */
export const timeInfoBytes = 32;

/** Bytes of `kvm_steal_time`. */
export const stealTimeBytes = 64;

/** Bytes of `kvm_clock_pairing` (hypercalls.rst, KVM_HC_CLOCK_PAIRING). */
export const clockPairingBytes = 64;

/** Flag of `pvclock_vcpu_time_info`: times do not warp between processors. */
export const timeIsStable = 1;

/** Flag of the same: the guest was paused, and has not looked yet (PVCLOCK_GUEST_STOPPED). */
const wasPaused = 2;

const nanosecondsPerSecond = 1_000_000_000;

/** How a guest turns ticks into nanoseconds: `(ticks << shift) * multiplier >> 32`. */
export interface TscScale {
  /** Unsigned, 2^31 to 2^32 - 1, so that no more precision could be had. */
  readonly multiplier: number;
  /** Negative for a right shift. */
  readonly shift: number;
}

/** Returns the scale of a time-stamp counter of `hertz`, a whole number from 1. */
export function tscScale(hertz: number): TscScale {
  const ticks = BigInt(hertz);
  let shift = 0;
  // The ratio 10^9 / hertz is scaled into [1/2, 1), whose 32-bit fraction the multiplier is.
  let numerator = BigInt(nanosecondsPerSecond);
  let denominator = ticks;
  while (numerator >= denominator) {
    denominator *= 2n;
    shift += 1;
  }
  while (numerator * 2n < denominator) {
    numerator *= 2n;
    shift -= 1;
  }
  return { multiplier: Number((numerator << 32n) / denominator), shift };
}

/** Returns nanoseconds since 1970 of a clock that counts milliseconds. */
export function unixNs(wallClock: WallClock): bigint {
  const unixMs = wallClock.unixTimeMs();
  const wholeMs = Math.floor(unixMs);
  return BigInt(wholeMs) * 1_000_000n + BigInt(Math.floor((unixMs - wholeMs) * 1e6));
}

/** Writes `pvclock_wall_clock`: the time of day at which the machine's clock stood at zero. */
export function writeWallClock(memory: GuestMemory, physical: number, bootNs: bigint): void {
  const perSecond = BigInt(nanosecondsPerSecond);
  update(memory, physical, () => {
    memory.write32(physical + 4, Number(BigInt.asUintN(32, bootNs / perSecond)));
    memory.write32(physical + 8, Number(bootNs % perSecond));
  });
}

/** The contents of `pvclock_vcpu_time_info`. */
export interface TimeInfo {
  readonly tsc: bigint;
  readonly systemNs: bigint;
  readonly scale: TscScale;
  readonly flags: number;
}

/**
 * Writes `pvclock_vcpu_time_info`: the counter and the clock at one moment. The flag that a host
 * paused the guest is the guest's to clear.
 */
export function writeTimeInfo(memory: GuestMemory, physical: number, info: TimeInfo): void {
  update(memory, physical, () => {
    memory.write32(physical + 4, 0);
    write64(memory, physical + 8, info.tsc);
    write64(memory, physical + 16, info.systemNs);
    memory.write32(physical + 24, info.scale.multiplier);
    const paused = (memory.read32(physical + 28) >>> 8) & wasPaused;
    memory.write32(physical + 28, (info.scale.shift & 0xff) | ((info.flags | paused) << 8));
  });
}

/** Writes `kvm_steal_time`: nanoseconds that the virtual CPU was kept from running. */
export function writeStealTime(memory: GuestMemory, physical: number, stolenNs: bigint): void {
  update(memory, physical + 8, () => {
    write64(memory, physical, stolenNs);
    memory.write32(physical + 12, 0);
    memory.write32(physical + 16, 0);
  });
}

/** Writes `kvm_clock_pairing`: the time of day and the time-stamp counter at one moment. */
export function writeClockPairing(
  memory: GuestMemory,
  physical: number,
  unixNs: bigint,
  tsc: bigint,
): void {
  const perSecond = BigInt(nanosecondsPerSecond);
  write64(memory, physical, unixNs / perSecond);
  write64(memory, physical + 8, unixNs % perSecond);
  write64(memory, physical + 16, tsc);
  for (let offset = 24; offset < clockPairingBytes; offset += 4) {
    memory.write32(physical + offset, 0);
  }
}

/**
 * Makes the version odd, lets `write` change the fields, and makes the version the next even
 * number.
 */
function update(memory: GuestMemory, version: number, write: () => void): void {
  const odd = (memory.read32(version) + 1) | 1;
  memory.write32(version, odd);
  write();
  memory.write32(version, (odd + 1) | 0);
}

function write64(memory: GuestMemory, physical: number, value: bigint): void {
  memory.write32(physical, Number(BigInt.asIntN(32, value)));
  memory.write32(physical + 4, Number(BigInt.asIntN(32, value >> 32n)));
}
