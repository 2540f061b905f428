/** Linux' sequential and random disk I/O over IDE, virtio-blk, blkfront and no device at all. */
import { readFileSync } from 'node:fs';
import { Disk, MemoryStore, RawImage } from '@ringfence/disk';
import { debianGuest } from '@ringfence/guest';
import { createMachine, type MachineOptions } from '@ringfence/machine';
import { deviceExitsOf, exitsOf, nodeHost, takeUse } from './measure.ts';
import { ioDiskBytes, ioPatterns, ioProgram } from './io-program.ts';

/** What one way to a disk took for one kind of I/O. */
export interface IoRow {
  readonly way: string;
  readonly what: string;
  readonly mebibytesPerSecond: number;
  readonly requestsPerSecond: number;
  readonly exitsPerRequest: number;
  /** Those at ports, and hypercalls; memory-mapped registers are not among them. */
  readonly deviceExitsPerRequest: number;
}

const virtioModules = ['virtio_pci', 'virtio_blk'];
/**
 * The ways, the names of their disks in the guest, and the modules that they need. The last is
 * Linux' own make-believe disk, which moves no bytes and knows no device: what the guest takes in
 * any case, so that no disk can be quicker. The program comes from a disk beside it.
 */
const ways = [
  { way: 'IDE DMA', bus: 'ide', disk: '/dev/sda', modules: ['ata_piix', 'sd_mod'] },
  { way: 'virtio-blk', bus: 'virtio', disk: '/dev/vda', modules: virtioModules },
  { way: 'blkfront', bus: 'xen', disk: '/dev/xvda', modules: ['xen-blkfront'] },
  {
    way: 'null_blk',
    bus: 'virtio',
    disk: '/dev/vda',
    measured: '/dev/nullb0',
    modules: [...virtioModules, 'null_blk'],
  },
] as const;

const directions = { r: 'read', w: 'write' } as const;
const orders = { s: '1 MiB sequential', r: '4 KiB random' } as const;
/** Kinds of I/O: the program's argument, what it is called, and what it does. */
const kinds = (['1', 'q'] as const).flatMap((queue) =>
  (['s', 'r'] as const).flatMap((order) =>
    (['r', 'w'] as const).map((direction) => {
      const pattern = ioPatterns[`${order}${queue}`];
      const name = `${directions[direction]} ${orders[order]} x ${String(pattern.depth)}`;
      return { argument: `${direction}${order}${queue}`, name, pattern };
    }),
  ),
);
const limitMs = 300_000;
const bootMegabytes = 256;
/** How often all is done before it counts, so that the guest's code is translated. */
const warmUps = 4;

/** Measures every way, each in a guest of its own, `rounds` times each kind; the best counts. */
export async function measureBlockIo(
  rounds: number,
  say: (line: string) => void,
): Promise<readonly IoRow[]> {
  const rows: IoRow[] = [];
  for (const { way, bus, disk, modules, ...other } of ways) {
    const device = 'measured' in other ? other.measured : disk;
    const guest = await debianGuest({ flavour: '686-pae', modules: [...modules] });
    const contents = new Uint8Array(ioDiskBytes);
    contents.set(ioProgram());
    const storage = new Disk(new RawImage(new MemoryStore({ contents })));
    const isXen = bus === 'xen';
    const options: MachineOptions = {
      memoryBytes: bootMegabytes << 20,
      host: nodeHost,
      ...(isXen ? { machine: 'pvh' as const } : {}),
      boot: {
        kind: 'kernel',
        kernel: new Uint8Array(readFileSync(guest.kernel)),
        initrd: new Uint8Array(readFileSync(guest.initrd)),
        commandLine: `console=${isXen ? 'hvc0' : 'ttyS0'} quiet cryptomgr.notests`,
      },
      drives: [{ interface: bus, kind: 'disk', unit: 0, storage }],
    };
    const machine = await createMachine(options);
    const port = machine.serial[0];
    if (port === undefined) throw new Error('the machine has no serial port');
    void machine.start();
    await port.expect(/# /, limitMs);
    const run = async (command: string): Promise<void> => {
      port.write(`${command}; echo DONE-$?\r`);
      const [, status] = await port.expect(/DONE-(\d+)\r?\n[^]*# /, limitMs);
      if (status !== '0') throw new Error(`${way}: ${command}: status ${String(status)}`);
    };
    await run(`dd if=${disk} of=/tmp/io bs=4096 count=1 2>/dev/null && chmod +x /tmp/io`);
    for (let round = 0; round < warmUps; round++) {
      for (const { argument } of kinds) await run(`/tmp/io ${device} ${argument}`);
    }
    for (const { argument, name: what, pattern } of kinds) {
      let best: IoRow | undefined;
      for (let round = 0; round < rounds; round++) {
        const before = takeUse(machine);
        await run(`/tmp/io ${device} ${argument}`);
        const after = takeUse(machine);
        const seconds = after.seconds - before.seconds;
        const exits = exitsOf(after) - exitsOf(before);
        const deviceExits = deviceExitsOf(after) - deviceExitsOf(before);
        const requestsPerSecond = pattern.requests / seconds;
        const row: IoRow = {
          way,
          what,
          mebibytesPerSecond: (requestsPerSecond * pattern.bytes) / 2 ** 20,
          requestsPerSecond,
          exitsPerRequest: exits / pattern.requests,
          deviceExitsPerRequest: deviceExits / pattern.requests,
        };
        if (best === undefined || requestsPerSecond > best.requestsPerSecond) best = row;
      }
      if (best === undefined) continue;
      rows.push(best);
      say(`${way}: ${what} ${best.mebibytesPerSecond.toFixed(1)} MiB/s`);
    }
    machine.dispose();
  }
  return rows;
}
