/**
 * Calls of a hostile guest whose memory is translated, at random but for their shape: pages that it
 * places, parameters, and what all guests have. Written for tests.
 */
import { pageBytes } from '@ringfence/memory';
import { DomainId, XenCallNumber } from './constants.ts';
import { Choices } from './test-choices.ts';
import type { ChoosingGuest, Maker } from './test-choices.ts';
import { makeHvmGuest } from './test-guest.ts';
import type { TestHvmGuest } from './test-guest.ts';
import { events, grants, ringOfConsole, ringOfStore } from './test-hostile-common.ts';
import { disks, HostileDisk } from './test-hostile-disk.ts';

const { self } = DomainId;

/** A translated guest with a disk, and a page for arguments. */
export type HostileHvmGuest = TestHvmGuest & ChoosingGuest;

/** Makes one. */
export function hostileHvmGuest(): HostileHvmGuest {
  return { ...makeHvmGuest([new HostileDisk()]), argumentsAt: pageBytes };
}

/** Spaces of `add_to_physmap`: shared page, grants, parts of memory by themselves and in a row. */
const space = (one: Choices): number => one.of([0, 1, 1, 2, 3, 4, one.next()], 1);
const index = (one: Choices): number =>
  one.of([one.below(40), one.frame(), 0x8000_0000 + one.below(5), one.next()], 0);

/** Pages at other frames, memory that comes and goes, and the maps of it. */
const places: readonly Maker[] = [
  (one) => {
    const size = one.of([1, 1, one.below(16), one.next() & 0xffff], 1);
    const domain = one.below(16) === 0 ? one.below(3) : self;
    const words = [domain | (size << 16), space(one), index(one), one.frame()];
    return one.call(XenCallNumber.memoryOp, 7, one.put(...words));
  },
  (one) => {
    const { argumentsAt, put } = one.guest;
    const lists = [64, 96, 128].map((offset) => argumentsAt + offset);
    const [from = 0, to = 0, errors = 0] = lists;
    put(from, index(one), index(one), index(one));
    put(to, one.frame(), one.frame(), one.frame());
    const head = [self | (space(one) << 16), one.below(5) | (one.below(3) << 16)];
    return one.call(XenCallNumber.memoryOp, 23, one.put(...head, from, to, errors));
  },
  (one) => one.call(XenCallNumber.memoryOp, 15, one.put(self, one.frame())),
  (one) => {
    const { argumentsAt } = one.guest;
    const words = [argumentsAt + 64, one.below(4), one.below(3), 0, self];
    return one.call(XenCallNumber.memoryOp, one.of([0, 1, 6, 11], 1), one.put(...words));
  },
  (one) => {
    const at = one.put(self, one.below(40), one.below(40), one.pointer(), one.pointer());
    return one.call(XenCallNumber.memoryOp, one.below(30), one.below(4) === 0 ? self : at);
  },
];

/** Parameters, ways of upcalls, and all other calls of the interface. */
const parameters: readonly Maker[] = [
  ringOfStore,
  ringOfConsole,
  (one) => {
    const value = one.of([one.next(), one.below(256) | (2 << 24), one.below(30), 0], 0);
    const high = one.of([0, value & 0xff00_0000, one.next()], 0);
    const words = [one.below(16) === 0 ? one.below(3) : self, one.below(41), value, high];
    return one.call(XenCallNumber.hvmOp, one.below(2), one.put(...words));
  },
  (one) => one.call(XenCallNumber.hvmOp, 2 + one.below(26), one.put(0, one.below(260), 0, 0)),
  (one) => one.call(XenCallNumber.vmAssist, one.below(3), one.below(7)),
  (one) => one.call(XenCallNumber.xenVersion, one.below(12), one.pointer()),
  (one) => one.call(XenCallNumber.consoleIo, one.below(3), one.below(80_000), one.pointer()),
  (one) => one.call(XenCallNumber.mmuextOp, one.put(one.below(22)), 1, 0, self),
  (one) => {
    const { argumentsAt, put } = one.guest;
    for (let place = 0; place < 3; place += 1) {
      const number = one.of([12, 13, 15, 17, 20, 24, 29, 32, 34], 17);
      const args = [one.below(16), one.pointer(), one.below(4), self, 0, 0];
      put(argumentsAt + 1024 + place * 32, number, 0, ...args);
    }
    return one.call(XenCallNumber.multicall, argumentsAt + 1024, one.below(4));
  },
];

const families = [places, places, grants, events, parameters, disks];

/** Returns what makes one call after the other, and tells what came of it. */
export function hostileHvmCalls(
  guest: HostileHvmGuest,
  seed: number,
): () => 'wild' | 'refused' | 'done' {
  const one = new Choices<ChoosingGuest>(guest, seed, {
    frame: (chooser) => (chooser.below(8) === 0 ? chooser.below(260) : 2 + chooser.below(40)),
    linear: (chooser) => chooser.below(64) * pageBytes,
  });
  return () => {
    const isWild = one.below(8) === 0;
    const { next } = one;
    guest.memory.write32(guest.argumentsAt + 64, one.frame());
    const result = isWild
      ? one.call(one.below(48), next(), next(), next(), next(), next(), next())
      : one.of(one.of(families, places), () => 0)(one);
    return isWild ? 'wild' : result < 0 ? 'refused' : 'done';
  };
}
