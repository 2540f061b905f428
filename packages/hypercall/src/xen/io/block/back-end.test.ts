import { describe, expect, it } from 'vitest';

import { DomainId, XenCallNumber } from '../../constants.ts';
import { restoreDomain, saveDomain } from '../../domain-state.ts';
import { xenFrames } from '../../xen-frames.ts';
import type { XenBlockStorage } from '../../interfaces.ts';
import { makeHvmGuest } from '../../test-guest.ts';
import { guestPath } from '../store/connection.ts';
import { fromText, toText } from '../store/wire.ts';

const front = `${guestPath}/device/vbd/51712`;
const back = '/local/domain/0/backend/vbd/1/51712';
const ring = 0x8000;
const ringGrant = 8;

function memoryDisk(sectors: number, readOnly = false) {
  const bytes = new Uint8Array(sectors * 512);
  const flushes = { count: 0 };
  const storage: XenBlockStorage = {
    bytes: bytes.length,
    readOnly,
    read: (offset, target, done) => {
      target.set(bytes.subarray(offset, offset + target.length));
      done(true);
    },
    write: (offset, source, done) => {
      bytes.set(source, offset);
      done(true);
    },
    flush: (done) => {
      flushes.count += 1;
      done(true);
    },
  };
  return { bytes, storage, flushes };
}

/** A guest whose front end is connected, 32-bit layout; requests are written by hand. */
function connected(sectors = 64, readOnly = false) {
  const disk = memoryDisk(sectors, readOnly);
  const guest = makeHvmGuest([{ name: 'xvda', storage: disk.storage }]);
  const { domain, put, call, word, tools, memory } = guest;
  const grant = (reference: number, frame: number, flags = 1): void => {
    put(domain.frame(xenFrames.grants) + reference * 8, flags, frame);
  };
  grant(ringGrant, ring / 4096);
  call(XenCallNumber.eventChannelOp, 6, put(0x1000, DomainId.self | (DomainId.backend << 16), 0));
  const port = word(0x1004);
  const write = (name: string, value: string): void => {
    tools.store.write(`${front}/${name}`, fromText(value), DomainId.guest);
  };
  write('ring-ref', String(ringGrant));
  write('event-channel', String(port));
  write('protocol', 'x86_32-abi');
  write('state', '3');
  let produced = 0;
  /** Makes a request of segments `[grant, first, last]` and returns the status of its answer. */
  const request = (
    operation: number,
    sector: number,
    segments: readonly (readonly [number, number, number])[],
    count: number = segments.length,
  ): number => {
    const at = ring + 64 + (produced % 32) * 108;
    put(at, operation | (count << 8), 0x77, 0, sector, 0);
    for (const [index, [reference, first, last]] of segments.entries()) {
      put(at + 20 + index * 8, reference, first | (last << 8));
    }
    produced += 1;
    put(ring, produced);
    call(XenCallNumber.eventChannelOp, 4, put(0x1000, port));
    expect(word(ring + 8)).toBe(produced);
    expect(word(at)).toBe(0x77);
    return memory.read16(at + 10);
  };
  const state = (): string => {
    const found = tools.store.read(`${back}/state`);
    return found.error ?? toText(found.value);
  };
  return { ...guest, ...disk, grant, request, state, write, port };
}

/** A guest that has told of 16 requests, and need not tell of the next. */
function afterTrial() {
  const guest = connected();
  const { grant, put, word, call, port, host } = guest;
  grant(9, 9);
  let produced = 0;
  /** Makes requests and tells nobody. */
  const unasked = (count: number): void => {
    for (let index = 0; index < count; index += 1) {
      put(ring + 64 + (produced % 32) * 108, 1 << 8, 0x77, 0, 0, 0, 9, 0);
      produced += 1;
    }
    put(ring, produced);
  };
  const tell = (): void => {
    unasked(1);
    call(XenCallNumber.eventChannelOp, 4, put(0x1000, port));
  };
  const tellAt = (): number => word(ring + 4);
  for (let count = 1; count <= 16; count += 1) {
    expect(tellAt()).toBe(count);
    tell();
  }
  return {
    host,
    unasked,
    tell,
    tellAt,
    answered: () => word(ring + 8),
    idle: () => host.polls.some((poll) => poll()),
  };
}

