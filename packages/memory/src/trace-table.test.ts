import { describe, expect, it } from 'vitest';
import { Layout } from './layout.ts';
import { MachineMemory } from './machine-memory.ts';
import { TraceOwnerId, TraceTable } from './trace-table.ts';

interface Written {
  owner: number;
  physical: number;
  size: number;
}

function rig(): { machine: MachineMemory; traces: TraceTable; log: Written[]; protects: number[] } {
  const machine = new MachineMemory({ ramBytes: 1 << 20 });
  const traces = new TraceTable(machine);
  const log: Written[] = [];
  const protects: number[] = [];
  for (const owner of Object.values(TraceOwnerId)) {
    traces.setOwner(owner, {
      written: (physical, size) => void log.push({ owner, physical, size }),
    });
  }
  traces.addObserver({ protect: (page) => void protects.push(page) });
  return { machine, traces, log, protects };
}

/** The chunks 0..63 of a page that a write to `size` bytes at `offset` must be told for. */
function chunks(offset: number, size: number): number[] {
  const found: number[] = [];
  for (let chunk = 0; chunk < 64; chunk += 1) {
    if (offset < (chunk + 1) * 64 && offset + size > chunk * 64) found.push(chunk);
  }
  return found;
}

describe('TraceTable', () => {
  it('tells the owner of a written chunk, and no other owner', () => {
    const { traces, log } = rig();
    traces.addRange(TraceOwnerId.code, 5, 64, 1);
    traces.addRange(TraceOwnerId.pageTable, 5, 128, 1);
    traces.notify(0x5040, 4);
    expect(log).toEqual([{ owner: TraceOwnerId.code, physical: 0x5040, size: 4 }]);
  });

  it('tells all but the owner of code of a write that changes nothing', () => {
    const { traces, log } = rig();
    traces.addRange(TraceOwnerId.code, 5, 64, 1);
    traces.addRange(TraceOwnerId.device, 5, 64, 1);
    traces.notify(0x5040, 4, true);
    expect(log).toEqual([{ owner: TraceOwnerId.device, physical: 0x5040, size: 4 }]);
  });

  it('tells nobody of a write beside the traced chunks', () => {
    const { traces, log } = rig();
    traces.addRange(TraceOwnerId.code, 5, 64, 64);
    traces.notify(0x503c, 4);
    traces.notify(0x5080, 4);
    traces.notify(0x6040, 4);
    expect(log).toEqual([]);
  });

  it('traces and matches exactly the chunks that a range touches', () => {
    const ranges = [0, 1, 63, 64, 1984, 2040, 2047, 2048, 2111, 4032, 4095].flatMap((offset) =>
      [1, 2, 64, 65, 200, 4096].map((size) => ({ offset, size: Math.min(size, 4096 - offset) })),
    );
    for (const { offset, size } of ranges) {
      const { traces, log } = rig();
      traces.addRange(TraceOwnerId.device, 1, offset, size);
      const expected = chunks(offset, size);
      for (let chunk = 0; chunk < 64; chunk += 1) {
        log.length = 0;
        traces.notify(0x1000 + chunk * 64 + 63, 1);
        expect(log.length, `${offset}+${size}, chunk ${chunk}`).toBe(
          expected.includes(chunk) ? 1 : 0,
        );
      }
      log.length = 0;
      traces.remove(TraceOwnerId.device, 1, -1, -1);
      traces.add(TraceOwnerId.device, 1, 1 << 31, 1 << 31);
      traces.notify(0x1000 + offset, size);
      const touched = expected.includes(31) || expected.includes(63);
      expect(log.length, `write ${offset}+${size}`).toBe(touched ? 1 : 0);
    }
  });

  it('splits a write over several pages into pages', () => {
    const { traces, log } = rig();
    traces.add(TraceOwnerId.device, 1, -1, -1);
    traces.add(TraceOwnerId.device, 3, -1, -1);
    traces.notify(0x1ff0, 0x1020);
    expect(log).toEqual([
      { owner: TraceOwnerId.device, physical: 0x1ff0, size: 0x10 },
      { owner: TraceOwnerId.device, physical: 0x3000, size: 0x10 },
    ]);
  });

  it('mirrors the union of all owners in linear memory', () => {
    const { machine, traces } = rig();
    traces.add(TraceOwnerId.code, 7, 1, 0);
    traces.add(TraceOwnerId.descriptor, 7, 0, 2);
    expect(machine.view.getUint32(Layout.traceBitmaps + 56, true)).toBe(1);
    expect(machine.view.getUint32(Layout.traceBitmaps + 60, true)).toBe(2);
    traces.remove(TraceOwnerId.code, 7, -1, -1);
    expect(machine.view.getUint32(Layout.traceBitmaps + 56, true)).toBe(0);
    expect(machine.view.getUint32(Layout.traceBitmaps + 60, true)).toBe(2);
  });

  it('announces a page when it gains its first trace, and again after it lost all', () => {
    const { traces, protects } = rig();
    traces.addRange(TraceOwnerId.code, 9, 0, 1);
    traces.addRange(TraceOwnerId.pageTable, 9, 64, 1);
    expect(protects).toEqual([9]);
    traces.remove(TraceOwnerId.code, 9, -1, -1);
    traces.addRange(TraceOwnerId.code, 9, 0, 1);
    expect(protects).toEqual([9]);
    traces.remove(TraceOwnerId.code, 9, -1, -1);
    traces.remove(TraceOwnerId.pageTable, 9, -1, -1);
    expect(traces.has(9)).toBe(false);
    traces.addRange(TraceOwnerId.device, 9, 0, 1);
    expect(protects).toEqual([9, 9]);
  });

  it('lets an owner remove its trace, and another owner gain one, while it is told', () => {
    const { traces, log } = rig();
    traces.setOwner(TraceOwnerId.code, {
      written: (physical, size) => {
        log.push({ owner: TraceOwnerId.code, physical, size });
        traces.remove(TraceOwnerId.code, 2, -1, -1);
        traces.add(TraceOwnerId.device, 2, -1, -1);
      },
    });
    traces.addRange(TraceOwnerId.code, 2, 0, 4096);
    traces.notify(0x2000, 1);
    traces.notify(0x2000, 1);
    expect(log.map(({ owner }) => owner)).toEqual([
      TraceOwnerId.code,
      TraceOwnerId.device,
      TraceOwnerId.device,
    ]);
  });

  it('covers the last page below 4 GiB and ignores pages above', () => {
    const { traces, log } = rig();
    traces.addRange(TraceOwnerId.code, 0xf_ffff, 0, 4096);
    traces.add(TraceOwnerId.code, 0x10_0000, -1, -1);
    traces.notify(0xffff_f000, 4);
    expect(log).toEqual([{ owner: TraceOwnerId.code, physical: 0xffff_f000, size: 4 }]);
    expect(traces.has(0)).toBe(false);
  });
});
