/**
 * What packed kernels unpack to, kept from run to run: that takes 0.4 seconds of the 4.5 in which
 * Debian's kernel comes to its first program, and is a matter of one read then. It is in the user's
 * cache folder, by the hash of what was packed, and comes to stand in a guest's memory and nowhere
 * else. Where the folder cannot be read or written nobody is bothered.
 */
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { UnpackedKernels } from '@ringfence/machine';
import { cacheFolder } from './cache-folder.ts';
import { sha256 } from './code-file.ts';
import { replaceFile } from './replace-file.ts';

/** Kernels that are kept: Debian's has 16 MB. */
const mostKernels = 4;

/** A folder of unpacked kernels. */
export class KernelFolder implements UnpackedKernels {
  readonly #path: string;

  constructor(path: string = join(cacheFolder(), 'kernels')) {
    this.#path = path;
  }

  find(packed: Uint8Array): Uint8Array | undefined {
    const file = this.#fileOf(packed);
    try {
      const bytes = readFileSync(file);
      // The one that was not used for longest is the first to go.
      const now = new Date();
      utimesSync(file, now, now);
      return bytes;
    } catch {
      return undefined;
    }
  }

  keep(packed: Uint8Array, unpacked: Uint8Array): void {
    try {
      replaceFile(this.#fileOf(packed), unpacked);
      const files = readdirSync(this.#path).map((name) => join(this.#path, name));
      const ages = new Map(files.map((file) => [file, statSync(file).mtimeMs]));
      files.sort((a, b) => (ages.get(b) ?? 0) - (ages.get(a) ?? 0));
      for (const file of files.slice(mostKernels)) rmSync(file, { force: true });
    } catch {
      // The next run unpacks it again.
    }
  }

  #fileOf(packed: Uint8Array): string {
    return join(this.#path, sha256(packed).toString('hex'));
  }
}
