import { describe, expect, it } from 'vitest';

import { numbersFrom, TestRegisters } from '../test-host.ts';
import {
  BlockOffset,
  InfoOffset,
  RingfenceCall as Call,
  RingfenceError as Failure,
  RingfenceEvent,
  ringfenceMagic,
} from './constants.ts';
import { makeRingfence, TestDisk } from './test-ringfence.ts';

const pool = 0x2_0000;
const info = 0x1_0000;
const page = 4096;

/** A guest with sixteen donated pages, an info page, and space 0. */
function begun(disks: readonly TestDisk[] = []) {
  const guest = makeRingfence(disks);
  const { call } = guest;
  expect(call(Call.donate, pool, 16)).toBe(0);
  expect(call(Call.setInfo, info, 0x40)).toBe(0);
  expect(call(Call.createSpace, 0, 0, 0)).toBe(0);
  expect(call(Call.switchSpace, 0)).toBe(0);
  return { ...guest, directory: guest.seen.directories[0] ?? -1 };
}

describe('a call', () => {
  const make = (words: readonly number[], cpl = 0) => {
    const registers = new TestRegisters(words, cpl);
    const { abi } = makeRingfence();
    return { served: abi.hypercall(registers), result: registers.rax };
  };

  it('has a mark in the upper half of EAX, without which it is not ours', () => {
    expect(make([ringfenceMagic])).toEqual({ served: true, result: 1 });
    expect(make([1])).toEqual({ served: false, result: 1 });
  });

  it('of no known number, or from another ring, is refused', () => {
    expect(make([ringfenceMagic | 99]).result).toBe(-Failure.noSuchCall);
    expect(make([ringfenceMagic], 3).result).toBe(-Failure.notPermitted);
  });

  it('is found by the signature in CPUID', () => {
    const { ebx = 0, ecx = 0, edx = 0 } = makeRingfence().abi.cpuid(0x4000_0100, 0) ?? {};
    const bytes = new Uint8Array(Uint32Array.of(ebx, ecx, edx).buffer);
    expect(String.fromCharCode(...bytes)).toBe('RingfenceABI');
  });
});

describe('address spaces', () => {
  it('map, protect and unmap pages with the rights asked for', () => {
    const { call, entry, directory } = begun();
    expect(call(Call.map, 0, 0x40_0000, 0x3000, 2, 3)).toBe(0);
    expect([0x40_0000, 0x40_1000, 0x40_2000].map((at) => entry(directory, at))).toEqual([
      0x3067, 0x4067, 0,
    ]);
    expect(call(Call.protect, 0, 0x40_1000, 4, 2)).toBe(0);
    expect([0x40_0000, 0x40_1000, 0x40_2000].map((at) => entry(directory, at))).toEqual([
      0x3067, 0x4065, 0,
    ]);
    expect(call(Call.unmap, 0, 0x40_0000, 1)).toBe(0);
    expect(entry(directory, 0x40_0000)).toBe(0);
  });

  it('map over the border of two tables', () => {
    const { call, entry, directory } = begun();
    expect(call(Call.map, 0, 0x7f_f000, 0x3000, 2, 0)).toBe(0);
    expect([entry(directory, 0x7f_f000), entry(directory, 0x80_0000)]).toEqual([0x3061, 0x4061]);
  });

  it('cannot map donated pages, holes, or what is no memory', () => {
    const { call, entry, directory } = begun();
    for (const physical of [pool, pool - page, 0x8_0000, 0xf_f000, 0xffff_f000]) {
      expect(call(Call.map, 0, 0x40_0000, physical, 2, 1)).toBe(-Failure.badAddress);
    }
    expect(entry(directory, 0x40_0000)).toBe(0);
  });

  it.each([
    ['a space that is none', [9, 0x40_0000, 0x3000, 1, 0], Failure.noSpace],
    ['an address that is not aligned', [0, 0x40_0010, 0x3000, 1, 0], Failure.badArgument],
    ['rights that are none', [0, 0x40_0000, 0x3000, 1, 4], Failure.badArgument],
    ['no page', [0, 0x40_0000, 0x3000, 0, 0], Failure.badArgument],
    ['the end of the address space', [0, 0xffff_f000, 0x3000, 2, 0], Failure.badArgument],
    ['too many pages', [0, 0, 0, 1025, 0], Failure.tooMany],
  ])('refuse %s', (_what, args, error) => {
    expect(begun().call(Call.map, ...args)).toBe(-error);
  });

  it('refuse a mapping as a whole when a table is missing for a part of it', () => {
    const { call, entry, directory } = begun();
    for (let table = 1; table <= 14; table += 1) {
      expect(call(Call.map, 0, table * 0x40_0000, 0x3000, 1, 0)).toBe(0);
    }
    expect(call(Call.map, 0, 0x40_0000 * 20 - page, 0x3000, 2, 0)).toBe(-Failure.noMemory);
    expect(entry(directory, 0x40_0000 * 20 - page)).toBe(0);
    expect(call(Call.map, 0, 0x40_0000 * 20, 0x3000, 1, 0)).toBe(0);
  });

  it('share tables with the space that they were made from, which alone changes them', () => {
    const { call, entry, seen } = begun();
    expect(call(Call.map, 0, 0x40_0000, 0x3000, 1, 1)).toBe(0);
    expect(call(Call.createSpace, 0, 0, 2)).toBe(1);
    expect(call(Call.map, 1, 0x40_1000, 0x3000, 1, 0)).toBe(-Failure.busy);
    expect(call(Call.map, 0, 0x40_1000, 0x4000, 1, 0)).toBe(0);
    call(Call.switchSpace, 1);
    expect(entry(seen.directories[1] ?? 0, 0x40_1000)).toBe(0x4061);
    expect(call(Call.destroySpace, 0)).toBe(-Failure.busy);
    expect(call(Call.destroySpace, 1)).toBe(-Failure.busy);
    call(Call.switchSpace, 0);
    expect(call(Call.destroySpace, 1)).toBe(0);
    expect(call(Call.switchSpace, 1)).toBe(-Failure.noSpace);
  });

  it('take donations only before the first of them is there', () => {
    expect(begun().call(Call.donate, 0x4_0000, 1)).toBe(-Failure.busy);
  });
});

