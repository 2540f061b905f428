import { PassThrough } from 'node:stream';
import { type Machine, type MachineOptions, MachineError } from '@ringfence/machine';
import { type DebianGuest, GuestError } from '@ringfence/guest';
import { expect, it } from 'vitest';
import { start } from './start.ts';

/** Runs `start` with a fetch of the test's own; the machine is asked for and refused. */
async function started(args: readonly string[], fetchGuest: () => Promise<DebianGuest>) {
  let stderr = '';
  let stdout = '';
  const asked: MachineOptions[] = [];
  const stdin = new PassThrough();
  const status = await start(args, {
    stdin,
    fetchGuest,
    run: {
      streams: {
        stdin,
        stdout: { write: (text) => (stdout += String(text)) },
        stderr: { write: (text) => (stderr += String(text)) },
      },
      createMachine: (options): Machine => {
        asked.push(options);
        const facts = { where: 'test', expected: 'nothing', found: 'a machine' };
        throw new MachineError('unsupported', facts);
      },
      onSignal: () => () => {},
    },
  });
  return { status, stdout, stderr, options: asked[0] };
}

const files: DebianGuest = {
  kernel: new URL(import.meta.url).pathname,
  initrd: new URL(import.meta.url).pathname,
  busybox: '',
  kernelPackage: 'linux-image-6.1.0-0-686',
  kernelVersion: '6.1.1-1',
  busyboxVersion: '1',
};
const noApt = () => Promise.reject(new GuestError('no-apt', 'there is no apt-get'));

it('boots the kernel that was fetched, with its console on the serial line', async () => {
  const { options, stderr } = await started([], () => Promise.resolve(files));
  expect(options?.boot).toMatchObject({
    kind: 'kernel',
    commandLine: 'console=ttyS0 cryptomgr.notests',
  });
  expect(stderr).toContain("booting Debian's linux-image-6.1.0-0-686 6.1.1-1\n");
});

it('says in one line why the built-in guest runs where nothing can be fetched', async () => {
  const { options, stderr } = await started([], noApt);
  expect(options?.boot).toEqual({ kind: 'built-in' });
  expect(stderr.split('\n')[0]).toBe(
    "Debian's kernel cannot be had (there is no apt-get): the built-in guest runs instead",
  );
});

it('fetches nothing for the built-in guest', async () => {
  const fetchGuest = () => Promise.reject(new Error('fetched'));
  expect((await started(['--built-in'], fetchGuest)).options?.boot).toEqual({ kind: 'built-in' });
});

it('hides no mistake of its own behind the built-in guest', async () => {
  await expect(started([], () => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
});

it('passes other options on to the machine', async () => {
  const { options } = await started(['--', '-m', '64M'], () => Promise.resolve(files));
  expect(options?.memoryBytes).toBe(64 * 2 ** 20);
});

it('prints its help and fetches nothing', async () => {
  const { status, stdout } = await started(['--help'], () => Promise.reject(new Error('fetched')));
  expect([status, stdout.split('\n')[0]]).toEqual([
    0,
    'usage: pnpm start [--pae] [--refresh] [--built-in] [OPTIONS]',
  ]);
});
