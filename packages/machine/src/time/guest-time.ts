import type { Clock } from '@ringfence/devices';
import type { GuestClock } from '@ringfence/hypercall';

import type { HostServices } from '../options/machine-options.ts';

/**
 * Ticks of the time-stamp counter per second.
 *
 * One tick is one nanosecond and, with the instruction clock, one instruction: guests that compare
 * time and counter see the same machine in both modes, and no rounding stands between the two.
 */
export const tscHertz = 1_000_000_000;

/** Nanoseconds of one instruction with the instruction clock. */
export const instructionPeriodNs = 1;

/** The time of day at which machines with the instruction clock start: 2026-01-01 00:00 UTC. */
export const instructionEpochMs: number = 1_767_225_600_000;

const nsPerMs = 1e6;

/** A virtual CPU, as far as its time-stamp counter goes. */
export interface TscOwner {
  /** What the guest added to the counter: its low and its high word. */
  readonly tscOffset: readonly [low: number, high: number];
}

/**
 * The clock as paravirtual interfaces see it, with the counter and what the guest added to it.
 *
 * The CPU asks `hostTsc` for the counter without the guest's additions.
 */
export class GuestTime implements GuestClock {
  /** Ticks per second. */
  readonly tscHertz: number = tscHertz;
  readonly #clock: Clock;
  #cpu: TscOwner | undefined;

  /** Makes the view of a clock; without a CPU the counter reads as the clock. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Says which CPU may add to the counter. */
  connect(cpu: TscOwner): void {
    this.#cpu = cpu;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Returns the counter before the guest's own additions. */
  hostTsc(): number {
    return Math.floor(this.#clock.now());
  }

  tscAt(ns: number): bigint {
    const [low, high] = this.#cpu?.tscOffset ?? [0, 0];
    const offset = (BigInt(high) << 32n) + BigInt(low >>> 0);
    return BigInt.asUintN(64, BigInt(Math.floor(ns)) + offset);
  }
}

/**
 * Returns the machine's time of day: the host's, or with the instruction clock a fixed start and
 * guest time.
 */
export function wallClockOf(
  kind: 'host' | 'instructions',
  host: HostServices,
  clock: Clock,
): { unixTimeMs(): number } {
  return kind === 'host' ? host : { unixTimeMs: () => instructionEpochMs + clock.now() / nsPerMs };
}
