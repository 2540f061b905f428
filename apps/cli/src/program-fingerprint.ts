/**
 * A number that stands for the code of this program, and for the engine that it asks what there is:
 * what one version made of guest code is of no use to another.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedDataVersionTag } from 'node:v8';

/** The files that all of the program is in, once it is built; the first has all but libraries. */
const bundle = /^main(-.*)?\.js$/;

/** Packages whose code is looked for in what is installed. */
const ownScope = '@ringfence/';

/**
 * The SHA-256 of V8's version and flags and of this program's bundle. Where it runs in pieces, as
 * in development: of where each of its files is and when it was written, and of those of the
 * packages of this project that it depends on, which takes a quarter of the time that their
 * contents take. Undefined where a file cannot be looked at.
 */
export function programFingerprint(): Uint8Array | undefined {
  const file = fileURLToPath(import.meta.url);
  try {
    const hash = createHash('sha256').update(String(cachedDataVersionTag()));
    const isBundled = bundle.test(basename(file));
    hash.update(isBundled ? bundleIn(dirname(file)) : fingerprintOf(foldersFrom(file)));
    return hash.digest();
  } catch {
    return undefined;
  }
}

/** The bytes of a bundle. */
function bundleIn(folder: string): Buffer {
  const names = readdirSync(folder).filter((name) => bundle.test(name));
  return Buffer.concat(names.sort().map((name) => readFileSync(join(folder, name))));
}

/** Stands for the code in some folders: each write to a file of it changes it. */
export function fingerprintOf(folders: Iterable<string>): Uint8Array {
  const hash = createHash('sha256');
  for (const folder of folders) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      if (!isCode(name)) continue;
      const path = join(folder, name);
      // As Git tells that a file is as it was: the time of its last change cannot be set.
      const { ino, size, mtimeMs, ctimeMs } = statSync(path);
      hash.update(`${path}\0${[ino, size, mtimeMs, ctimeMs].join()}\0`);
    }
  }
  return hash.digest();
}

function isCode(name: string): boolean {
  return ['.js', '.ts'].includes(extname(name)) && !/\.(d|test|bench)\.ts$/.test(name);
}

/** The folder of a file, and those of the project's packages that its package depends on. */
function foldersFrom(file: string): Set<string> {
  const folders = new Set([dirname(file)]);
  for (const folder of folders) {
    const manifest = join(folder, '..', 'package.json');
    const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    const { resolve } = createRequire(manifest);
    for (const name of Object.keys(dependencies)) {
      if (name.startsWith(ownScope)) folders.add(dirname(resolve(name)));
    }
  }
  return folders;
}
