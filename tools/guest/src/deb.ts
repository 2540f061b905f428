import { GuestError } from './guest-error.ts';
import { run } from './process.ts';

/** Unpacks the files of a .deb package into a folder with dpkg-deb, which every apt machine has. */
export async function unpackDeb(file: string, into: string): Promise<void> {
  const done = await run('dpkg-deb', ['-x', file, into]);
  if (done.status === 127) throw new GuestError('no-dpkg', 'there is no dpkg-deb on this machine');
  if (done.status !== 0) {
    throw new GuestError('contents', `${file} could not be unpacked`, done.stderr);
  }
}
