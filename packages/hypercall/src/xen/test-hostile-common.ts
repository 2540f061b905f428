/**
 * Calls of a hostile guest of any kind: grants, events, and the rings of store and console. Written
 * for tests.
 */
import { pageBytes } from '@ringfence/memory';
import { DomainId, XenCallNumber } from './constants.ts';
import type { Choices, Maker } from './test-choices.ts';
import { xenFrames } from './xen-frames.ts';

const { self } = DomainId;

/** Grants in both versions. */
export const grants: readonly Maker[] = [
  (one) => {
    const { domain, put } = one.guest;
    const table = domain.frame(xenFrames.grants);
    const isWide = domain.grants.version === 2;
    const at = table + one.below(16) * (isWide ? 16 : 8);
    const head = one.of([one.below(8), one.below(0x200)], 0) | (DomainId.guest << 16);
    put(at, head, ...(isWide ? [one.next(), one.frame(), 0] : [one.frame()]));
    return 0;
  },
  (one) => {
    const flags = one.below(32) | (one.below(8) === 0 ? one.next() & 0xf_0000 : 0);
    const place = one.frame() * pageBytes + one.below(512) * 8 + one.below(2);
    const at = (flags & 0x10) === 0 ? one.linear() : place;
    const map = one.put(at, 0, flags, one.below(16), DomainId.guest, 0, 0, 0);
    return one.call(XenCallNumber.grantTableOp, 0, map, 1);
  },
  (one) => {
    const frame = one.below(4) === 0 ? one.frame() * pageBytes : 0;
    const at = one.put(one.of([0, one.linear(), one.entry()], 0), 0, frame, 0, one.below(8), 0);
    return one.call(XenCallNumber.grantTableOp, 1, at, 1);
  },
  (one) => {
    const words = [one.linear(), 0, one.of([0, one.linear()], 0), 0, one.below(8), 0];
    return one.call(XenCallNumber.grantTableOp, 7, one.put(...words), 1);
  },
  (one) => one.call(XenCallNumber.grantTableOp, 4, one.put(one.frame(), one.below(8), 0, 0), 1),
  (one) => {
    const side = (): number => one.of([one.below(16), one.frame()], 0);
    const domains = one.of([self, DomainId.guest], self);
    const offset = (one.below(8) === 0 ? one.below(4096) : 0) << 16;
    const length = one.below(4097) | (one.below(4) << 16);
    const copy = one.put(side(), domains | offset, side(), self | offset, length, 0);
    return one.call(XenCallNumber.grantTableOp, 5, copy, 1);
  },
  (one) => {
    const { argumentsAt } = one.guest;
    const op = one.of([2, 6, 8, 9, 10, 11, 12], 2);
    const words = op === 8 ? [1 + one.below(2)] : [one.of([self, one.below(40)], self)];
    const list = one.put(...words, one.below(40), one.below(40), argumentsAt + 256);
    return one.call(XenCallNumber.grantTableOp, op, list, 1 + one.below(2));
  },
];

/** Events, waits and timers. */
export const events: readonly Maker[] = [
  (one) => {
    const op = one.below(15);
    const port = [3, 4, 7, 9, 13].includes(op) ? one.below(op === 7 ? 1 : 12) : one.frame();
    const first = [0, 1, 2, 5, 6, 10, 14].includes(op) ? one.of([self, one.below(24)], 0) : port;
    const words = [first, op === 13 ? one.below(17) : 0, one.below(4) * 64, 0, 0, 0];
    return one.call(XenCallNumber.eventChannelOp, op, one.put(...words));
  },
  (one) => {
    const { argumentsAt } = one.guest;
    const ports = one.guest.put(argumentsAt + 64, one.below(12), one.below(12));
    const op = one.of([0, 1, 3, 3, 5, 6, 7, 8], 0);
    return one.call(XenCallNumber.schedOp, op, one.put(ports, one.below(3), one.below(1e6), 0));
  },
  (one) => one.call(XenCallNumber.setTimerOp, one.next(), one.of([0, 0, one.next()], 0)),
  (one) => {
    const op = one.below(15);
    const area = one.of([one.frame() * pageBytes + one.below(63) * 64, one.frame()], 0);
    const words = op === 10 ? [one.frame(), 0, one.below(63) * 64] : [area, one.below(4), 0];
    const at = op === 11 ? 0 : one.put(...words);
    return one.call(XenCallNumber.vcpuOp, op, one.below(16) === 0 ? 1 : 0, at);
  },
  (one) => {
    one.guest.host.advance(one.below(2e6));
    return 0;
  },
];

/** Writes a message of the store, or anything at all, and tells of it. */
export function ringOfStore(one: Choices): number {
  const { memory, domain, put } = one.guest;
  const page = domain.storePage;
  const isOdd = one.below(16) === 0;
  const written = memory.read32(page + 2052) >>> 0;
  const paths = ['data', 'data/a', '/local/domain/1/data', 'device/b/c', '@x', '//', ''];
  const text = `${one.of(paths, '')}\0${one.of(['T', 'F', 'n1', 'value', ''], '')}`;
  const payload = one.below(4) === 0 ? text : `${text}\0`;
  const length = isOdd ? one.next() : payload.length;
  const header = [one.below(24), one.next(), one.of([0, one.below(4)], 0), length];
  const bytes = [
    ...header.flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff)),
    ...[...payload].map((character) => character.charCodeAt(0)),
  ];
  for (const [index, byte] of bytes.entries()) {
    memory.write8(page + ((written + index) % 1024), byte);
  }
  put(page + 2052, isOdd ? one.next() : written + bytes.length);
  if (one.below(2) === 0) put(page + 2056, memory.read32(page + 2060));
  return one.call(XenCallNumber.eventChannelOp, 4, one.put(domain.storePort));
}

/** Moves the index of what was said on the console, and tells of it. */
export function ringOfConsole(one: Choices): number {
  const { memory, domain, put } = one.guest;
  const page = domain.consolePage;
  const read = memory.read32(page + 3080) >>> 0;
  put(page + 3084, one.below(8) === 0 ? one.next() : read + one.below(64));
  return one.call(XenCallNumber.eventChannelOp, 4, one.put(domain.consolePort));
}
