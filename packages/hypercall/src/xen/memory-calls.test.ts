/** What `memory_op` tells of arguments that make no sense, and of calls that go on. */
import { describe, expect, it } from 'vitest';

import { DomainId, XenCallNumber, XenError } from './constants.ts';
import { begun } from './pv/test-begun.ts';
import type { BegunGuest } from './pv/test-begun.ts';
import { makeHvmGuest } from './test-guest.ts';

const { memoryOp } = XenCallNumber;
const { self } = DomainId;
const at = 0x1000;
const Op = { increase: 0, decrease: 1, populate: 6, memoryMap: 9, exchange: 11 } as const;

describe('reservations', () => {
  /** Makes a call for extents of one frame each, from a list at `place`. */
  function asked(guest: BegunGuest) {
    const { call, put, argumentsAt } = guest;
    const place = argumentsAt + 64;
    return {
      place,
      ask: (
        op: number,
        { count = 1, start = 0, order = 0, flags = 0, domain = self as number } = {},
      ): number =>
        call(memoryOp, op | (start << 6), put(argumentsAt, place, count, order, flags, domain)),
    };
  }

  it('go on with the extent that the call names, and count those before', () => {
    const guest = begun();
    const { ask, place } = asked(guest);
    guest.put(place, 0, guest.spare, guest.spare - 1);
    expect(ask(Op.decrease, { count: 3, start: 1 })).toBe(3);
    expect(ask(Op.decrease, { count: 3, start: 3 })).toBe(3);
    expect(ask(Op.decrease, { count: 3 })).toBe(0);
  });

  it('tell that nothing was done of what cannot be looked at', () => {
    const guest = begun();
    const { ask, place } = asked(guest);
    guest.put(place, guest.spare);
    expect(
      [Op.increase, Op.decrease, Op.populate].map((op) => guest.call(memoryOp, op, 0)),
    ).toEqual([0, 0, 0]);
    expect([
      ask(Op.decrease, { domain: 7 }),
      ask(Op.decrease, { domain: 0 }),
      ask(Op.decrease, { count: 0x400_0000 }),
      ask(Op.decrease, { order: 10 }),
    ]).toEqual([0, 0, 0, 0]);
  });

  it('are for no node alone, nor below the first page; low memory has run out', () => {
    const guest = begun();
    const { ask, place } = asked(guest);
    guest.put(place, guest.spare);
    const node = (250 + 1) << 8;
    expect([
      ask(Op.decrease, { flags: node | (1 << 17) }),
      ask(Op.decrease, { flags: 12 }),
      ask(Op.decrease, { flags: node }),
      ask(Op.increase, { flags: 13 }),
      ask(Op.increase, { flags: 32 }),
    ]).toEqual([0, 0, 1, 0, 1]);
  });
});

describe('an exchange', () => {
  const words = (
    guest: BegunGuest,
    counts: readonly [number, number, number, number, number],
    flags = 0,
  ) => {
    const [giveCount, giveOrder, getCount, getOrder, done] = counts;
    const list = guest.argumentsAt + 0x100;
    return guest.call(
      memoryOp,
      Op.exchange,
      guest.put(
        guest.argumentsAt,
        ...[list, giveCount, giveOrder, 0, self],
        ...[list + 0x80, getCount, getOrder, flags, self],
        done,
      ),
    );
  };

  it('goes on behind the extents that were done', () => {
    const guest = begun();
    const { spare, put, argumentsAt, memory } = guest;
    put(argumentsAt + 0x100, 0xdead, spare);
    put(argumentsAt + 0x180, 0x77, 0x78);
    expect(words(guest, [2, 0, 2, 0, 1])).toBe(0);
    expect([memory.read32(argumentsAt + 40), memory.read32(argumentsAt + 0x180)]).toEqual([
      2, 0x77,
    ]);
    expect(memory.read32(argumentsAt + 0x184)).toBe(spare);
    expect(words(guest, [2, 0, 2, 0, 2])).toBe(0);
  });

  it('is looked at for its sizes before anything else', () => {
    const guest = begun();
    const nodeAlone = (1 << 17) | (251 << 8);
    expect([nodeAlone, 251 << 8].map((flags) => words(guest, [0, 0, 0, 0, 0], flags))).toEqual([
      -22, 0,
    ]);
    expect([
      words(guest, [1, 10, 1, 9, 0]),
      words(guest, [1, 10, 1, 10, 0]),
      words(guest, [4, 0, 1, 2, 1]),
      words(guest, [1, 0, 1, 0, 2]),
      words(guest, [0x8000_0000, 1, 0x8000_0000, 1, 0]),
    ]).toEqual([-22, -1, -22, -22, -22]);
  });

  it('has lists that end below the hypervisor, however much of them was done', () => {
    const { call, put, argumentsAt } = begun();
    const lists = (give: number, get: number, count: number): number => {
      const [one, other] = [
        [give, count, 0, 0, self],
        [get, count, 0, 0, self],
      ];
      return call(memoryOp, Op.exchange, put(argumentsAt, ...one, ...other, count));
    };
    expect([
      lists(0xf57f_fffc, 0x1000, 1),
      lists(0xf57f_fffc, 0x1000, 2),
      lists(0x1000, 0xf57f_fffc, 2),
      lists(0x1000, 0xf580_0000, 0),
    ]).toEqual([0, -XenError.fault, -XenError.fault, -XenError.fault]);
  });
});

