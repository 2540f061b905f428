import { Layout, MachineMemory, PhysicalMemory, TraceOwnerId } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { BlockField, chunkRecords, maxPageBlocks, RecordField, recordBytes } from './code-block.ts';
import { CodeCache, rebuildAfterStale } from './code-cache.ts';
import type { CodeCacheOptions } from './interfaces.ts';

const mode = 3;

interface Rig {
  machine: MachineMemory;
  physical: PhysicalMemory;
  cache: CodeCache;
  revoked: number[];
}

function rig(options: CodeCacheOptions = {}): Rig {
  const machine = new MachineMemory({ ramBytes: 1 << 20 });
  const physical = new PhysicalMemory(machine);
  physical.mapRam(0, 1 << 20, Layout.ram);
  const cache = new CodeCache(physical, options);
  const revoked: number[] = [];
  cache.attach({ revokeExec: (page) => void revoked.push(page) });
  return { machine, physical, cache, revoked };
}

/** Decodes an "instruction" of `length` bytes at an offset: a record with handler 7. */
function record({ machine, cache }: Rig, block: number, offset: number, length: number): number {
  const address = cache.allocate(block, offset);
  machine.view.setUint16(address + RecordField.handler, 7, true);
  cache.link(block, offset, address, length);
  return address;
}

function handler({ machine }: Rig, address: number): number {
  return machine.view.getUint16(address + RecordField.handler, true);
}

function traced({ physical }: Rig, page: number, chunk: number): boolean {
  const half = physical.traces.mask(TraceOwnerId.code, page, chunk >>> 5);
  return (half & (1 << (chunk & 31))) !== 0;
}

describe('blocks', () => {
  it('are one per page and code mode, and say so in their header', () => {
    const test = rig();
    const block = test.cache.block(5, mode);
    expect(test.cache.block(5, mode)).toBe(block);
    expect(test.cache.block(5, mode + 2)).not.toBe(block);
    expect(test.cache.block(6, mode)).not.toBe(block);
    expect(test.machine.i32[(block + BlockField.mode) >>> 2]).toBe(mode);
    expect(test.machine.i32[(block + BlockField.page) >>> 2]).toBe(5);
  });

  it('make the page revoked when another mode becomes current', () => {
    const test = rig();
    const first = test.cache.block(5, mode);
    expect(test.revoked).toEqual([]);
    const second = test.cache.block(5, mode + 2);
    expect(test.revoked).toEqual([5]);
    expect(test.cache.entry(5)).toBe(second);
    expect(test.cache.block(5, mode)).toBe(first);
    expect(test.cache.entry(5)).toBe(first);
    expect(test.revoked).toEqual([5, 5]);
  });

  it('are few for a page: the one that was current longest ago makes room', () => {
    const test = rig();
    const blocks = Array.from({ length: maxPageBlocks }, (_, index) => {
      const block = test.cache.block(5, mode + (index << 16));
      return { block, address: record(test, block, 0x10, 2) };
    });
    test.cache.block(5, mode);
    test.cache.block(5, mode + (maxPageBlocks << 16));
    const live = blocks.map(({ address }) => handler(test, address) !== 0);
    expect(live).toEqual(blocks.map((_, index) => index !== 1));
    expect(test.cache.find(5, mode)).toBe(blocks[0]?.block);
    expect(test.cache.find(5, mode + (1 << 16))).toBe(0);
  });

  it('find the record of an offset, and 0 where there is none', () => {
    const test = rig();
    const block = test.cache.block(5, mode);
    const address = record(test, block, 0x123, 3);
    expect(test.cache.lookup(block, 0x123)).toBe(address);
    expect(test.cache.lookup(block, 0x124)).toBe(0);
    expect(test.machine.i32[(block + BlockField.index + 0x123 * 4) >>> 2]).toBe(address);
    expect(test.machine.view.getUint16(address + RecordField.offset, true)).toBe(0x123);
    expect(test.machine.u8[address + RecordField.length]).toBe(3);
  });

  it('have consecutive records with room for one more at the end of each chunk', () => {
    const test = rig();
    const block = test.cache.block(5, mode);
    const other = test.cache.block(6, mode);
    const seen = new Set<number>();
    let previous = 0;
    for (let offset = 0; offset < 3 * chunkRecords; offset += 1) {
      const address = test.cache.allocate(block, offset);
      if (offset % chunkRecords === 0) seen.add(previous + recordBytes);
      else expect(address).toBe(previous + recordBytes);
      expect(seen.has(address)).toBe(false);
      seen.add(address);
      seen.add(test.cache.allocate(other, offset));
      previous = address;
    }
  });
});