describe('events', () => {
  it('are noted and make an upcall, which masks the next', () => {
    const { abi, call, memory, advance } = begun();
    expect(call(Call.setTimer, 0, 0, 1_000_000)).toBe(0);
    expect(abi.upcallDue).toBe(false);
    advance(1_000_000);
    expect([abi.upcallDue, memory.read32(info + InfoOffset.events)]).toEqual([true, 1]);
    expect(abi.info.deliver()).toBe(0x40);
    advance(1_000_000);
    expect(abi.upcallDue).toBe(false);
    abi.info.unmask();
    expect(abi.upcallDue).toBe(true);
  });

  it('end a wait, as its time-out does', () => {
    const { call, memory, seen, advance } = begun();
    expect(call(Call.idle, 5000, 0)).toBe(0);
    expect(seen.halts).toBe(1);
    advance(5000);
    expect(memory.read32(info + InfoOffset.events)).toBe(RingfenceEvent.wake);
    expect(call(Call.idle, 0, 0)).toBe(0);
    expect(seen.halts).toBe(1);
  });

  it('refuse a wait that could not end', () => {
    const { call, seen } = begun();
    seen.interruptsEnabled = false;
    expect(call(Call.idle, 0, 0)).toBe(-Failure.badArgument);
    expect(makeRingfence().call(Call.idle, 0, 0)).toBe(-Failure.badArgument);
  });

  it('bring console input, as much as there is room for', () => {
    const { abi, call, memory } = begun();
    expect(abi.receive(new Uint8Array(5000).fill(0x41))).toBe(4096);
    expect(memory.read32(info + InfoOffset.events)).toBe(RingfenceEvent.console);
    expect(call(Call.consoleRead, 0x5000, 10)).toBe(10);
    expect(memory.read8(0x5009)).toBe(0x41);
    expect(call(Call.consoleRead, 0x8_0000 - 4, 8)).toBe(-Failure.badAddress);
    expect(abi.input.length).toBe(4086);
  });
});

describe('a batch', () => {
  it('is done in order up to the first call that is refused', () => {
    const { call, put, memory, directory, entry } = begun();
    const list = 0x6000;
    put(list, Call.map, 77, 0, 0x40_0000, 0x3000, 1, 1, 0);
    put(list + 32, Call.unmap, 77, 5, 0x40_0000, 1, 0, 0, 0);
    put(list + 64, Call.unmap, 77, 0, 0x40_0000, 1, 0, 0, 0);
    expect(call(Call.batch, list, 3)).toBe(1);
    expect([4, 36, 68].map((offset) => memory.read32(list + offset))).toEqual([
      0,
      -Failure.noSpace,
      77,
    ]);
    expect(entry(directory, 0x40_0000)).toBe(0x3063);
  });

  it('holds no batch', () => {
    const { call, put, memory } = begun();
    put(0x6000, Call.batch, 0, 0x6000, 1);
    expect(call(Call.batch, 0x6000, 1)).toBe(0);
    expect(memory.read32(0x6004)).toBe(-Failure.noSuchCall);
  });
});

