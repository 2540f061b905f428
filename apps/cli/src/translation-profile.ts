/**
 * The file of `--translation-profile`: what earlier runs translated, so that this one has it
 * translated sooner. Without the option it is one file for all guests, in the user's cache folder.
 * Where that cannot be read or written nobody is bothered: it makes a run faster and no more.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine, Settings } from '@ringfence/machine';
import { fileFault } from './boot-files.ts';
import { cacheFolder } from './cache-folder.ts';
import { replaceFile } from './replace-file.ts';
import { UsageError } from './usage-error.ts';

const optionName = '--translation-profile';

/** Path of the file where the option does not name one. */
export function defaultProfilePath(): string {
  return join(cacheFolder(), 'translation-profile');
}

/** The profile file of one run. */
export class ProfileFile {
  readonly #path: string | undefined;
  readonly #isNamed: boolean;

  /** `otherwise`: the path where settings name none, undefined for no file. */
  constructor({ translationProfile: named }: Settings, otherwise: string | undefined) {
    this.#isNamed = named !== undefined;
    const path = named ?? otherwise;
    this.#path = path === 'none' ? undefined : path;
  }

  /** Path of the file of compiled modules that goes with it, undefined if there is none. */
  get modulesPath(): string | undefined {
    return this.#path === undefined ? undefined : `${this.#path}.code`;
  }

  /**
   * What earlier runs left, no bytes if there were none, undefined if nothing is to be remembered.
   *
   * @throws UsageError if a file that was named cannot be read.
   */
  read(): Uint8Array | undefined {
    if (this.#path === undefined) return undefined;
    try {
      return readFileSync(this.#path);
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (isMissing || !this.#isNamed) return new Uint8Array();
      throw new UsageError(`option ${optionName}: ${this.#path}: ${fileFault(error)}`);
    }
  }

  /** Leaves what later runs need, all or nothing of it; returns what is wrong with a named file. */
  write(machine: Pick<Machine, 'translationProfile'>): string | undefined {
    const path = this.#path;
    const bytes = path === undefined ? undefined : machine.translationProfile();
    if (path === undefined || bytes === undefined) return undefined;
    try {
      replaceFile(path, bytes);
      return undefined;
    } catch (error) {
      return this.#isNamed ? `option ${optionName}: ${path}: ${fileFault(error)}` : undefined;
    }
  }
}
