/**
 * The reference guest: Debian's current stock kernel for i386 and its static busybox.
 *
 * Cache folder:
 *
 *     guest/apt/                  apt's lists
 *     guest/debian-686/           vmlinuz, busybox, guest.json; complete as soon as it exists
 *     guest/debian-686-pae/       the same for the kernel with PAE
 *     guest/initramfs-HASH.cpio   made from busybox, named by its contents
 *     guest/modules-HASH/         kernel modules (kernel-modules.ts)
 */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Progress, PrivateApt } from './apt.ts';
import { cacheFolder } from './cache-folder.ts';
import { unpackDeb } from './deb.ts';
import { GuestError } from './guest-error.ts';
import { type InitramfsOptions, buildInitramfs } from './initramfs.ts';
import { kernelModules } from './kernel-modules.ts';

/** Which of Debian's 32-bit kernels: two-level paging, or PAE. */
export type KernelFlavour = '686' | '686-pae';

/** What `debianGuest` can be told. */
export interface DebianGuestOptions {
  /** Default `686`. */
  readonly flavour?: KernelFlavour;
  /** Fetches even if a guest is in the cache, to get a newer version. */
  readonly refresh?: boolean;
  /** Default: the user's cache folder. */
  readonly cache?: string;
  readonly progress?: Progress;
  readonly initramfs?: InitramfsOptions;
  /**
   * Kernel modules, by name, that `/init` inserts with all that they depend on; those that are
   * built in are passed over.
   */
  readonly modules?: readonly string[];
}

/** A guest that is ready to boot: paths of its files, and what they are. */
export interface DebianGuest {
  /** Path of the bzImage. */
  readonly kernel: string;
  /** Path of the uncompressed newc initramfs; its `/init` prints `BOOT_MARKER`. */
  readonly initrd: string;
  /** Path of the static i386 busybox that the initramfs holds. */
  readonly busybox: string;
  /** Package and version of the kernel, and the version of busybox. */
  readonly kernelPackage: string;
  readonly kernelVersion: string;
  readonly busyboxVersion: string;
}

type Fetched = Pick<DebianGuest, 'kernelPackage' | 'kernelVersion' | 'busyboxVersion'>;

/**
 * Gives Debian's stock kernel and an initramfs, from the cache or else fetched through apt.
 * Throws GuestError with a one-line message if they cannot be had.
 */
export async function debianGuest(options: DebianGuestOptions = {}): Promise<DebianGuest> {
  const flavour = options.flavour ?? '686';
  const root = join(options.cache ?? cacheFolder(), 'guest');
  const folder = join(root, `debian-${flavour}`);
  if (options.refresh === true || !(await exists(join(folder, 'guest.json')))) {
    await fetchInto(root, folder, flavour, options.progress ?? (() => {}));
  }
  const fetched = JSON.parse(await readFile(join(folder, 'guest.json'), 'utf8')) as Fetched;
  const busybox = join(folder, 'busybox');
  const { modules: names = [], progress } = options;
  const { kernelPackage } = fetched;
  const modules =
    names.length === 0
      ? []
      : await kernelModules({ root, kernelPackage, names, ...(progress ? { progress } : {}) });
  const image = buildInitramfs(await readFile(busybox), { ...options.initramfs, modules });
  const hash = createHash('sha256').update(image).digest('hex').slice(0, 16);
  const initrd = join(root, `initramfs-${hash}.cpio`);
  if (!(await exists(initrd))) await writeWhole(initrd, image);
  return { kernel: join(folder, 'vmlinuz'), initrd, busybox, ...fetched };
}

async function fetchInto(
  root: string,
  folder: string,
  flavour: KernelFlavour,
  progress: Progress,
): Promise<void> {
  await mkdir(root, { recursive: true });
  const work = await mkdtemp(join(root, 'fetch-'));
  try {
    const fetched = await fetchPackages(root, work, flavour, progress);
    const ready = join(work, 'ready');
    await writeFile(join(ready, 'guest.json'), `${JSON.stringify(fetched, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    // Another process may have been first; its guest is as good.
    await rename(ready, folder).catch(async (error: unknown) => {
      if (!(await exists(join(folder, 'guest.json')))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fetchPackages(
  root: string,
  work: string,
  flavour: KernelFlavour,
  progress: Progress,
): Promise<Fetched> {
  const apt = new PrivateApt(join(root, 'apt'), progress);
  const metaName = `linux-image-${flavour}`;
  await apt.update([metaName, 'busybox-static']);
  const meta = await apt.show(metaName);
  const kernelName = meta?.depends.find((name) => /^linux-image-\d/.test(name));
  const kernelRecord = kernelName === undefined ? undefined : await apt.show(kernelName);
  const busyboxRecord = await apt.show('busybox-static');
  if (kernelRecord === undefined || busyboxRecord === undefined) {
    throw new GuestError('no-package', `apt's sources have no kernel that ${metaName} asks for`);
  }
  const ready = join(work, 'ready');
  await mkdir(ready);
  for (const name of [kernelRecord.name, 'busybox-static']) {
    const deb = await apt.download(name, work);
    progress(`unpacking ${basename(deb)}`);
    await unpackDeb(deb, join(work, name));
  }
  const boot = join(work, kernelRecord.name, 'boot');
  const vmlinuz = (await readdir(boot)).find((name) => name.startsWith('vmlinuz-'));
  if (vmlinuz === undefined) {
    throw new GuestError('contents', `${kernelRecord.name} holds no /boot/vmlinuz-*`);
  }
  await rename(join(boot, vmlinuz), join(ready, 'vmlinuz'));
  await rename(join(work, 'busybox-static/bin/busybox'), join(ready, 'busybox'));
  return {
    kernelPackage: kernelRecord.name,
    kernelVersion: kernelRecord.version,
    busyboxVersion: busyboxRecord.version,
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Writes a file so that no one ever sees a part of it. */
async function writeWhole(path: string, contents: Uint8Array): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, contents);
  await rename(part, path);
}