describe('disks', () => {
  const status = 0x7000 + BlockOffset.status;

  it('are read within the call, without an event', () => {
    const { call, memory, request } = begun([new TestDisk()]);
    request(0x7000, 0, 5, 0x5000);
    expect(call(Call.block, 0x7000, 1)).toBe(1);
    expect([memory.read32(status), memory.read8(0x51ff)]).toEqual([0, 5]);
    expect(memory.read32(info + InfoOffset.events)).toBe(0);
  });

  it('that answer later make an event then', () => {
    const disk = new TestDisk();
    const { call, memory, request } = begun([disk]);
    disk.isLate = true;
    request(0x7000, 1, 5, 0x5000);
    expect(call(Call.block, 0x7000, 1)).toBe(1);
    expect(memory.read32(status)).toBe(1);
    expect(call(Call.block, 0x7000, 1)).toBe(1);
    expect(memory.read32(status)).toBe(-Failure.busy);
    disk.late.forEach((action) => {
      action();
    });
    expect(memory.read32(status)).toBe(0);
    expect(memory.read32(info + InfoOffset.events)).toBe(RingfenceEvent.block);
    expect(disk.contents[5 * 512]).toBe(0);
  });

  it('refuse requests beyond their end, of no disk, to no memory, and writes if read-only', () => {
    const { call, memory, put } = begun([new TestDisk(true)]);
    const refused = (...words: readonly number[]): number => {
      put(0x7000, ...words, 99);
      expect(call(Call.block, 0x7000, 1)).toBe(1);
      return memory.read32(status);
    };
    expect(refused(0, 0, 64, 0, 0x5000, 512)).toBe(-Failure.badArgument);
    expect(refused(0, 0, 0, 0x8000_0000, 0x5000, 512)).toBe(-Failure.badArgument);
    expect(refused(0, 0, 0, 0, 0x5000, 100)).toBe(-Failure.badArgument);
    expect(refused(0, 1, 0, 0, 0x5000, 512)).toBe(-Failure.noDisk);
    expect(refused(0, 0, 0, 0, pool, 512)).toBe(-Failure.badAddress);
    expect(refused(1, 0, 0, 0, 0x5000, 512)).toBe(-Failure.inputOutput);
  });
});

describe('the state', () => {
  it('comes back as it was saved, requests under way too', () => {
    const disk = new TestDisk();
    disk.isLate = true;
    const { abi, call, memory, request, entry, seen } = begun([disk]);
    call(Call.map, 0, 0x40_0000, 0x3000, 1, 1);
    call(Call.createSpace, 0, 0, 2);
    call(Call.setTimer, 0, 0, 1_000_000);
    abi.receive(Uint8Array.of(1, 2));
    request(0x7000, 0, 7, 0x5000);
    call(Call.block, 0x7000, 1);
    const saved = structuredClone(abi.save());
    abi.reset();
    expect(abi.save()).not.toEqual(saved);
    abi.restore(saved);
    expect(abi.save()).toEqual(saved);
    disk.late.forEach((action) => {
      action();
    });
    expect([memory.read32(0x7000 + BlockOffset.status), memory.read8(0x5000)]).toEqual([0, 7]);
    expect(call(Call.map, 1, 0x40_1000, 0x3000, 1, 1)).toBe(-Failure.busy);
    expect(call(Call.map, 0, 0x40_1000, 0x4000, 1, 1)).toBe(0);
    expect(entry(seen.directories[0] ?? 0, 0x40_1000)).toBe(0x4063);
    expect(() => {
      abi.restore({ abi: 'ringfence', version: 1, fields: {} });
    }).toThrow('expected numbers');
  });
});

describe('a hostile guest', () => {
  const calls = Number(process.env['RINGFENCE_FUZZ_CALLS'] ?? 60_000);

  it('maps nothing but open memory, and makes nothing grow', { timeout: 3_600_000 }, () => {
    const guest = begun([new TestDisk()]);
    const { abi, memory, call, entry, seen } = guest;
    const next = numbersFrom(2026);
    const below = (limit: number): number => next() % limit;
    const number = (): number =>
      [
        () => next(),
        () => below(70),
        () => below(0x100) * page,
        () => pool + below(20) * page,
        () => below(8) * 0x40_0000 + below(3) * page,
      ][below(5)]?.() ?? 0;
    let done = 0;
    for (let count = 1; count <= calls; count += 1) {
      const at = [0x6000, 0x7000, below(0x100) * page][below(3)] ?? 0;
      if (abi.spaces.isOpen(at, 256)) {
        for (let word = 0; word < 64; word += 1) {
          memory.write32(at + word * 4, word % 8 === 0 ? below(17) : number());
        }
      }
      done += call(below(18), number(), number(), number(), number(), number()) >= 0 ? 1 : 0;
      if (count % 1000 === 0) {
        for (const directory of new Set(seen.directories)) {
          for (let part = 0; part < 1024; part += 1) {
            if ((memory.read32(directory + part * 4) & 1) === 0) continue;
            for (let index = 0; index < 1024; index += 1) {
              const found = entry(directory, part * 0x40_0000 + index * page);
              const isFine = (found & 1) === 0 || abi.spaces.isOpen(found & -page & 0xfffff000, 1);
              if (!isFine) expect.fail(`entry ${found.toString(16)} after ${String(count)} calls`);
            }
          }
        }
        seen.directories.length = 1;
        expect(abi.input.length + abi.block.waiting.length).toBeLessThan(5000);
      }
    }
    expect(done).toBeGreaterThan(calls / 20);
  });
});
