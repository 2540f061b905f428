/**
 * The machine's own apt-get with state and cache folders of our own.
 *
 * apt then looks packages up in the sources that the machine already trusts, checks signatures and
 * checksums as always, and needs no root and changes nothing of the system: a configuration file
 * given with `-c` is read after the system's (apt-get(8)) and moves every folder that apt writes.
 * The hooks of the system (`APT::Update::Post-Invoke`) are cleared, since they would act on the
 * system's folders.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GuestError } from './guest-error.ts';
import { type Finished, run } from './process.ts';

/** Told what is going on, one short sentence at a time; `percent` of the present step if known. */
export type Progress = (message: string, percent?: number) => void;

/**
 * Tries at getting the package lists; a suite's index may be half-way through a mirror's update.
 */
const UPDATE_TRIES = 3;
const DOWNLOAD_TRIES = 3;

/** A package as apt's lists describe it. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  /** Size of the .deb file in bytes. */
  readonly size: number;
  /** The names of the packages that it depends on, alternatives and versions left out. */
  readonly depends: readonly string[];
}

/** An apt of our own for the i386 architecture, in one folder. */
export class PrivateApt {
  readonly #folder: string;
  readonly #progress: Progress;
  #lastUpdate: Finished | undefined;

  constructor(folder: string, progress: Progress = () => {}) {
    this.#folder = folder;
    this.#progress = progress;
  }

  /**
   * Gets the package lists until the named packages are found; throws GuestError if they are not.
   */
  async update(names: readonly string[]): Promise<void> {
    await this.#prepare();
    for (let attempt = 1; ; attempt++) {
      this.#progress('fetching package lists');
      this.#lastUpdate = await this.#apt('apt-get', ['update']);
      if (this.#lastUpdate.status === 127) {
        throw new GuestError('no-apt', 'there is no apt-get on this machine');
      }
      const missing = await this.#missing(names);
      if (missing.length === 0) return;
      const isHopeless = this.#lastUpdate.status === 0 || !hasReached(this.#lastUpdate);
      if (attempt === UPDATE_TRIES || isHopeless) throw this.#notFound(missing);
      await new Promise((resolve) => setTimeout(resolve, 1000 * attempt));
    }
  }

  /** The candidate version of a package, or undefined if no list has it. */
  async show(name: string): Promise<PackageRecord | undefined> {
    const { status, stdout } = await this.#apt('apt-cache', ['show', '--no-all-versions', name]);
    return status === 0 ? parseRecord(stdout) : undefined;
  }

  /** Downloads one package into a folder and gives the path of the .deb file. */
  async download(name: string, into: string): Promise<string> {
    const record = await this.show(name);
    if (record === undefined) throw this.#notFound([name]);
    const what = `downloading ${name} ${record.version} (${(record.size / 1e6).toFixed(1)} MB)`;
    await mkdir(into, { recursive: true });
    for (let attempt = 1; ; attempt++) {
      this.#progress(what, 0);
      const done = await this.#apt('apt-get', ['-o', 'APT::Status-Fd=3', 'download', name], {
        cwd: into,
        onStatus: (line) => {
          const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
          if (percent !== undefined) this.#progress(what, Number(percent));
        },
      });
      const file = (await readdir(into)).find(
        (entry) => entry.startsWith(`${name}_`) && entry.endsWith('.deb'),
      );
      if (done.status === 0 && file !== undefined) {
        this.#progress(what, 100);
        return join(into, file);
      }
      if (attempt === DOWNLOAD_TRIES) {
        throw new GuestError('download', `${name} could not be downloaded`, done.stderr);
      }
    }
  }

  #notFound(names: readonly string[]): GuestError {
    const update = this.#lastUpdate;
    const words = update === undefined ? '' : update.stdout + update.stderr;
    return update === undefined || hasReached(update)
      ? new GuestError('no-package', `apt's sources have no ${names.join(', ')} for i386`, words)
      : new GuestError('download', 'apt could not reach its package sources', words);
  }

  async #missing(names: readonly string[]): Promise<string[]> {
    const found = await Promise.all(names.map((name) => this.show(name)));
    return names.filter((_, index) => found[index] === undefined);
  }

  async #prepare(): Promise<void> {
    await mkdir(join(this.#folder, 'state/lists/partial'), { recursive: true });
    await mkdir(join(this.#folder, 'cache/archives/partial'), { recursive: true });
    await writeFile(join(this.#folder, 'state/status'), '');
    await writeFile(join(this.#folder, 'apt.conf'), aptConfiguration(this.#folder));
  }

  #apt(
    program: string,
    args: readonly string[],
    options: { cwd?: string; onStatus?: (line: string) => void } = {},
  ): Promise<Finished> {
    const env = { ...process.env, LC_ALL: 'C.UTF-8' };
    return run(program, ['-c', join(this.#folder, 'apt.conf'), ...args], { ...options, env });
  }
}

/** Whether `apt-get update` got anything from any source. */
function hasReached({ stdout }: Finished): boolean {
  return /^(Get|Hit):/m.test(stdout);
}

/** The configuration that moves apt's folders below `folder` and asks for i386. apt.conf(5). */
export function aptConfiguration(folder: string): string {
  const quote = (text: string): string => `"${text.replaceAll('"', '%22')}"`;
  return `#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "i386";
APT::Architectures { "i386"; };
APT::Sandbox::User "root";
Dir::State ${quote(`${folder}/state`)};
Dir::State::status ${quote(`${folder}/state/status`)};
Dir::Cache ${quote(`${folder}/cache`)};
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Acquire::Languages "none";
`;
}

/** Reads the first record that `apt-cache show` prints, or undefined if it is none. */
export function parseRecord(text: string): PackageRecord | undefined {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(text.split('\n\n')[0] ?? '')?.[1];
  const name = field('Package');
  const version = field('Version');
  if (name === undefined || version === undefined) return undefined;
  const depends = (field('Depends') ?? '')
    .split(',')
    .map((clause) => clause.trim().split(/[ (|:]/)[0] ?? '')
    .filter((dependency) => dependency !== '');
  return { name, version, size: Number(field('Size') ?? 0), depends };
}
