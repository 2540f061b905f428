/**
 * The files of a Debian package, unpacked in the cache and never installed.
 *
 * Cache folder:
 *
 *     guest/packages/NAME/   the package's files; complete as soon as it exists
 */
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Progress, PrivateApt } from './apt.ts';
import { cacheFolder } from './cache-folder.ts';
import { unpackDeb } from './deb.ts';

/** What `debianPackage` can be told. */
export interface DebianPackageOptions {
  /** Default: the user's cache folder. */
  readonly cache?: string;
  readonly progress?: Progress;
}

/**
 * Gives the folder with the files of a package for i386 (or for all), from the cache or else
 * fetched through apt. Throws GuestError if it cannot be had.
 */
export async function debianPackage(
  name: string,
  options: DebianPackageOptions = {},
): Promise<string> {
  const root = join(options.cache ?? cacheFolder(), 'guest');
  const folder = join(root, 'packages', name);
  if (await exists(folder)) return folder;
  await mkdir(join(root, 'packages'), { recursive: true });
  const work = await mkdtemp(join(root, 'fetch-'));
  try {
    const apt = new PrivateApt(join(root, 'apt'), options.progress);
    // The lists of an earlier fetch serve as long as they name a file that is still there.
    const deb = await apt.download(name, work).catch(async () => {
      await apt.update([name]);
      return apt.download(name, work);
    });
    const files = join(work, 'files');
    await unpackDeb(deb, files);
    // Another process may have been first; its files are as good.
    await rename(files, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
