/**
 * A boot image made by `grub-mkrescue`: a CD that is a disk as well, with GRUB on it.
 *
 * The program and its tools are those of the system (Debian's grub-common, xorriso and mtools); the
 * modules that go on the image are of grub-pc-bin, from the system or from the cache.
 *
 * Cache folder:
 *
 *     guest/grub-HASH.iso   named by the configuration and the files
 */
import { createHash } from 'node:crypto';
import { access, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { type DebianPackageOptions, debianPackage } from './debian-package.ts';
import { GuestError } from './guest-error.ts';
import { run } from './process.ts';

/** What stands on an image. */
export interface GrubImageContents {
  /** The text of `grub.cfg`. */
  readonly configuration: string;
  /** Paths on the image, such as `boot/vmlinuz`, and the files that are put there. */
  readonly files: Readonly<Record<string, string>>;
}

const systemModules = '/usr/lib/grub/i386-pc';

/** Gives the path of an image that GRUB boots; throws GuestError if it cannot be made. */
export async function grubImage(
  contents: GrubImageContents,
  options: DebianPackageOptions = {},
): Promise<string> {
  const root = join(options.cache ?? cacheFolder(), 'guest');
  const image = join(root, `grub-${await hashOf(contents)}.iso`);
  if (await exists(image)) return image;
  await mkdir(root, { recursive: true });
  const work = await mkdtemp(join(root, 'grub-'));
  try {
    const tree = join(work, 'tree');
    await mkdir(join(tree, 'boot/grub'), { recursive: true });
    await writeFile(join(tree, 'boot/grub/grub.cfg'), contents.configuration);
    for (const [path, file] of Object.entries(contents.files)) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await cp(file, join(tree, path));
    }
    options.progress?.('making a GRUB image');
    const made = join(work, 'image.iso');
    await makeRescue(await moduleFolder(options), made, tree);
    await rename(made, image);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return image;
}

async function makeRescue(modules: string, image: string, tree: string): Promise<void> {
  const done = await run('grub-mkrescue', ['-d', modules, '-o', image, tree]);
  if (done.status === 127) {
    const needed = 'install grub-common, xorriso and mtools';
    throw new GuestError('no-grub', `there is no grub-mkrescue on this machine: ${needed}`);
  }
  if (done.status !== 0) {
    throw new GuestError('contents', 'grub-mkrescue could not make an image', done.stderr);
  }
}

async function moduleFolder(options: DebianPackageOptions): Promise<string> {
  if (await exists(systemModules)) return systemModules;
  return join(await debianPackage('grub-pc-bin', options), systemModules);
}

async function hashOf({ configuration, files }: GrubImageContents): Promise<string> {
  const hash = createHash('sha256').update(configuration);
  for (const [path, file] of Object.entries(files)) {
    hash.update(`\0${path}\0`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
