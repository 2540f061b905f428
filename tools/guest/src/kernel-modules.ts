/**
 * Modules of Debian's kernels: fetched once, kept with all that they depend on.
 *
 * Cache folder: `guest/modules-FLAVOUR-HASH/`, named by kernel and names, holds `order.json` (names
 * in the order in which they must be inserted) and `NAME.ko`, unpacked where the package has them
 * compressed. What a module depends on stands in the module itself (`modinfo`, field `depends`), so
 * that no depmod is needed.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PrivateApt, type Progress } from './apt.ts';
import { unpackDeb } from './deb.ts';
import { GuestError } from './guest-error.ts';
import { run } from './process.ts';

/** A kernel module as the initramfs holds it. */
export interface KernelModule {
  /** Its file name without `.ko`. */
  readonly name: string;
  readonly contents: Uint8Array;
}

/** The most modules that a set of names may pull in. */
const MOST_MODULES = 200;

/** Which modules of which kernel, and where the cache is. */
export interface KernelModuleOptions {
  /** The guest part of the cache folder. */
  readonly root: string;
  /** The package that holds the kernel, such as `linux-image-6.1.0-44-686`. */
  readonly kernelPackage: string;
  /** Names of modules; those that are built into the kernel are passed over. */
  readonly names: readonly string[];
  readonly progress?: Progress;
}

/**
 * Gives modules and what they depend on, in the order in which they must be inserted.
 *
 * @throws GuestError when they cannot be had, or there is no module of a name.
 */
export async function kernelModules(options: KernelModuleOptions): Promise<KernelModule[]> {
  const { root, kernelPackage, names } = options;
  const wanted = names.map(canonical);
  const hash = createHash('sha256')
    .update([kernelPackage, ...wanted].join('\n'))
    .digest('hex')
    .slice(0, 16);
  const folder = join(root, `modules-${hash}`);
  if (!(await exists(join(folder, 'order.json')))) await fetchModules(options, wanted, folder);
  const order = JSON.parse(await readFile(join(folder, 'order.json'), 'utf8')) as string[];
  return Promise.all(
    order.map(async (name) => ({ name, contents: await readFile(join(folder, `${name}.ko`)) })),
  );
}

async function fetchModules(
  { root, kernelPackage, progress = () => {} }: KernelModuleOptions,
  wanted: readonly string[],
  folder: string,
): Promise<void> {
  await mkdir(root, { recursive: true });
  const work = await mkdtemp(join(root, 'fetch-modules-'));
  try {
    const apt = new PrivateApt(join(root, 'apt'), progress);
    await apt.update([kernelPackage]);
    const deb = await apt.download(kernelPackage, work);
    progress(`unpacking ${basename(deb)}`);
    const tree = join(work, 'tree');
    await unpackDeb(deb, tree);
    const ready = join(work, 'ready');
    await mkdir(ready);
    const order = await collect(tree, wanted, ready);
    await writeFile(join(ready, 'order.json'), JSON.stringify(order));
    // Another process may have been first; its modules are as good.
    await rename(ready, folder).catch(async (error: unknown) => {
      if (!(await exists(join(folder, 'order.json')))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Copies modules with what they depend on and returns their names in order of insertion. */
async function collect(tree: string, wanted: readonly string[], into: string): Promise<string[]> {
  const { files, builtIn } = await findModules(tree);
  const order: string[] = [];
  const visit = async (name: string): Promise<void> => {
    if (order.includes(name) || builtIn.has(name)) return;
    const file = files.get(name);
    if (file === undefined) throw new GuestError('contents', `the kernel has no module ${name}`);
    const contents = await readModule(file);
    for (const dependency of dependenciesOf(contents)) await visit(dependency);
    if (order.length === MOST_MODULES) {
      throw new GuestError('contents', `more than ${MOST_MODULES} modules are wanted`);
    }
    order.push(name);
    await writeFile(join(into, `${name}.ko`), contents);
  };
  for (const name of wanted) await visit(name);
  return order;
}

async function findModules(tree: string) {
  const files = new Map<string, string>();
  const builtIn = new Set<string>();
  const paths = await readdir(tree, { recursive: true });
  for (const path of paths) {
    const match = /^([^/]+)\.ko(\.xz)?$/.exec(basename(path));
    if (match?.[1] !== undefined) files.set(canonical(match[1]), join(tree, path));
    if (basename(path) === 'modules.builtin') {
      for (const line of (await readFile(join(tree, path), 'utf8')).split('\n')) {
        builtIn.add(canonical(basename(line, '.ko')));
      }
    }
  }
  return { files, builtIn };
}

async function readModule(file: string): Promise<Uint8Array> {
  if (file.endsWith('.ko')) return readFile(file);
  const done = await run('xz', ['--decompress', '--keep', file]);
  if (done.status !== 0) {
    throw new GuestError('contents', `${basename(file)} could not be unpacked`, done.stderr);
  }
  return readFile(file.slice(0, -'.xz'.length));
}

/** Returns what a module's own description says that it depends on. */
export function dependenciesOf(module: Uint8Array): string[] {
  const text = Buffer.from(module.buffer, module.byteOffset, module.length).toString('latin1');
  // A field of the section .modinfo: `name=value` between zero bytes.
  const list = /\0depends=([^\0]*)\0/.exec(text)?.[1] ?? '';
  return list
    .split(',')
    .filter((name) => name !== '')
    .map(canonical);
}

/** Modules are known with underscores, whatever their files are called. */
function canonical(name: string): string {
  return name.replaceAll('-', '_');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