describe('a write', () => {
  it('makes exactly the records stale that overlap the written bytes', () => {
    const test = rig();
    const block = test.cache.block(1, mode);
    const before = record(test, block, 0x10, 4);
    const hit = record(test, block, 0x14, 4);
    const after = record(test, block, 0x18, 4);
    test.physical.write16(0x1016, 1);
    expect([before, hit, after].map((address) => handler(test, address))).toEqual([7, 0, 7]);
    expect(test.cache.lookup(block, 0x14)).toBe(0);
    expect(test.cache.lookup(block, 0x18)).toBe(after);
    expect(test.cache.statistics.invalidations.write).toBe(1);
    expect(test.cache.rewrites(1)).toBe(1);
  });

  it('of what is there already leaves records as they are', () => {
    const test = rig();
    const hit = record(test, test.cache.block(1, mode), 0x10, 4);
    test.physical.write32(0x1010, 0x1234_5678 | (1 << 31));
    const again = record(test, test.cache.block(1, mode), 0x10, 4);
    test.physical.write32(0x1010, (0x1234_5678 | (1 << 31)) >>> 0);
    test.physical.write16(0x1012, -0x6dcc);
    test.physical.write8(0x1011, 0xff56);
    expect([hit, again].map((address) => handler(test, address))).toEqual([0, 7]);
    test.physical.write8(0x1011, 0x57);
    expect(handler(test, again)).toBe(0);
  });

  it('reaches an instruction that starts 14 bytes before, in the chunk before', () => {
    const test = rig();
    const block = test.cache.block(1, mode);
    const long = record(test, block, 0x40 - 14, 15);
    test.physical.write8(0x1040, 1);
    expect(handler(test, long)).toBe(0);
  });

  it('reaches instructions that overlap each other and blocks of every mode', () => {
    const test = rig();
    const block = test.cache.block(1, mode);
    const outer = record(test, block, 0x10, 6);
    const inner = record(test, block, 0x12, 2);
    const other = record(test, test.cache.block(1, mode + 2), 0x11, 3);
    test.physical.write8(0x1013, 1);
    expect([outer, inner, other].map((address) => handler(test, address))).toEqual([0, 0, 0]);
  });

  it('by a device counts as a device write', () => {
    const test = rig();
    const hit = record(test, test.cache.block(1, mode), 0, 1);
    test.physical.write(0xf80, new Uint8Array(0x1000));
    expect(handler(test, hit)).toBe(0);
    expect(test.cache.statistics.invalidations.device).toBe(1);
  });

  it('to data beside code in one chunk invalidates nothing and is counted', () => {
    const test = rig();
    const code = record(test, test.cache.block(1, mode), 0, 4);
    for (let count = 0; count < 100; count += 1) test.physical.write32(0x1020, count + 1);
    expect(handler(test, code)).toBe(7);
    expect(test.cache.statistics.nearMisses).toBe(100);
    expect(test.cache.rewrites(1)).toBe(0);
  });

  it('leaves records as they are that somebody brought up to date, and only those', () => {
    const test = rig();
    const asked: unknown[] = [];
    let follows = true;
    test.cache.amendBy({
      amend: (...parts) => {
        asked.push([parts[0], [...parts[1]], parts[2], parts[3]]);
        return follows;
      },
    });
    const block = test.cache.block(5, mode);
    const records = [record(test, block, 0x10, 5), record(test, block, 0x15, 2)];
    test.physical.write16(0x5013, 1);
    expect(records.map((each) => handler(test, each))).toEqual([7, 7]);
    follows = false;
    test.physical.write16(0x5014, 2);
    expect(records.map((each) => handler(test, each))).toEqual([0, 0]);
    test.physical.write16(0x5014, 3);
    expect(asked).toEqual([
      [block, [0x10], 0x13, 0x14],
      [block, [0x10, 0x15], 0x14, 0x15],
    ]);
    const { amendments, invalidations } = test.cache.statistics;
    expect([amendments, invalidations.write]).toEqual([1, 2]);
  });

  it('drops the trace of chunks that hold no records any more, and only those', () => {
    const test = rig();
    const block = test.cache.block(1, mode);
    record(test, block, 0x3e, 4);
    record(test, block, 0x80, 1);
    expect([0, 1, 2, 3].map((chunk) => traced(test, 1, chunk))).toEqual([true, true, true, false]);
    record(test, block, 0x30, 1);
    test.physical.write8(0x1041, 1);
    expect([0, 1, 2].map((chunk) => traced(test, 1, chunk))).toEqual([true, false, true]);
  });

  it('keeps a page that is rewritten all the time within bounded memory', () => {
    const test = rig({ blocks: 16, chunks: 16 });
    for (let round = 0; round < 20_000; round += 1) {
      if (test.cache.needsCollect) test.cache.collect();
      const block = test.cache.block(1, mode);
      const address = record(test, block, 0x20, 2);
      expect(address).not.toBe(0);
      test.physical.write8(0x1021, round + 1);
      expect(handler(test, address)).toBe(0);
    }
    expect(test.cache.statistics.rebuilds).toBeLessThan(20_000 / rebuildAfterStale);
    expect(test.cache.statistics.rebuilds).toBeGreaterThan(100);
    expect(test.cache.rewrites(1)).toBe(20_000);
  });
});

