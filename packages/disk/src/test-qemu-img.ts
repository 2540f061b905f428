/** QEMU's own tool as a second opinion, and stores over files for it to look at. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteStore } from './byte-store.ts';

/** A folder for the images of one test file. */
export function imageFolder(): string {
  return mkdtempSync(join(tmpdir(), 'ringfence-disk-'));
}

/** A store over a file, which is made if it is not there. */
export function fileStore(path: string, readOnly = false): ByteStore {
  const file = openSync(path, readOnly ? 'r' : 'a+');
  closeSync(file);
  const handle = openSync(path, readOnly ? 'r' : 'r+');
  return {
    name: path,
    readOnly,
    get size() {
      return fstatSync(handle).size;
    },
    read(offset, target) {
      let done = 0;
      for (let got = 1; got > 0 && done < target.length; done += got) {
        got = readSync(handle, target, done, target.length - done, offset + done);
      }
      target.fill(0, done);
      return undefined;
    },
    write(offset, source) {
      writeSync(handle, source, 0, source.length, offset);
      return undefined;
    },
    flush() {
      fsyncSync(handle);
      return undefined;
    },
    close: () => undefined,
  };
}

/** Runs qemu-img (Debian's package qemu-utils) and returns what it prints. */
export function qemuImg(...args: readonly string[]): string {
  return execFileSync('qemu-img', [...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs `qemu-img check` and returns its status and words; status 0 is a sound image. */
export function qemuCheck(path: string): { status: number | null; words: string } {
  const { status, stdout, stderr } = spawnSync('qemu-img', ['check', path], { encoding: 'utf8' });
  return { status, words: stdout + stderr };
}

/** Whether the tool is there; with `CI` set it must be. */
export const hasQemuImg: boolean =
  process.env['CI'] !== undefined || spawnSync('qemu-img', ['--version']).status === 0;
