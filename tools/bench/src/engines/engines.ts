/** Who runs the guests of the benchmark, and the commands that do it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Seabios } from './seabios.ts';

/** A guest: a kernel with its initramfs, or a multiboot program of our own. */
export type GuestImage =
  | {
      readonly kind: 'linux';
      readonly kernel: string;
      readonly initrd: string;
      readonly commandLine: string;
    }
  | { readonly kind: 'program'; readonly image: string };

/** What an engine is given beside the guest. */
export interface EngineSettings {
  readonly megabytes: number;
  readonly seabios: Seabios;
  /** Runs the TypeScript sources instead of what was built. */
  readonly fromSource: boolean;
  /** File in which Ringfence remembers from round to round what it translated. */
  readonly translationProfile: string;
}

/** A program to start. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** One row of the table of engines. */
export interface Engine {
  readonly name: string;
  /** The command that runs a guest with serial 0 on standard input and output. */
  readonly command: (guest: GuestImage, settings: EngineSettings) => Command;
  /** It writes a line `@stats JSON` to standard error at every marker. */
  readonly counts: boolean;
  /** Why it cannot run here, if it cannot. */
  readonly missing: (settings: EngineSettings) => string | undefined;
}

/** Everyone who can be compared. */
export const engines: readonly Engine[] = [
  ringfence('ringfence', 'translator', true),
  ringfence('ringfence-first-run', 'translator', false),
  ringfence('ringfence-interpreter', 'interpreter', false),
  {
    name: 'v86',
    counts: false,
    missing: (settings) =>
      isInstalled('v86')
        ? notBuilt('v86-machine', settings)
        : 'the npm package v86 is not installed',
    command: (guest, { seabios, megabytes, fromSource }) => {
      const roms = [seabios.bios, seabios.vgaBios, String(megabytes)];
      const args =
        guest.kind === 'linux'
          ? ['linux', guest.kernel, guest.initrd, ...roms, guest.commandLine]
          : ['program', guest.image, ...roms];
      return nodeCommand('v86-machine', fromSource, args);
    },
  },
  {
    name: 'qemu',
    counts: false,
    missing: () =>
      spawnSync('qemu-system-i386', ['--version']).status === 0
        ? undefined
        : 'there is no qemu-system-i386',
    command: (guest, { megabytes }) => ({
      program: 'qemu-system-i386',
      args: [
        ...['-accel', 'tcg', '-m', String(megabytes), '-display', 'none', '-monitor', 'none'],
        ...['-serial', 'stdio', '-no-reboot', ...kernelArguments(guest)],
      ],
    }),
  },
];

/** `remembers`: it knows from the second round on what it translated in those before. */
function ringfence(
  name: string,
  accelerator: 'interpreter' | 'translator',
  remembers: boolean,
): Engine {
  return {
    name,
    counts: true,
    missing: (settings) => notBuilt('ringfence-machine', settings),
    command: (guest, { megabytes, fromSource, translationProfile }) =>
      nodeCommand('ringfence-machine', fromSource, [
        ...['-accel', accelerator, '-nographic', '-m', `${megabytes}M`, '-no-reboot'],
        ...kernelArguments(guest),
        ...['--translation-profile', remembers ? translationProfile : 'none'],
      ]),
  };
}

/** Runs a program of this folder: the file that the build made of it, or its source. */
function nodeCommand(name: string, fromSource: boolean, args: readonly string[]): Command {
  const program = fromSource
    ? ['--conditions=@ringfence/source', '--import', 'tsx', pathOf(`${name}.ts`)]
    : [builtPath(name)];
  return { program: process.execPath, args: [...program, ...args] };
}

function notBuilt(name: string, { fromSource }: EngineSettings): string | undefined {
  return fromSource || existsSync(builtPath(name)) ? undefined : 'tools/bench is not built';
}

function builtPath(name: string): string {
  return pathOf(`../../dist/main-${name}.js`);
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function kernelArguments(guest: GuestImage): string[] {
  return guest.kind === 'linux'
    ? ['-kernel', guest.kernel, '-initrd', guest.initrd, '-append', guest.commandLine]
    : ['-kernel', guest.image];
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
