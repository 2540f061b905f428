/** PrivateApt and debianGuest with an apt and a dpkg-deb that do what a test says. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { debianGuest } from './debian.ts';
import { GuestError } from './guest-error.ts';

let folder = '';
const cache = (): string => join(folder, 'cache');

/** What `apt-cache show` says of the packages; the last argument is the package's name. */
const APT_CACHE = `
for name; do :; done
case "$name" in
  linux-image-686) echo "Package: $name
Version: 6.1-1
Depends: linux-image-6.1.0-1-686 (= 6.1-1)" ;;
  linux-image-6.1.0-1-686|busybox-static) echo "Package: $name
Version: 6.1-1
Size: 1000000" ;;
  *) exit 100 ;;
esac`;
const DOWNLOAD = 'touch "$name"_6.1-1_i386.deb; echo dlstatus:1:50.0:half >&3';
const aptGet = (update: string, download: string): string => `
for name; do :; done
echo "$name" >> ${join(folder, 'calls')}
if [ "$name" = update ]; then
${update}
else
${download}
fi`;
const DPKG_DEB = `
mkdir -p "$3/boot" "$3/bin"
echo kernel > "$3/boot/vmlinuz-6.1.0-1-686"
echo busybox > "$3/bin/busybox"`;

function programs(scripts: Readonly<Record<string, string>>): void {
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(folder, 'bin', name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
}

const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');

async function failure(promise: Promise<unknown>): Promise<GuestError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof GuestError) return error;
  throw error;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-apt-'));
  mkdirSync(join(folder, 'bin'));
  vi.stubEnv('PATH', `${join(folder, 'bin')}:/usr/bin:/bin`);
  programs({ 'apt-cache': APT_CACHE, 'dpkg-deb': DPKG_DEB });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('debianGuest', () => {
  it('gives the kernel that the meta-package asks for, and an initramfs', async () => {
    programs({ 'apt-get': aptGet('echo Get:1', DOWNLOAD) });
    const guest = await debianGuest({ cache: cache() });
    expect(guest.kernelPackage).toBe('linux-image-6.1.0-1-686');
    expect(readFileSync(guest.kernel, 'utf8')).toBe('kernel\n');
    expect(readFileSync(guest.initrd, 'latin1')).toContain('BOOT-OK');
  });

  it('asks apt no second time for what is in the cache, except to refresh it', async () => {
    programs({ 'apt-get': aptGet('echo Get:1', DOWNLOAD) });
    const first = await debianGuest({ cache: cache() });
    expect(await debianGuest({ cache: cache() })).toEqual(first);
    expect(calls()).toHaveLength(3);
    await debianGuest({ cache: cache(), refresh: true });
    expect(calls()).toHaveLength(6);
  });

  it('does not mind an index that fails as long as the packages are found', async () => {
    programs({ 'apt-get': aptGet('echo Get:1; echo E: index >&2; exit 100', DOWNLOAD) });
    expect((await debianGuest({ cache: cache() })).kernelVersion).toBe('6.1-1');
  });

  it('tries a download again', async () => {
    const failOnce = `if [ -e ${join(folder, 'tried')} ]; then ${DOWNLOAD}; else
      touch ${join(folder, 'tried')}; exit 100; fi`;
    programs({ 'apt-get': aptGet('echo Get:1', failOnce) });
    expect((await debianGuest({ cache: cache() })).kernelVersion).toBe('6.1-1');
    expect(calls()).toHaveLength(4);
  });

  it('shows progress of the download', async () => {
    programs({ 'apt-get': aptGet('echo Get:1', DOWNLOAD) });
    const seen: unknown[] = [];
    await debianGuest({ cache: cache(), progress: (...report) => seen.push(report) });
    expect(seen).toContainEqual(['fetching package lists']);
    expect(seen).toContainEqual(['downloading linux-image-6.1.0-1-686 6.1-1 (1.0 MB)', 50]);
  });
});

describe('debianGuest fails, and leaves nothing half done in the cache,', () => {
  const cases: [string, string, () => Record<string, string>][] = [
    [
      'no source is reached',
      'download',
      () => ({
        'apt-get': aptGet('echo Err:1; exit 100', 'true'),
        'apt-cache': 'exit 100',
      }),
    ],
    [
      'the sources have no such package',
      'no-package',
      () => ({
        'apt-get': aptGet('echo Get:1', 'true'),
        'apt-cache': 'exit 100',
      }),
    ],
    [
      'a download fails again and again',
      'download',
      () => ({
        'apt-get': aptGet('echo Get:1', 'exit 100'),
      }),
    ],
    [
      'a package is damaged',
      'contents',
      () => ({
        'apt-get': aptGet('echo Get:1', DOWNLOAD),
        'dpkg-deb': 'exit 2',
      }),
    ],
    [
      'a package holds no kernel',
      'contents',
      () => ({
        'apt-get': aptGet('echo Get:1', DOWNLOAD),
        'dpkg-deb': 'mkdir -p "$3/boot"',
      }),
    ],
  ];
  it.each(cases)('when %s', async (_when, code, scripts) => {
    programs(scripts());
    const error = await failure(debianGuest({ cache: cache() }));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('\n');
    expect(existsSync(join(cache(), 'guest/debian-686'))).toBe(false);
  });
});
