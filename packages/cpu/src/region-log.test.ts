import { describe, expect, it } from 'vitest';
import { RegionLog } from './region-log.ts';

describe('RegionLog', () => {
  it('lists the regions in which the CPU was met most', () => {
    const log = new RegionLog();
    const [one, other] = [{}, {}];
    log.add(one, 0x1000, [[0x1000, 0x1010]], new Uint8Array(3));
    log.add(other, 0x2000, [[0x2000, 0x2010]], new Uint8Array(5));
    log.count(other);
    log.count({});
    expect(log.hottest(1)).toEqual([
      { id: 2, address: 0x2000, ranges: [[0x2000, 0x2010]], samples: 1, wasmBytes: 5 },
    ]);
    expect(log.wasm(1)?.length).toBe(3);
  });

  it('forgets what was dropped, and old modules when there are too many bytes of them', () => {
    const log = new RegionLog();
    const keys = [{}, {}, {}];
    for (const key of keys) log.add(key, 0, [], new Uint8Array(0x30_0000));
    expect(log.hottest(9).map(({ id }) => id)).toEqual([2, 3]);
    log.remove(keys[1] ?? {});
    log.remove(keys[1] ?? {});
    expect(log.hottest(9).map(({ id }) => id)).toEqual([3]);
  });
});