describe('memory of a translated guest', () => {
  it('has no machine frames to ask about or to exchange', () => {
    const { call, put } = makeHvmGuest();
    expect([10, 12, 5].map((op) => call(memoryOp, op, at))).toEqual([-38, -38, -38]);
    put(at, at + 64, 1, 0, 0, self, at + 68, 1, 0, 0, self, 0);
    expect(call(memoryOp, Op.exchange, at)).toBe(-XenError.notSupported);
  });

  it('stays where it is when it is taken away, and what is none cannot be', () => {
    const { call, put } = makeHvmGuest();
    const remove = (frame: number): number => call(memoryOp, 15, put(at, self, frame));
    expect([remove(5), remove(0x9_0000)]).toEqual([0, -XenError.noEntry]);
  });

  it('takes pages of others in a batch alone', () => {
    const { call, put } = makeHvmGuest();
    expect(call(memoryOp, 7, put(at, 9, 4, 0, 5))).toBe(-XenError.noSuchCall);
  });

  it('is told by a map, or by its size where there is no buffer', () => {
    const { call, put, word } = makeHvmGuest();
    expect([call(memoryOp, Op.memoryMap, put(at, 9, 0)), word(at)]).toEqual([0, 1]);
    expect([call(memoryOp, Op.memoryMap, put(at, 0, at + 64)), word(at)]).toEqual([0, 0]);
    expect(call(memoryOp, 13, put(at, 9, 129, at + 64))).toBe(-XenError.invalid);
  });
});

describe('the last frame', () => {
  it("of a paravirtual guest is the shared page's to say", () => {
    const { call, put, argumentsAt, memory, shared } = begun();
    const last = (): number => call(memoryOp, 14, put(argumentsAt, self));
    expect(last()).toBe(0);
    memory.write32(shared + 0x90c, 0x1234);
    expect(last()).toBe(0x1233);
    expect(call(memoryOp, 14, put(argumentsAt, 7))).toBe(-XenError.noDomain);
  });
});

describe('memory that is a tool stack or nobody has', () => {
  const { notPermitted, noDomain, fault, invalid, notSupported, noSuchCall } = XenError;

  it('is refused after its structure was looked at', () => {
    const { call, put, argumentsAt } = begun();
    const ask = (op: number, ...words: readonly number[]): number =>
      call(memoryOp, op, put(argumentsAt, ...words, 0, 0, 0, 0, 0, 0, 0, 0));
    const populated = [self, 0, 7].map((domain) => ask(16, domain));
    expect(populated).toEqual([-notPermitted, -notPermitted, -noDomain]);
    const rights = [1, 0, self].map((domain) => ask(21, domain << 16));
    expect(rights).toEqual([-notPermitted, -notPermitted, -noDomain]);
    expect([ask(26, self | (1 << 16)), ask(26, 7), ask(26, self)]).toEqual([
      -invalid,
      -noDomain,
      -notSupported,
    ]);
    expect([20, 22, 24, 29].map((op) => ask(op, self))).toEqual(Array(4).fill(-noSuchCall));
    const nowhere = [16, 17, 21, 26, 27, 28].map((op) => call(memoryOp, op, 0xfc00_0000));
    expect(nowhere).toEqual(Array(6).fill(-fault));
  });

  it('of devices is none', () => {
    const { call, put, argumentsAt, memory } = begun();
    const ask = (...words: readonly number[]): number =>
      call(memoryOp, 27, put(argumentsAt, ...words));
    expect([ask(1, 9, argumentsAt, 0), memory.read32(argumentsAt + 4)]).toEqual([0, 0]);
    expect([ask(2, 9, argumentsAt, 0), ask(0, 0x2000_0000, argumentsAt, 0)]).toEqual([
      -invalid,
      -fault,
    ]);
  });

  it("of another domain's is not the guest's to have", () => {
    const guest = begun();
    const ask = (domain: number, padding = 0, frames = 1): number =>
      guest.call(memoryOp, 28, guest.put(guest.argumentsAt, domain, 0, frames, padding, 0, 0, 0));
    expect([ask(0), ask(1), ask(self), ask(0, 1), ask(0, 0, 0xffff_ffff)]).toEqual([
      -notPermitted,
      -notPermitted,
      -noDomain,
      -invalid,
      -notPermitted,
    ]);
    const { call, put } = makeHvmGuest();
    expect(call(memoryOp, 28, put(at, 0, 0, 0, 0, 0, 0, 0))).toBe(-XenError.access);
  });

  it('is asked for from its beginning, but for what can go on', () => {
    const { call, put, argumentsAt } = begun();
    const start = 1 << 6;
    const results = [2, 3, 4, 11, 14, 15, 26, 27].map((op) =>
      call(memoryOp, op | start, put(argumentsAt, self, 0, 0, 0)),
    );
    expect(results).toEqual(Array(8).fill(-invalid));
    expect([7, 15, 23].map((op) => call(memoryOp, op, put(argumentsAt, self, 0, 0, 0)))).toEqual(
      Array(3).fill(-XenError.access),
    );
  });
});
