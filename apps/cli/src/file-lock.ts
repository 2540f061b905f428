/**
 * Locks on files that are written, so that two machines never write to one disk image.
 *
 * A lock is a file in a folder of the user, named by device and inode, so that another path to an
 * image finds it too. It holds who has the image: the process, and when that was started, as
 * process numbers are used again. A lock whose process is gone is nobody's.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DiskError } from '@ringfence/disk';

/** Attempts at taking a lock that others give up at the same time. */
const TRIES = 3;

/** A file as the system knows it. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/**
 * Takes the lock of a file; returns what gives it up. Throws DiskError if another has it. Where no
 * lock can be written (no such folder, no room) there is none.
 */
export function lockFile(path: string, { dev, ino }: FileIdentity): () => void {
  const lock = join(lockFolder(), `${dev}-${ino}`);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const fault = takeLock(lock);
    if (fault === undefined) return () => rmSync(lock, { force: true });
    if (fault !== 'EEXIST') return () => {};
    const holder = holderOf(lock);
    if (holder !== undefined) {
      const who = holder === process.pid ? 'this machine' : `process ${holder}`;
      throw new DiskError('io', `${path}: is written by ${who}; readonly=on reads it beside that`);
    }
    rmSync(lock, { force: true });
  }
  throw new DiskError('io', `${path}: is being opened by others`);
}

/** Writes a lock whole or not at all; returns the code of what went wrong. */
function takeLock(lock: string): string | undefined {
  const part = `${lock}.${process.pid}`;
  try {
    mkdirSync(dirname(lock), { recursive: true, mode: 0o700 });
    writeFileSync(part, `${process.pid} ${startOf(process.pid)}`);
    linkSync(part, lock);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  } finally {
    rmSync(part, { force: true });
  }
}

function lockFolder(): string {
  const user = process.getuid?.() ?? 'user';
  return join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), `ringfence-locks-${user}`);
}

/** The living process that a lock names. */
function holderOf(lock: string): number | undefined {
  const [pid = 0, start = ''] = readText(lock).split(' ');
  const isAlive = Number(pid) > 0 && startOf(Number(pid)) === start && isRunning(Number(pid));
  return isAlive ? Number(pid) : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process cannot be asked, but is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When a process was started, as /proc tells it (proc(5), "stat", field 22); '-' elsewhere. */
function startOf(pid: number): string {
  const text = readText(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
