import { describe, expect, it } from 'vitest';

import { numbersFrom } from '../test-host.ts';
import { DomainId, XenCallNumber, XenError } from './constants.ts';
import { restoreDomain, saveDomain } from './domain-state.ts';
import { makeHvmGuest } from './test-guest.ts';

const { eventChannelOp } = XenCallNumber;
const Op = { close: 3, send: 4, bindIpi: 7, unmask: 9, reset: 10 } as const;
const Fifo = { initControl: 11, expandArray: 12, setPriority: 13 } as const;
const at = 0x1000;
const control = 0x5040;
const array = 0x6000;
const pending = 0x8000_0000;
const masked = 0x4000_0000;
const linked = 0x2000_0000;

/** A guest with a control block, and what it does with events. */
function makeGuest() {
  const guest = makeHvmGuest();
  const { call, put, word, domain } = guest;
  const ipi = (): number => {
    expect(call(eventChannelOp, Op.bindIpi, put(at, 0, 0))).toBe(0);
    return word(at + 4);
  };
  const send = (port: number): number => call(eventChannelOp, Op.send, put(at, port));
  const begin = (): number => call(eventChannelOp, Fifo.initControl, put(at, 5, 0, 0x40, 0, 0, 0));
  const expand = (frame = array / 4096): number =>
    call(eventChannelOp, Fifo.expandArray, put(at, frame, 0));
  const prioritise = (port: number, priority: number): number =>
    call(eventChannelOp, Fifo.setPriority, put(at, port, priority));
  const wordAt = (port: number): number => array + port * 4;
  /** Takes events off the lists as Linux does; returns the ports that were pending. */
  const consume = (): readonly number[] => {
    const ports: number[] = [];
    domain.shared.upcallPending = false;
    for (let ready = word(control); ready !== 0; ready = word(control)) {
      const priority = 31 - Math.clz32(ready & -ready);
      let head = word(control + 8 + priority * 4);
      put(control, word(control) & ~(1 << priority));
      while (head !== 0) {
        const value = word(wordAt(head));
        put(wordAt(head), value & ~(linked | 0x1ffff));
        if ((value & pending) !== 0 && (value & masked) === 0) {
          ports.push(head);
          put(wordAt(head), value & ~(pending | linked | 0x1ffff));
        }
        head = value & 0x1ffff;
      }
    }
    return ports;
  };
  return { ...guest, ipi, send, begin, expand, prioritise, wordAt, consume };
}

/** The same with a page of words. */
function queued() {
  const guest = makeGuest();
  expect([guest.begin(), guest.expand()]).toEqual([0, 0]);
  return guest;
}