describe('the block back end', () => {
  it('connects when the front end is ready, and says how large the disk is', () => {
    const { state, tools } = connected();
    const sectors = tools.store.read(`${back}/sectors`);
    expect([state(), sectors.error ?? toText(sectors.value)]).toEqual(['4', '64']);
  });

  it('writes and reads segments of pages', () => {
    const { grant, request, memory, bytes } = connected();
    grant(9, 9);
    grant(10, 10);
    memory.bytes.fill(0xab, 0x9000 + 512, 0x9000 + 1536);
    expect(request(1, 5, [[9, 1, 2]])).toBe(0);
    expect([bytes[5 * 512 - 1], bytes[5 * 512], bytes[7 * 512 - 1], bytes[7 * 512]]).toEqual([
      0, 0xab, 0xab, 0,
    ]);
    expect(request(0, 5, [[10, 0, 1]])).toBe(0);
    expect([memory.bytes[0xa000], memory.bytes[0xa3ff], memory.bytes[0xa400]]).toEqual([
      0xab, 0xab, 0,
    ]);
  });

  it('flushes, with a barrier too', () => {
    const { grant, request, flushes } = connected();
    grant(9, 9);
    expect([request(3, 0, []), request(2, 0, [[9, 0, 0]]), flushes.count]).toEqual([0, 0, 2]);
  });

  it('serves an indirect request', () => {
    const { grant, memory, put, call, word, port } = connected();
    grant(9, 9);
    grant(11, 11);
    put(0x9000, 11, 0 | (7 << 8));
    memory.bytes.fill(0xcd, 0xb000, 0xc000);
    put(ring + 64, 6 | (1 << 8) | (1 << 16), 0x78, 0, 8, 0, 0, 9);
    put(ring, 1);
    call(XenCallNumber.eventChannelOp, 4, put(0x1000, port));
    expect([word(ring + 64), memory.read16(ring + 74)]).toEqual([0x78, 0]);
  });

  it.each([
    ['past the end of the disk', 0, 63, [[9, 0, 1]], 1],
    ['of a grant that is not there', 0, 0, [[30, 0, 0]], 1],
    ['of sectors past the page', 0, 0, [[9, 0, 8]], 1],
    ['of sectors in the wrong order', 0, 0, [[9, 3, 2]], 1],
    ['of more segments than there are', 0, 0, [[9, 0, 0]], 12],
  ] as const)('fails a request %s', (_name, operation, sector, segments, count) => {
    const { grant, request } = connected();
    grant(9, 9);
    expect(request(operation, sector, segments, count)).toBe(0xffff);
  });

  it('fails a read into a page that is read-only, and a write to a disk that is', () => {
    const reading = connected();
    reading.grant(9, 9, 1 | 4);
    expect(reading.request(0, 0, [[9, 0, 0]])).toBe(0xffff);
    const writing = connected(64, true);
    writing.grant(9, 9);
    expect(writing.request(1, 0, [[9, 0, 0]])).toBe(0xffff);
  });

  it('does not know other operations', () => {
    expect(connected().request(77, 0, [])).toBe(0xfffe);
  });

  it('takes no part of a page for a ring', () => {
    const { write, state, call, put, domain } = connected();
    write('state', '6');
    put(0x1000, 2);
    expect(call(XenCallNumber.grantTableOp, 8, 0x1000, 1)).toBe(0);
    const entry = domain.frame(xenFrames.grants) + 9 * 16;
    put(entry, 0x101, 0xf00 | (0x100 << 16), ring / 4096, 0);
    write('ring-ref', '9');
    write('state', '1');
    write('state', '3');
    expect([state(), domain.grants.inUse]).toEqual(['2', 0]);
    put(entry, 1, 0, ring / 4096, 0);
    write('state', '3');
    expect([state(), domain.grants.inUse]).toEqual(['4', 1]);
  });

  it('lets the guest run while what is read asks for more', () => {
    const pages = 100;
    const { grant, bytes, put, word, call, port, host } = connected(8 * pages);
    grant(9, ring / 4096);
    // Each page of the disk is a ring with one request more, and they read the next page there.
    const view = new DataView(bytes.buffer);
    for (let page = 0; page < pages; page += 1) {
      view.setUint32(page * 4096, page + 2, true);
      for (let entry = 0; entry < 32; entry += 1) {
        const at = page * 4096 + 64 + entry * 108;
        view.setUint32(at, 1 << 8, true);
        view.setUint32(at + 12, 8 * (page + 1), true);
        view.setUint32(at + 20, 9, true);
        view.setUint32(at + 24, 7 << 8, true);
      }
    }
    put(ring + 64, 1 << 8, 0x77, 0, 0, 0, 9, 7 << 8);
    put(ring, 1);
    call(XenCallNumber.eventChannelOp, 4, put(0x1000, port));
    const served = word(ring + 8);
    expect(served).toBe(64);
    host.advance(1_000_000);
    expect(word(ring + 8)).toBeGreaterThan(served);
  });

  it('looks for requests itself after a large one, when the guest is idle', () => {
    const guest = connected(256);
    const { grant, put, word, host, bytes } = guest;
    for (let index = 0; index < 11; index += 1) grant(16 + index, 9);
    expect(host.polls.map((poll) => poll())).toEqual([false]);
    grant(9, 9);
    // An indirect request of 16 pages, eight sectors each.
    const list = Array.from({ length: 16 }, (_nothing, index) => [16 + (index % 11), 7 << 8]);
    put(0x9000, ...list.flat());
    put(ring + 64, 6 | (1 << 8) | (16 << 16), 0x78, 0, 0, 0, 0, 9);
    put(ring, 1);
    guest.call(XenCallNumber.eventChannelOp, 4, put(0x1000, guest.port));
    expect([word(ring + 8), word(ring + 4)]).toEqual([1, 1]);
    const unasked = (index: number): void => {
      put(ring + 64 + index * 108, 1 | (1 << 8), 0x70 + index, 0, 200, 0, 9, 0);
      put(ring, index + 1);
    };
    bytes[200 * 512] = 0;
    unasked(1);
    expect(host.polls.map((poll) => poll())).toEqual([true]);
    expect([word(ring + 8), bytes[200 * 512]]).toEqual([2, 16]);
    // No other large one came: the guest tells again.
    expect(word(ring + 4)).toBe(3);
  });

  it('looks for requests itself while more than one at a time is found', () => {
    const { host, idle, tellAt, unasked, answered } = afterTrial();
    unasked(2);
    expect([idle(), answered(), tellAt()]).toEqual([true, 18, 16]);
    unasked(3);
    host.advance(99_999);
    expect(answered()).toBe(18);
    host.advance(1);
    expect([answered(), tellAt()]).toEqual([21, 16]);
    // One alone: the guest tells of the next.
    unasked(1);
    expect([idle(), answered(), tellAt()]).toEqual([true, 22, 23]);
    expect(idle()).toBe(false);
  });

  it('goes on looking while the guest is busy and nothing waits, up to two milliseconds', () => {
    const { host, tellAt, unasked, answered } = afterTrial();
    host.advance(100_000);
    host.advance(200_000);
    unasked(2);
    host.advance(400_000);
    expect([answered(), tellAt()]).toEqual([18, 16]);
    for (const delayNs of [1, 2, 4, 8, 16]) {
      host.advance(delayNs * 100_000);
      expect(tellAt()).toBe(16);
    }
    host.advance(2_000_000);
    expect(tellAt()).toBe(19);
  });

  it('tries less often when each request is waited for', () => {
    const { idle, unasked, tellAt, tell } = afterTrial();
    unasked(1);
    expect([idle(), tellAt()]).toEqual([true, 18]);
    for (let count = 1; count < 32; count += 1) {
      tell();
      expect(tellAt()).toBe(18 + count);
    }
    // The thirty-second since: the guest is not asked to tell of the one behind it.
    tell();
    expect(tellAt()).toBe(17 + 32);
  });

  it('goes on after the guest was saved and restored', () => {
    const { domain, grant, request, host, bytes } = connected();
    grant(9, 9);
    const saved = saveDomain(domain);
    const memory = host.memory.bytes.slice();
    domain.reset();
    domain.begin();
    restoreDomain(domain, saved);
    host.memory.bytes.set(memory);
    host.advance(1);
    host.memory.bytes.fill(0x5a, 0x9000, 0x9200);
    expect(request(1, 3, [[9, 0, 0]])).toBe(0);
    expect(bytes[3 * 512]).toBe(0x5a);
  });

  it('lets go of everything when the front end closes, and connects again', () => {
    const { write, state, domain } = connected();
    write('state', '6');
    expect([state(), domain.grants.inUse]).toEqual(['6', 0]);
    write('state', '1');
    expect(state()).toBe('2');
    write('state', '3');
    expect(state()).toBe('4');
  });
});
