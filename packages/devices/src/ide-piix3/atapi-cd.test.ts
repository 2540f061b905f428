import { describe, expect, it } from 'vitest';
import { IdeRig, TestDisk } from './test-rig.ts';

function cd(storage: TestDisk | undefined = new TestDisk(0x2_0000)) {
  const rig = new IdeRig([{ kind: 'cdrom', ...(storage === undefined ? {} : { storage }) }]);
  rig.task(0, 0, 0, 0, 0, 0xa0);
  const sense = (): number[] => {
    rig.packet([0x03, 0, 0, 0, 18]);
    const bytes = rig.read(18);
    return [bytes[2] ?? 0, bytes[12] ?? 0, bytes[13] ?? 0];
  };
  return { rig, storage, sense };
}

const ready = 0x50;

describe('a CD drive', () => {
  it('shows a signature, and identifies itself as a packet device', () => {
    const { rig } = cd();
    expect([rig.register(4), rig.register(5), rig.status]).toEqual([0x00, 0x00, 0]);
    rig.command(0xec);
    expect([rig.register(4), rig.register(5), rig.status]).toEqual([0x14, 0xeb, 0x51]);
    rig.command(0xa1);
    expect(new Uint16Array(rig.read(512).buffer)[0]).toBe(0x85c0);
    expect([rig.status, rig.irqs[0].rises]).toEqual([ready, 2]);
  });

  it('asks for the packet, then says how many bytes come, then that it is done', () => {
    const { rig } = cd();
    rig.task(0, 0, 0, 0xfe, 0xff, 0xa0);
    rig.command(0xa0);
    expect([rig.status, rig.register(2)]).toEqual([0x58, 1]);
    rig.send(Uint8Array.of(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    expect([rig.status, rig.register(2), rig.register(4), rig.register(5)]).toEqual([
      0x58, 2, 8, 0,
    ]);
    expect([...rig.read(8)]).toEqual([0, 0, 0, 63, 0, 0, 8, 0]);
    expect([rig.status, rig.register(2)]).toEqual([ready, 3]);
  });

  it('reads sectors by PIO in pieces that the host sets', () => {
    const { rig, storage } = cd();
    rig.packet([0x28, 0, 0, 0, 0, 7, 0, 0, 2], false, 1000);
    const parts: Uint8Array[] = [];
    while ((rig.status & 8) !== 0) parts.push(rig.read(rig.register(4) | (rig.register(5) << 8)));
    expect(parts.map(({ length }) => length)).toEqual([1000, 1000, 48, 1000, 1000, 48]);
    expect(Buffer.concat(parts)).toEqual(
      Buffer.from(storage?.content.subarray(14336, 18432) ?? []),
    );
  });

  it('reads sectors by DMA', () => {
    const { rig, storage } = cd();
    rig.packet([0xa8, 0, 0, 0, 0, 1, 0, 0, 0, 40], true);
    rig.startMaster([[0x1_0000, 0], [0x2_0000, 40 * 2048 - 0x1_0000]], true); // prettier-ignore
    expect([rig.status, rig.register(2), rig.masterStatus]).toEqual([ready, 3, 4]);
    const read = rig.memory.bytes.subarray(0x1_0000, 0x1_0000 + 40 * 2048);
    expect(read).toEqual(storage?.content.subarray(2048, 41 * 2048));
  });

  it('explains what failed, once', () => {
    const { rig, sense } = cd();
    rig.packet([0x28, 0, 0, 0, 0, 64, 0, 0, 1]);
    expect([rig.status, rig.register(1)]).toEqual([0x51, 0x54]);
    expect([sense(), sense()]).toEqual([[5, 0x21, 0], [0, 0, 0]]); // prettier-ignore
    rig.packet([0xff]);
    expect(sense()).toEqual([5, 0x20, 0]);
  });

  it('has no medium, gets one, tells that it is new, and then reads it', () => {
    const rig = new IdeRig([{ kind: 'cdrom' }]);
    rig.packet([0x00]);
    expect([rig.status, rig.register(1)]).toEqual([0x51, 0x24]);
    rig.ide.changeMedium(0, new TestDisk(0x1000));
    rig.packet([0x00]);
    expect(rig.register(1)).toBe(0x64);
    rig.packet([0x00]);
    expect(rig.status).toBe(ready);
  });

  it('keeps its tray shut while the host has locked it', () => {
    const { rig, sense } = cd();
    rig.packet([0x1e, 0, 0, 0, 1]);
    rig.packet([0x1b, 0, 0, 0, 2]);
    expect(sense()).toEqual([5, 0x53, 2]);
    rig.packet([0x1e, 0, 0, 0, 0]);
    rig.packet([0x1b, 0, 0, 0, 2]);
    rig.packet([0x00]);
    expect(sense()).toEqual([2, 0x3a, 2]);
    rig.packet([0x1b, 0, 0, 0, 3]);
    rig.packet([0x00]);
    expect(sense()).toEqual([6, 0x28, 0]);
  });

  it.each<[string, readonly number[], readonly number[]]>([
    ['INQUIRY', [0x12, 0, 0, 0, 6], [0x05, 0x80, 0, 0x21, 31, 0]],
    ['READ TOC', [0x43, 0, 0, 0, 0, 0, 0, 0, 12], [0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0]],
    [
      'READ TOC in minutes',
      [0x43, 2, 0, 0, 0, 0, 0xaa, 0, 12],
      [0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 2, 64],
    ],
    ['MODE SENSE', [0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 10], [0, 26, 0, 0, 0, 0, 0, 0, 0x2a, 18]],
    ['GET CONFIGURATION', [0x46, 0, 0, 0, 0, 0, 0, 0, 8], [0, 0, 0, 40, 0, 0, 0, 8]],
    ['GET EVENT STATUS', [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8], [0, 4, 4, 0x10, 0, 2, 0, 0]],
  ])('answers %s within the space of the host', (_name, packet, reply) => {
    const { rig } = cd();
    rig.packet(packet);
    expect(rig.register(4)).toBe(reply.length);
    expect([...rig.read(reply.length)]).toEqual(reply);
    expect(rig.status).toBe(ready);
  });
});
