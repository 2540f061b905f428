/** What a machine in this process takes: its counters, and the process's processor time. */
import type { HostServices, Machine } from '@ringfence/machine';

/** A reading of a machine's counters. */
export interface Use {
  /** Processor time of this process, in seconds: what others do on this computer is not in it. */
  readonly seconds: number;
  readonly exits: Readonly<Record<string, number>>;
}

/** Reads the counters of a machine between two slices. */
export function takeUse(machine: Machine): Use {
  const { user, system } = process.cpuUsage();
  return { seconds: (user + system) / 1e6, exits: { ...machine.stats().exits } };
}

/** All exits to TypeScript. */
export function exitsOf({ exits }: Use): number {
  return Object.values(exits).reduce((sum, count) => sum + count, 0);
}

/** Exits at ports, and hypercalls: what a driver does to its device. */
export function deviceExitsOf({ exits }: Use): number {
  return ['portIn', 'portOut', 'system'].reduce((sum, cause) => sum + (exits[cause] ?? 0), 0);
}

/** The median of some numbers, 0 for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Node's clocks and timers. */
export const nodeHost: HostServices = {
  monotonicMs: () => performance.now(),
  unixTimeMs: () => Date.now(),
  setTimer: (callback, delayMs) => {
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
