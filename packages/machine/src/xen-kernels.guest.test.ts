/**
 * Kernels for Xen from Debian's packages, unmodified: GRUB as a paravirtual and as a PVH guest, and
 * GNU Mach.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { Disk, MemoryStore, RawImage } from '@ringfence/disk';
import { debianPackage } from '@ringfence/guest';
import type { CallRecord } from '@ringfence/hypercall';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import type { Machine, SerialPort } from './api.ts';
import { createMachine } from './machine.ts';
import type { HostServices, MachineOptions } from './options/machine-options.ts';

const mebibyte = 0x10_0000;
const waitMs = 120_000;
const accels = ['interpreter', 'translator'] as const;
const folder = mkdtempSync(join(tmpdir(), 'ringfence-xen-'));

const host: HostServices = {
  monotonicMs: () => performance.now(),
  unixTimeMs: () => Date.now(),
  setTimer: (callback, delayMs) => {
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return () => {
        clearImmediate(immediate);
      };
    }
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

let machine: Machine | undefined;
afterEach(() => {
  machine?.dispose();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const fileOf = async (name: string, path: string): Promise<Uint8Array> =>
  new Uint8Array(readFileSync(join(await debianPackage(name), path)));
const grub = (name: string): Promise<Uint8Array> =>
  fileOf('grub-xen-host', `usr/lib/grub-xen/${name}`);
const gnuMach = (): Promise<Uint8Array> =>
  fileOf('gnumach-image-1.8-xen-486', 'boot/gnumach-1.8-xen-486.gz');

/** A disk with an ext2 file system that holds the given files; mke2fs makes it. */
function diskWith(files: Readonly<Record<string, Uint8Array>>): Disk {
  const root = mkdtempSync(join(folder, 'root-'));
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(root, name), bytes);
  }
  const image = join(folder, 'disk.img');
  rmSync(image, { force: true });
  execFileSync('mke2fs', ['-q', '-t', 'ext2', '-d', root, image, '16M']);
  const contents = new Uint8Array(readFileSync(image));
  return new Disk(new RawImage(new MemoryStore({ contents })));
}

async function start(kernel: Uint8Array, options: Partial<MachineOptions> = {}) {
  const made = await createMachine({
    memoryBytes: 128 * mebibyte,
    host,
    noReboot: true,
    boot: { kind: 'kernel', kernel },
    ...options,
  });
  machine = made;
  const port = made.serial[0];
  if (port === undefined) throw new Error('no console');
  return { made, port, ended: made.start() };
}

/** Types a command at GRUB's prompt and waits for what it should say. */
async function say(port: SerialPort, command: string, answer: RegExp): Promise<void> {
  port.write(`${command}\r`);
  await port.expect(answer, waitMs);
}

describe.each(accels)('GRUB (%s)', (accel) => {
  it.each(['grub-i386-xen.bin', 'grub-i386-xen_pvh.bin'])(
    '%s lists a paravirtual disk and reads a file from its ext2 file system',
    async (name) => {
      const storage = diskWith({ 'hello.txt': new TextEncoder().encode('hello from ext2\n') });
      const drives = [{ interface: 'xen', kind: 'disk', unit: 0, storage }] as const;
      const { port } = await start(await grub(name), { accel, drives });
      await port.expect(/grub> /, waitMs);
      await say(port, 'ls', /\(xen\/xvda\)/);
      await say(port, 'ls (xen/xvda)/', /lost\+found\/[^]*hello\.txt/);
      await say(port, 'cat (xen/xvda)/hello.txt', /hello from ext2/);
    },
  );

  it('as a paravirtual guest loads another paravirtual kernel and starts it', async () => {
    const storage = diskWith({ mach: new Uint8Array(gunzipSync(await gnuMach())) });
    const drives = [{ interface: 'xen', kind: 'disk', unit: 0, storage }] as const;
    const { port, ended } = await start(await grub('grub-i386-xen.bin'), { accel, drives });
    await port.expect(/grub> /, waitMs);
    await say(port, 'linux (xen/xvda)/mach', /grub> /);
    port.write('boot\r');
    // GNU Mach finds no boot modules and stops itself.
    expect(await ended).toEqual({ reason: 'poweroff' });
  });
});

describe.each(accels)('GNU Mach (%s)', (accel) => {
  it('makes the calls that were counted on Xen and stops itself in order', async () => {
    const { made, ended } = await start(await gnuMach(), { accel });
    const calls: CallRecord[] = [];
    made.on('hypercall', (record) => calls.push(record));
    expect(await ended).toEqual({ reason: 'poweroff' });
    const count = (name: string): number => calls.filter((call) => call.name === name).length;
    expect(calls.filter((call) => call.result < 0)).toEqual([]);
    expect(
      ['set_trap_table', 'set_gdt', 'stack_switch', 'set_callbacks', 'sched_op_compat'].map(count),
    ).toEqual([1, 1, 1, 1, 1]);
    expect(['update_descriptor', 'memory_op', 'vm_assist'].map(count)).toEqual([4, 8, 2]);
    expect(count('mmu_update')).toBeGreaterThan(100);
  });
});