describe('a retired block', () => {
  it('has only stale records, no mode, no traces, and is revoked', () => {
    const test = rig();
    const block = test.cache.block(1, mode);
    const linked = record(test, block, 0, 4);
    const continuing = test.cache.allocate(block, 4);
    test.machine.view.setUint16(continuing, 9, true);
    test.physical.unmap(0x1000, 0x1000);
    expect([handler(test, linked), handler(test, continuing)]).toEqual([0, 0]);
    expect(test.machine.view.getUint16(continuing + RecordField.offset, true)).toBe(4);
    expect(test.machine.i32[block >>> 2]).toBe(0);
    expect(test.cache.entry(1)).toBe(0);
    expect(test.physical.traces.has(1)).toBe(false);
    expect(test.revoked).toEqual([1]);
    expect(test.cache.statistics.invalidations.remap).toBe(1);
  });

  it('is not handed out again before collect', () => {
    const test = rig({ blocks: 4 });
    const first = test.cache.block(1, mode);
    test.cache.flush();
    const others = [2, 3, 4].map((page) => test.cache.block(page, mode));
    expect(others).not.toContain(first);
    expect(others).not.toContain(0);
    test.cache.flush();
    expect(test.cache.block(5, mode)).toBe(0);
    expect(test.cache.needsCollect).toBe(true);
    test.cache.collect();
    expect(test.cache.needsCollect).toBe(false);
    expect(test.cache.block(5, mode)).not.toBe(0);
  });

  it('takes no records any more', () => {
    const test = rig();
    const block = test.cache.block(1, mode);
    test.cache.flush();
    expect(test.cache.allocate(block, 0)).toBe(0);
  });
});

describe('a full cache', () => {
  it('lets some blocks go, not all, and keeps those that are used', () => {
    const test = rig({ blocks: 64 });
    for (let page = 1; page < 250; page += 1) {
      if (test.cache.needsCollect) test.cache.collect();
      expect(record(test, test.cache.block(page, mode), 0, 1)).not.toBe(0);
      expect(test.cache.entry(1)).not.toBe(0);
    }
    const kept = Array.from({ length: 250 }, (_, page) => test.cache.entry(page)).filter(Boolean);
    expect(kept.length).toBeGreaterThan(40);
    expect(test.cache.statistics.evictions).toBeGreaterThan(150);
  });

  it('revokes a page before it is let go, so that use is seen', () => {
    const test = rig({ blocks: 16 });
    for (let page = 1; page < 30; page += 1) {
      if (test.cache.needsCollect) test.cache.collect();
      test.cache.block(page, mode);
    }
    expect(test.revoked).toContain(1);
  });

  it('evicts other blocks than the one that records are being added to', () => {
    const test = rig({ blocks: 16, chunks: 16 });
    const block = test.cache.block(1, mode);
    for (let offset = 0; offset < 12 * chunkRecords; offset += 1) {
      expect(test.cache.allocate(block, offset)).not.toBe(0);
    }
    expect(test.cache.entry(1)).toBe(block);
  });

  it('says so when one block has taken all there is', () => {
    const test = rig({ blocks: 16, chunks: 8 });
    const block = test.cache.block(1, mode);
    for (let offset = 0; offset < 8 * chunkRecords; offset += 1) test.cache.allocate(block, offset);
    expect(test.cache.allocate(block, 4000)).toBe(0);
    expect(test.cache.needsCollect).toBe(true);
  });
});
