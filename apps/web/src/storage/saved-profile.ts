/**
 * The translation profile in the browser's own file system: what earlier machines of this origin
 * translated, so that the next one has it translated sooner. Where the browser keeps no files
 * nobody is bothered: a profile makes a machine faster and no more.
 */
import type { Settings } from '@ringfence/machine';

import { fileNameOf, OriginFolder } from './origin-folder.ts';

const folder = new OriginFolder('ringfence-profiles');

/** Where a machine's profile is kept. */
export interface SavedProfile {
  /** What earlier machines left; no bytes if there were none. */
  read(): Promise<Uint8Array>;
  /** Leaves what later machines need, all or nothing of it. */
  write(bytes: Uint8Array): Promise<void>;
}

/** The profile that settings name; undefined for `none`. All guests share one if none is named. */
export function savedProfile({ translationProfile: named }: Settings): SavedProfile | undefined {
  if (named === 'none') return undefined;
  const name = fileNameOf(named ?? 'default');
  return {
    async read() {
      try {
        return new Uint8Array(await (await folder.file(name)).arrayBuffer());
      } catch {
        return new Uint8Array();
      }
    },
    async write(bytes) {
      try {
        await folder.write(name, bytes.slice());
      } catch {
        // The next machine begins with what was kept before.
      }
    },
  };
}
