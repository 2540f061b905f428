/**
 * The initramfs of the reference guest: busybox, a few device nodes and `/init`.
 *
 * `/init` mounts the kernel's file systems, prints `BOOT-OK` on the console and gives a root shell
 * on it; when the shell ends, the guest powers itself off.
 */
import { type CpioEntry, cpioArchive } from './cpio.ts';
import type { KernelModule } from './kernel-modules.ts';

/** The line that `/init` prints once the kernel has started it and the file systems are mounted. */
export const BOOT_MARKER = 'BOOT-OK';

/** What an initramfs can be told. */
export interface InitramfsOptions {
  /** Shell commands that run after the marker and before the shell. */
  readonly commands?: string;
  /** Modules that `/init` inserts in this order, before the commands. */
  readonly modules?: readonly KernelModule[];
}

/**
 * Builds the initramfs around an i386 busybox that is linked statically.
 *
 * Equal arguments give equal bytes. The archive is not compressed: unpacking costs guest time.
 */
export function buildInitramfs(busybox: Uint8Array, options: InitramfsOptions = {}): Uint8Array {
  const folders = ['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp'];
  const modules = options.modules ?? [];
  if (modules.length > 0) folders.push('lib', 'lib/modules');
  const entries: CpioEntry[] = [
    ...folders.map((path): CpioEntry => ({ kind: 'directory', path })),
    // The kernel opens /dev/console for /init before devtmpfs is mounted.
    { kind: 'character-device', path: 'dev/console', major: 5, minor: 1 },
    { kind: 'character-device', path: 'dev/null', mode: 0o666, major: 1, minor: 3 },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, contents: busybox },
    { kind: 'symlink', path: 'bin/sh', target: 'busybox' },
    { kind: 'file', path: 'etc/passwd', contents: 'root::0:0:root:/root:/bin/sh\n' },
    { kind: 'file', path: 'etc/group', contents: 'root:x:0:\n' },
    { kind: 'file', path: 'init', mode: 0o755, contents: initScript(options) },
    ...modules.map(({ name, contents }): CpioEntry => {
      return { kind: 'file', path: `lib/modules/${name}.ko`, contents };
    }),
  ];
  return cpioArchive(entries);
}

function initScript({ commands = '', modules = [] }: InitramfsOptions): string {
  const inserts = modules.map(({ name }) => `insmod /lib/modules/${name}.ko\n`).join('');
  return `#!/bin/sh
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
echo ${BOOT_MARKER}
busybox --install -s /bin
hostname ringfence
export HOME=/root PATH=/bin
${inserts}${commands}
cd
setsid cttyhack sh
poweroff -f
`;
}