describe('queues of events', () => {
  it('begin with a control block, say how wide a link is, and take pages of words', () => {
    const { begin, expand, word } = makeGuest();
    expect([begin(), word(at + 16)]).toEqual([0, 17]);
    expect(expand()).toBe(0);
    // There is one for the virtual CPU already.
    expect(begin()).toBe(-XenError.invalid);
  });

  it.each([
    ['another virtual CPU', [5, 0, 0, 1], XenError.noEntry],
    ['a place that crosses its page', [5, 0, 4096 - 64, 0], XenError.invalid],
    ['a place that is not aligned', [5, 0, 4, 0], XenError.invalid],
    ['a page that is none', [0x7ffff, 0, 0, 0], XenError.invalid],
    ['a page past 16 TiB', [5, 1, 0, 0], XenError.invalid],
  ])('refuse a control block of %s', (_name, words, error) => {
    const { call, put, expand } = makeGuest();
    expect(call(eventChannelOp, Fifo.initControl, put(at, ...words, 0, 0))).toBe(-error);
    expect(expand()).toBe(-XenError.notSupported);
  });

  it('refuse priorities that there are not, and any without queues', () => {
    const { ipi, prioritise, begin } = makeGuest();
    const port = ipi();
    expect(prioritise(port, 3)).toBe(-XenError.noSuchCall);
    begin();
    expect([prioritise(port, 3), prioritise(port, 16), prioritise(5000, 3)]).toEqual([
      0,
      -XenError.invalid,
      -XenError.invalid,
    ]);
  });

  it('link events in the order in which they came, and ask for one upcall', () => {
    const { ipi, send, word, wordAt, consume, domain, host } = queued();
    const [one, two, three] = [ipi(), ipi(), ipi()];
    const before = host.attentions;
    for (const port of [two, one, three, one]) expect(send(port)).toBe(0);
    expect([domain.shared.upcallPending, host.attentions - before]).toEqual([true, 1]);
    expect([word(control), word(control + 8 + 7 * 4)]).toEqual([1 << 7, two]);
    expect([two, one, three].map((port) => word(wordAt(port)))).toEqual(
      [one, three, 0].map((link) => (pending | linked | link) >>> 0),
    );
    expect(consume()).toEqual([two, one, three]);
    send(three);
    expect(consume()).toEqual([three]);
  });

  it('have a list for each priority', () => {
    const { ipi, send, prioritise, consume } = queued();
    const [one, two, three] = [ipi(), ipi(), ipi()];
    prioritise(three, 0);
    prioritise(one, 15);
    for (const port of [one, two, three]) send(port);
    expect(consume()).toEqual([three, two, one]);
  });

  it('move a port to another list after it was taken off the first', () => {
    const { ipi, send, prioritise, consume } = queued();
    const [one, two] = [ipi(), ipi()];
    send(one);
    prioritise(one, 2);
    expect(consume()).toEqual([one]);
    send(one);
    // The end of the usual list is linked elsewhere now: what comes is not put behind it.
    send(two);
    expect(consume()).toEqual([one, two]);
  });

  it('do not link a masked event until it is unmasked', () => {
    const { ipi, send, put, word, wordAt, call, consume } = queued();
    const port = ipi();
    put(wordAt(port), masked);
    send(port);
    expect([word(wordAt(port)), word(control)]).toEqual([(pending | masked) >>> 0, 0]);
    expect(call(eventChannelOp, Op.unmask, put(at, port))).toBe(0);
    expect(consume()).toEqual([port]);
  });

  it('keep events for which there is no word yet, also those from before', () => {
    const { ipi, send, begin, expand, consume } = makeGuest();
    const [early, late] = [ipi(), ipi()];
    send(early);
    begin();
    send(late);
    expect(expand()).toBe(0);
    expect(consume()).toEqual([early, late]);
  });

  it('do not give a port away again that the guest has still to take off a list', () => {
    const { ipi, send, call, put, consume } = queued();
    const port = ipi();
    send(port);
    call(eventChannelOp, Op.close, put(at, port));
    expect(ipi()).not.toBe(port);
    expect(consume()).toEqual([]);
    expect(ipi()).toBe(port);
  });

  it('end with all ports, and bits are used again', () => {
    const { ipi, send, call, put, begin, domain } = queued();
    expect(call(eventChannelOp, Op.reset, put(at, DomainId.self))).toBe(0);
    const port = ipi();
    send(port);
    expect(domain.shared.isPending(port)).toBe(true);
    expect(begin()).toBe(0);
  });

  it('take 128 pages of words', () => {
    const { begin, expand } = makeGuest();
    begin();
    for (let page = 0; page < 128; page += 1) expect(expand()).toBe(0);
    expect(expand()).toBe(-XenError.noSpace);
  });

  it('go on after the guest was saved and restored', () => {
    const { ipi, send, prioritise, consume, domain, host } = queued();
    const [one, two, three] = [ipi(), ipi(), ipi()];
    prioritise(two, 1);
    send(one);
    const fields = saveDomain(domain);
    const memory = host.memory.bytes.slice();
    domain.reset();
    host.memory.bytes.set(memory);
    restoreDomain(domain, fields);
    send(three);
    send(two);
    expect(consume()).toEqual([two, one, three]);
  });

  it('neither throw nor loop whatever stands in the words', () => {
    const { ipi, send, prioritise, call, put, domain, host } = queued();
    const ports = [ipi(), ipi(), ipi(), ipi()];
    const random = numbersFrom(5);
    for (let count = 0; count < 20_000; count += 1) {
      const port = ports[random() % 4] ?? 0;
      put(array + (random() % 1024) * 4, random());
      put(control + (random() % 18) * 4, random());
      if (random() % 4 === 0) prioritise(port, random() % 17);
      if (random() % 4 === 0) call(eventChannelOp, Op.unmask, put(at, port));
      send(port);
    }
    expect(host.memory.bytes.subarray(0x7000, 0x8000).every((byte) => byte === 0)).toBe(true);
    expect(domain.events.queueFrames).toEqual([5, 6]);
  });
});
