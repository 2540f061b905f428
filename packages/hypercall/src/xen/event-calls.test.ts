/** Error numbers of calls about event channels, where the order of checks shows. */
import { describe, expect, it } from 'vitest';

import { DomainId, XenCallNumber, XenError } from './constants.ts';
import { restoreDomain, saveDomain } from './domain-state.ts';
import { begun } from './pv/test-begun.ts';
import { makeHvmGuest } from './test-guest.ts';

const { eventChannelOp, schedOp } = XenCallNumber;
const Op = { bindInterdomain: 0, bindVirq: 1, bindPirq: 2, status: 5, allocUnbound: 6 } as const;
const unmask = 9;
const at = 0x1000;
const { self, backend } = DomainId;

describe('the console of a guest that closed its port', () => {
  it('has what the guest wrote last when it stops', () => {
    const { call, put, memory, domain, host } = makeHvmGuest();
    expect(call(eventChannelOp, 10, put(0x1000, DomainId.self))).toBe(0);
    const ring = domain.consolePage;
    for (const [index, character] of [...'last\n'].entries()) {
      memory.write8(ring + 1024 + index, character.charCodeAt(0));
    }
    memory.write32(ring + 3084, 5);
    expect(host.said).toBe('');
    expect(call(XenCallNumber.schedOp, 2, put(0x1000, 0))).toBe(0);
    expect([host.said, host.shutdowns, memory.read32(ring + 3080)]).toEqual([
      'last\n',
      ['poweroff'],
      5,
    ]);
  });
});

describe('ports', () => {
  it('come into being 64 at a time, and others cannot be waited for or asked about', () => {
    const { call, put } = makeHvmGuest();
    const poll = (port: number): number =>
      call(schedOp, 3, put(at, put(at + 0x100, port), 1, 0, 0));
    const askAll = (port: number): readonly number[] => [
      poll(port),
      call(eventChannelOp, Op.status, put(at, self, port, 0, 0, 0, 0)),
      call(eventChannelOp, unmask, put(at, port)),
    ];
    expect(askAll(63)).toEqual([0, 0, 0]);
    for (const port of [64, 1023, 1024, 0xffff_ffff]) {
      expect(askAll(port)).toEqual([-XenError.invalid, -XenError.invalid, -XenError.invalid]);
    }
    for (let port = 3; port < 64 + 1; port += 1) {
      expect(call(eventChannelOp, 7, put(at, 0, 0))).toBe(0);
    }
    expect([127, 128].map(poll)).toEqual([0, -XenError.invalid]);
  });
});

describe('binding', () => {
  it('to another domain: it has made no port, or is not there', () => {
    const { call, put } = makeHvmGuest();
    const bind = (domain: number, port: number): number =>
      call(eventChannelOp, Op.bindInterdomain, put(at, domain, port, 0));
    expect([bind(backend, 1), bind(7, 1), bind(self, 60)]).toEqual([
      -XenError.invalid,
      -XenError.noDomain,
      -XenError.invalid,
    ]);
  });

  it('of virtual interrupts: the number first, then the processor', () => {
    const { call, put } = makeHvmGuest();
    const bind = (virq: number, vcpu: number): number =>
      call(eventChannelOp, Op.bindVirq, put(at, virq, vcpu, 0));
    expect([bind(24, 0), bind(24, 9), bind(3, 9), bind(0, 9), bind(3, 0)]).toEqual([
      -XenError.invalid,
      -XenError.invalid,
      -XenError.invalid,
      -XenError.noEntry,
      0,
    ]);
  });

  it("of interrupts of devices that are not the guest's", () => {
    const { call, put, argumentsAt } = begun();
    const bind = (pirq: number): number =>
      call(eventChannelOp, Op.bindPirq, put(argumentsAt, pirq, 0, 0));
    expect([bind(3), bind(4000)]).toEqual([-XenError.notPermitted, -XenError.invalid]);
  });

  it('is left open to domains that need not be there yet', () => {
    const { call, put, word } = makeHvmGuest();
    const open = (remote: number): number =>
      call(eventChannelOp, Op.allocUnbound, put(at, self | (remote << 16), 0));
    expect([open(9), open(0x7ff4)]).toEqual([0, 0]);
    const port = word(at + 4);
    expect(call(eventChannelOp, Op.status, put(at, self, port, 0, 0, 0, 0))).toBe(0);
    expect([8, 16].map((offset) => word(at + offset))).toEqual([1, 0x7ff4]);
  });
});

describe("a port that was a back end's", () => {
  it("is the guest's own once it was closed and made anew, also after a restore", () => {
    const { call, put, word, domain, tools } = makeHvmGuest();
    const { events, consolePort } = domain;
    expect(events.at(consolePort).kind).toBe('backend');
    expect(call(eventChannelOp, 10, put(at, DomainId.self))).toBe(0);
    const unbound = put(at, DomainId.self | (DomainId.backend << 16), 0);
    const ports = [1, 2].map(() => call(eventChannelOp, 6, unbound) || word(at + 4));
    expect(ports).toEqual([1, 2]);
    tools.console.receive(Uint8Array.of(65));
    expect(domain.shared.isPending(consolePort)).toBe(false);
    restoreDomain(domain, structuredClone(saveDomain(domain)));
    expect(ports.map((port) => events.at(port).kind)).toEqual(['unbound', 'unbound']);
  });
});
