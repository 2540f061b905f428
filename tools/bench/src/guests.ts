/** Chooses and prepares the guests of a run. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianGuest, type KernelFlavour, type Progress } from '@ringfence/guest';
import type { BenchmarkGuest } from './benchmark.ts';
import { buildPrograms } from './programs/build.ts';
import { programs } from './programs/programs.ts';
import { linuxCommands, linuxWorkloads } from './workloads/linux.ts';

/** What was asked for. */
export interface GuestChoice {
  readonly flavour: KernelFlavour;
  readonly commandLine: string;
  /** `linux` or `programs`; both without. */
  readonly guest?: string;
  /** Parts of the names of workloads; all without. */
  readonly workloads?: readonly string[];
  readonly progress: Progress;
}

const BOOT = 'boot';

/** Fetches and builds what a choice needs. */
export async function chooseGuests(
  choice: GuestChoice,
): Promise<{ guests: BenchmarkGuest[]; described: string }> {
  const wanted = (name: string): boolean =>
    choice.workloads?.some((part) => name.includes(part)) ?? true;
  const guests: BenchmarkGuest[] = [];
  let described = 'programs of our own';
  const linux = linuxWorkloads.filter(({ name }) => wanted(name));
  const boots = wanted(BOOT);
  if (choice.guest !== 'programs' && (linux.length > 0 || boots)) {
    const { flavour, progress, commandLine } = choice;
    const initramfs = { commands: linuxCommands() };
    const debian = await debianGuest({ flavour, progress, initramfs });
    described = `${debian.kernelPackage} ${debian.kernelVersion}`;
    const { kernel, initrd } = debian;
    const image = { kind: 'linux', kernel, initrd, commandLine } as const;
    guests.push({ image, bootName: boots ? BOOT : undefined, workloads: linux });
  }
  const own = programs.filter(({ name }) => wanted(name));
  if (choice.guest !== 'linux' && own.length > 0) {
    const image = join(mkdtempSync(join(tmpdir(), 'ringfence-bench-')), 'programs.elf');
    writeFileSync(image, buildPrograms(programs));
    guests.push({ image: { kind: 'program', image }, bootName: undefined, workloads: own });
  }
  return { guests, described };
}
