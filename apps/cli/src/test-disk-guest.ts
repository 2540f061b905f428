/** A Debian guest with the drivers of all our disks, and Debian's file system tools on the host. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DebianGuest, debianGuest } from '@ringfence/guest';

/** Modules that a guest needs to see our disks and CDs and the file systems on them. */
const modules = [
  ...['crc32c_generic', 'ext4', 'isofs'],
  ...['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_rng'],
  ...['ata_piix', 'sd_mod', 'sr_mod'],
];

/** The tools of the host that the tests need, and the packages that have them. */
const tools = { mke2fs: 'e2fsprogs', 'qemu-img': 'qemu-utils', xorriso: 'xorriso' };

/** Gives a guest that runs commands once its disks are there, or says why it cannot be had. */
export async function diskGuest(commands: string): Promise<DebianGuest | string> {
  const missing = Object.entries(tools).filter(([tool]) => spawnSync(tool, ['-V']).error);
  const isNeeded = process.env['CI'] !== undefined;
  try {
    if (missing.length > 0) {
      throw new Error(`install ${missing.map(([, name]) => name).join(', ')}`);
    }
    return await debianGuest({ modules, initramfs: { commands } });
  } catch (error) {
    if (isNeeded) throw error;
    return String(error);
  }
}

/** The arguments that boot a guest. */
export function bootArguments({ kernel, initrd }: DebianGuest): string[] {
  const append = 'console=ttyS0 quiet panic=-1';
  return ['run', '-kernel', kernel, '-initrd', initrd, '-append', append, '-nographic'];
}

/** How a run of the program ended. */
export interface RunEnd {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
}

/** Runs the program from sources; `watch` sees the output so far and may kill it. */
export function runCli(
  args: readonly string[],
  watch: (output: string, kill: () => void) => void = () => {},
): Promise<RunEnd> {
  const cli = fileURLToPath(new URL('main.ts', import.meta.url));
  const node = ['--conditions=@ringfence/source', '--import', 'tsx', cli];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...node, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const add = (text: string): void => {
      output += text;
      watch(output, () => child.kill('SIGKILL'));
    };
    child.stdout.setEncoding('latin1').on('data', add);
    child.stderr.setEncoding('latin1').on('data', add);
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, output }));
  });
}

/** Makes a file system in an image: ext2 or ext4 with what a folder holds. */
export function makeFileSystem(
  type: 'ext2' | 'ext4',
  path: string,
  size: string,
  from: string,
): void {
  execFileSync('mke2fs', ['-q', '-F', '-t', type, '-d', from, path, size], { stdio: 'pipe' });
}

/** Runs e2fsck and returns its status (0 clean, 1 corrected, 4 errors left) and words. */
export function e2fsck(
  path: string,
  ...options: readonly string[]
): { readonly status: number | null; readonly words: string } {
  const { status, stdout, stderr } = spawnSync('e2fsck', [...options, path], { encoding: 'utf8' });
  return { status, words: stdout + stderr };
}

/** Reads a file out of an ext2 or ext4 image. */
export function fileInImage(image: string, file: string): Buffer {
  return execFileSync('debugfs', ['-R', `cat ${file}`, image], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  });
}

/** Returns the SHA-256 of a file. */
export function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
