import type { Cpu } from '@ringfence/cpu';

import type { MachineStats } from './api.ts';
import type { HostServices } from './options/machine-options.ts';
import type { RunLoop } from './run-loop.ts';

const msPerSecond = 1000;

/** Gathers the counters of a machine's parts. */
export function collectStats(
  host: HostServices,
  loop: RunLoop,
  cpu: Cpu | undefined,
): MachineStats {
  const { firstMs, busyMs } = loop;
  const { instructions = 0, exits = {} } = cpu?.statistics() ?? {};
  const shadow = cpu?.shadow.statistics;
  const regions = cpu?.regions?.statistics;
  const translated = regions?.instructions ?? 0;
  return {
    seconds: {
      total: firstMs === undefined ? 0 : (host.monotonicMs() - firstMs) / msPerSecond,
      guest: busyMs / msPerSecond,
      translate: (regions?.translateMs ?? 0) / msPerSecond,
      compile: (regions?.compileMs ?? 0) / msPerSecond,
    },
    instructions: {
      interpreted: instructions - translated,
      translated,
      total: instructions,
    },
    translations: {
      regions: regions?.regions ?? 0,
      recalled: regions?.recalled ?? 0,
      modules: regions?.modules ?? 0,
      failed: regions?.failed ?? 0,
      wasmBytes: regions?.wasmBytes ?? 0,
      invalidations: { ...cpu?.cache.statistics.invalidations },
    },
    exits: { ...exits },
    shadow: {
      fills: shadow?.fills ?? 0,
      switches: shadow?.switches ?? 0,
      kept: shadow?.kept ?? 0,
      traces: shadow?.traces ?? 0,
      evictions: shadow?.evictions ?? 0,
    },
    memory: { residentBytes: host.residentBytes?.() ?? 0 },
  };
}
