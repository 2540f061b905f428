/** Who boots the reference guest in a comparison, and the command that does it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BOOT_MARKER, type DebianGuest } from '@ringfence/guest';
import { optionTable } from '@ringfence/machine';
import type { Seabios } from './seabios.ts';
import type { Command } from './timed-run.ts';

/** What everyone boots. */
export interface Scenario {
  readonly guest: DebianGuest;
  readonly commandLine: string;
  readonly megabytes: number;
  readonly seabios: Seabios;
}

/** One row of the table of contestants. */
export interface Contestant {
  readonly name: string;
  /** The command that boots the scenario with serial 0 on standard output; `stats` is a path. */
  readonly command: (scenario: Scenario, stats: string) => Command;
  /** Why it cannot run here, if it cannot. */
  readonly missing: () => string | undefined;
}

const ringfenceMain = fileURLToPath(new URL('../../../apps/cli/dist/main.js', import.meta.url));
const v86Main = fileURLToPath(new URL('v86-boot.ts', import.meta.url));

/** Everyone who can be compared. */
export const contestants: readonly Contestant[] = [
  ringfence('interpreter'),
  ringfence('translator'),
  {
    name: 'v86',
    missing: () => undefined,
    command: ({ guest, seabios, megabytes, commandLine }) => ({
      program: process.execPath,
      args: [
        ...['--import', 'tsx', v86Main, guest.kernel, guest.initrd],
        ...[seabios.bios, seabios.vgaBios, String(megabytes), commandLine],
      ],
    }),
  },
  {
    name: 'qemu-tcg',
    missing: () =>
      spawnSync('qemu-system-i386', ['--version']).status === 0
        ? undefined
        : 'there is no qemu-system-i386',
    command: ({ guest, megabytes, commandLine }) => ({
      program: 'qemu-system-i386',
      args: [
        ...['-accel', 'tcg', '-m', String(megabytes), '-nographic', '-no-reboot'],
        ...['-kernel', guest.kernel, '-initrd', guest.initrd, '-append', commandLine],
      ],
    }),
  },
];

function ringfence(accelerator: 'interpreter' | 'translator'): Contestant {
  return {
    name: `ringfence-${accelerator}`,
    missing: () => {
      const accelRow = optionTable.find(({ name }) => name === 'accel');
      const built = existsSync(ringfenceMain) ? undefined : 'apps/cli is not built';
      return accelRow?.unsupported?.[accelerator] ?? built;
    },
    command: ({ guest, megabytes, commandLine }, stats) => ({
      program: process.execPath,
      args: [
        ...[ringfenceMain, 'run', '-accel', accelerator, '-m', `${megabytes}M`, '-nographic'],
        ...['-kernel', guest.kernel, '-initrd', guest.initrd, '-append', commandLine],
        ...['-no-reboot', '--until', BOOT_MARKER, '--stats', stats],
      ],
      endsItself: true,
    }),
  };
}
