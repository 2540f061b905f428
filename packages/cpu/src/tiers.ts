import type { CodeCache } from '@ringfence/code-cache';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import type { ShadowPaging } from '@ringfence/shadow-paging';
import { hotCases, Interpreter, type Variant } from '@ringfence/translator';
import { AmendedRecords } from './amended-records.ts';
import type { Callouts } from './callouts.ts';
import type { DebugUnit } from './debug-unit.ts';
import { formsOf } from './features.ts';
import type { GuestAccess } from './guest-access.ts';
import { InstructionFetch } from './instruction-fetch.ts';
import type { CpuHost } from './interfaces.ts';
import { makeInterpreterHost } from './interpreter-host.ts';
import { Regions } from './regions.ts';

/** What the tiers of a CPU are made of. */
export interface TierParts {
  readonly machine: MachineMemory;
  readonly physical: PhysicalMemory;
  readonly host: CpuHost;
  readonly access: GuestAccess;
  readonly cache: CodeCache;
  readonly debug: DebugUnit;
  readonly shadow: ShadowPaging;
  readonly callouts: Callouts;
  /** What the CPU model has: instructions of other features are undefined. */
  readonly features: ReadonlySet<string>;
  /** Whether there is a translator tier. */
  readonly translates: boolean;
  /** Takes note of work that the host does for the guest. */
  readonly charge: (work: number) => void;
}

/** The tiers that run guest code. */
export interface Tiers {
  readonly interpreter: Interpreter;
  readonly regions: Regions | undefined;
}

/** Makes the interpreter and, if asked for, the translator, and connects them. */
export function makeTiers(parts: TierParts): Tiers {
  const { machine, physical, host, access, cache, shadow } = parts;
  const forms = formsOf(parts.features);
  const fetch = new InstructionFetch(machine, physical, access, cache, parts.debug, forms);
  const interpreter = new Interpreter(
    machine.memory,
    makeInterpreterHost(fetch, access, parts.callouts, parts.charge),
    hotCases(),
  );
  fetch.attach(interpreter);
  const inspect = (linear: number): number => shadow.inspect(linear);
  const now = (): number => host.monotonicMs?.() ?? 0;
  const regions = parts.translates
    ? new Regions(machine, physical, cache, interpreter, inspect, now, forms)
    : undefined;
  if (regions !== undefined) fetch.attachRegions(regions);
  const enteredAt = (page: number, offset: number): Variant | undefined =>
    regions?.variantAt(page, offset);
  cache.amendBy(new AmendedRecords({ machine, physical, cache, interpreter, forms, enteredAt }));
  return { interpreter, regions };
}
