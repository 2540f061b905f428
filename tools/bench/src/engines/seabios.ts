import { access, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PrivateApt, cacheFolder, unpackDeb } from '@ringfence/guest';

/** Paths of the two ROM images that v86 needs. */
export interface Seabios {
  readonly bios: string;
  readonly vgaBios: string;
}

/**
 * Gives SeaBIOS and its VGA BIOS from Debian's package `seabios`, cached; never part of the
 * repository.
 */
export async function seabios(progress: (message: string) => void): Promise<Seabios> {
  const root = join(cacheFolder(), 'guest');
  const folder = join(root, 'seabios');
  const found = { bios: join(folder, 'bios.bin'), vgaBios: join(folder, 'vgabios-stdvga.bin') };
  const present = await access(found.vgaBios).then(
    () => true,
    () => false,
  );
  if (present) return found;
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(root, 'fetch-'));
  try {
    const apt = new PrivateApt(join(root, 'apt'), progress);
    await apt.update(['seabios']);
    await unpackDeb(await apt.download('seabios', work), work);
    await copyFile(join(work, 'usr/share/seabios/bios.bin'), found.bios);
    await copyFile(join(work, 'usr/share/seabios/vgabios-stdvga.bin'), found.vgaBios);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return found;
}
