import { describe, expect, it } from 'vitest';

import { TestRegisters, numbersFrom } from '../test-host.ts';
import { CallLog } from '../call-log.ts';
import { DomainId, HvmParam, XenCallNumber, XenError } from './constants.ts';
import { xenFrames } from './xen-frames.ts';
import { XenHvmAbi, xenHypercallMsr } from './hvm-abi.ts';
import { toText } from './io/store/wire.ts';
import { makeHvmGuest } from './test-guest.ts';

const { eventChannelOp, grantTableOp, memoryOp, hvmOp, schedOp, vcpuOp, xenVersion } =
  XenCallNumber;
const self = DomainId.self;
const at = 0x1000;

describe('xen_version', () => {
  it('tells version, features and page size', () => {
    const { call, put, word } = makeHvmGuest();
    expect(call(xenVersion, 0, 0)).toBe((4 << 16) | 17);
    expect(call(xenVersion, 6, put(at, 0, 0))).toBe(0);
    expect(word(at + 4) & (1 << 8)).not.toBe(0);
    expect([call(xenVersion, 7, 0), call(xenVersion, 7, at)]).toEqual([4096, -XenError.invalid]);
  });

  it('refuses a place that is no memory', () => {
    expect(makeHvmGuest().call(xenVersion, 1, 0xffff_f000)).toBe(-XenError.fault);
  });
});

describe('the store that a guest finds', () => {
  it('leads from its domain to what it is called and identified by', () => {
    const { store } = makeHvmGuest().tools;
    const read = (path: string): string => {
      const found = store.read(path, DomainId.guest);
      return 'value' in found ? toText(found.value) : JSON.stringify(found);
    };
    const vm = read('/local/domain/1/vm');
    expect([read('/local/domain/1/domid'), read(`${vm}/name`)]).toEqual(['1', 'guest']);
    expect(vm).toBe(`/vm/${read(`${vm}/uuid`)}`);
  });
});

describe('event channels', () => {
  it('deliver a virtual interrupt: pending bit, selector, upcall', () => {
    const { call, put, word, domain, host } = makeHvmGuest();
    expect(call(eventChannelOp, 1, put(at, 0, 0, 0))).toBe(0);
    const port = word(at + 8);
    domain.setTimer(1000);
    host.advance(2000);
    expect([domain.shared.isPending(port), domain.shared.upcallPending]).toEqual([true, true]);
    expect(host.attentions).toBe(1);
  });

  it('hold a masked event back until it is unmasked', () => {
    const { call, put, word, domain } = makeHvmGuest();
    call(eventChannelOp, 7, put(at, 0, 0));
    const port = word(at + 4);
    domain.shared.setMasked(port, true);
    call(eventChannelOp, 4, put(at, port));
    expect(domain.shared.upcallPending).toBe(false);
    expect(call(eventChannelOp, 9, put(at, port))).toBe(0);
    expect(domain.shared.upcallPending).toBe(true);
  });

  it('bind a virtual interrupt once', () => {
    const { call, put } = makeHvmGuest();
    call(eventChannelOp, 1, put(at, 0, 0, 0));
    expect(call(eventChannelOp, 1, put(at, 0, 0, 0))).toBe(-XenError.exists);
  });

  it('connect two ports of the guest', () => {
    const { call, put, word, domain } = makeHvmGuest();
    call(eventChannelOp, 6, put(at, self | (self << 16), 0));
    const one = word(at + 4);
    expect(call(eventChannelOp, 0, put(at, self, one, 0))).toBe(0);
    const other = word(at + 8);
    domain.shared.setPending(one, false);
    call(eventChannelOp, 4, put(at, other));
    expect(domain.shared.isPending(one)).toBe(true);
    expect(call(eventChannelOp, 3, put(at, other))).toBe(0);
    expect(domain.events.at(one).kind).toBe('unbound');
  });

  it('run out, and say so', () => {
    const { call, put } = makeHvmGuest();
    const results = Array.from({ length: 1030 }, () => call(eventChannelOp, 7, put(at, 0, 0)));
    expect(results.filter((result) => result === 0).length).toBeLessThan(1024);
    expect(results.at(-1)).toBe(-XenError.noSpace);
  });

  it('refuse ports that are none', () => {
    const { call, put } = makeHvmGuest();
    for (const port of [0, 1000, 5000, 0xffff_ffff]) {
      expect(call(eventChannelOp, 4, put(at, port))).toBe(-XenError.invalid);
      expect(call(eventChannelOp, 3, put(at, port))).toBe(-XenError.invalid);
    }
  });
});

describe('grants', () => {
  it('of version 1 are used and marked, and released', () => {
    const { domain, put, word } = makeHvmGuest();
    const entry = put(domain.frame(xenFrames.grants) + 9 * 8, 1, 5);
    const grant = domain.grants.use(9, true);
    expect(grant).toEqual({ physical: 0x5000, bytes: 4096 });
    expect(word(entry) & 0xffff).toBe(0x19);
    put(entry + 4, 6);
    domain.grants.release(9, true);
    expect([word(entry) & 0xffff, domain.grants.inUse]).toEqual([1, 0]);
  });

  it('to read only, to another domain, or of nothing are refused', () => {
    const { domain, put } = makeHvmGuest();
    const first = domain.frame(xenFrames.grants);
    put(first + 8, 1 | 4, 5);
    put(first + 16, 1 | (7 << 16), 5);
    put(first + 24, 1, 0xf_ffff);
    expect(domain.grants.use(1, false)).toBeDefined();
    for (const [reference, write] of [
      [1, true],
      [2, false],
      [3, false],
      [4, false],
      [1e6, false],
    ]) {
      expect(domain.grants.use(reference as number, write as boolean)).toBeUndefined();
    }
  });

  it('of version 2 can be part of a page', () => {
    const { call, domain, put } = makeHvmGuest();
    expect(call(grantTableOp, 8, put(at, 2), 1)).toBe(0);
    put(domain.frame(xenFrames.grants) + 9 * 16, 1 | 0x100, (64 << 16) | 128, 5, 0);
    expect(domain.grants.use(9, false)).toEqual({ physical: 0x5080, bytes: 64 });
    expect(call(grantTableOp, 8, put(at, 1), 1)).toBe(-XenError.busy);
  });

  it('tell the size of their table', () => {
    const { call, put, word } = makeHvmGuest();
    expect(call(grantTableOp, 6, put(at, self, 0, 0, 0), 1)).toBe(0);
    expect([word(at + 4), word(at + 8), word(at + 12) & 0xffff]).toEqual([1, 32, 0]);
  });
});

describe('memory_op', () => {
  it("places Xen's pages at frames of the guest, each at one", () => {
    const { call, put, memory, domain } = makeHvmGuest();
    expect(call(memoryOp, 7, put(at, self, 0, 0, 0x80))).toBe(0);
    expect(call(memoryOp, 7, put(at, self, 0, 0, 0x81))).toBe(0);
    expect([...memory.aliases]).toEqual([[0x8_1000, domain.shared.page]]);
    expect(call(memoryOp, 15, put(at, self, 0x81))).toBe(0);
    expect(memory.aliases.size).toBe(0);
    expect(call(memoryOp, 7, put(at, self, 1, 40, 0x80))).toBe(-XenError.invalid);
  });

  it('tells the memory map, as far as there is room', () => {
    const { call, put, word, domain } = makeHvmGuest();
    expect(call(memoryOp, 9, put(at, 8, at + 0x100))).toBe(0);
    expect([word(at), word(at + 0x108), word(at + 0x110)]).toEqual([1, domain.map[0]?.bytes, 1]);
  });
});

describe('mmuext_op of a translated guest', () => {
  it('finds the domain, and no page tables that Xen checks', () => {
    const { call } = makeHvmGuest();
    const extend = (domain: number): number => call(XenCallNumber.mmuextOp, at, 0, 0, domain);
    expect([self, 0, 1, 9].map(extend)).toEqual([-22, -1, -3, -3]);
  });
});

describe('hvm_op', () => {
  it('tells pages and ports of console and store', () => {
    const { call, put, word, domain } = makeHvmGuest();
    const param = (index: number): number => {
      expect(call(hvmOp, 1, put(at, self, index, 0, 0))).toBe(0);
      return word(at + 8);
    };
    expect(param(HvmParam.consolePfn)).toBe(domain.frame(xenFrames.console) / 4096);
    expect(param(HvmParam.storeEventChannel)).toBe(domain.storePort);
  });

  it('has parameters of its own, of the tool stack, and numbers of none', () => {
    const { call, put } = makeHvmGuest();
    const results = (op: number): readonly number[] =>
      [18, 16, 3, 22, 39].map((index) => call(hvmOp, op, put(at, self, index, 1, 0)));
    expect([results(0), results(1)]).toEqual([
      [0, -1, -22, -22, -22],
      [0, -1, -22, -22, -22],
    ]);
  });

  it('takes a vector for upcalls, from 16 on', () => {
    const { call, put, domain } = makeHvmGuest();
    expect(call(hvmOp, 0, put(at, self, 0, 0xf3, 2 << 24))).toBe(0);
    expect(domain.upcalls.vector).toBe(0xf3);
    expect(call(hvmOp, 0, put(at, self, 0, 3, 2 << 24))).toBe(-XenError.invalid);
    expect(domain.upcalls.vector).toBe(0xf3);
    expect([call(hvmOp, 23, put(at, 9, 3)), call(hvmOp, 23, put(at, 9, 0xf3))]).toEqual([-22, -2]);
  });

  it('tells where there is memory, and of no other maps of it', () => {
    const { call, put, word } = makeHvmGuest();
    const kind = (frame: number): number => {
      expect(call(hvmOp, 15, put(at, self, 0, frame, 0))).toBe(0);
      return word(at) >>> 16;
    };
    expect([kind(5), kind(0xfee00)]).toEqual([0, 2]);
    expect(call(hvmOp, 15, put(at, 9, 0, 5, 0))).toBe(-XenError.noDomain);
    expect(call(hvmOp, 25, at)).toBe(-XenError.notSupported);
    // The number of a parameter is looked at before whose it is.
    expect([call(hvmOp, 1, put(at, 9, 99)), call(hvmOp, 1, put(at, self, 35))]).toEqual([-22, 0]);
  });
});

describe('sched_op and vcpu_op', () => {
  it('stop the machine for the reason given', () => {
    const { call, put, host } = makeHvmGuest();
    call(schedOp, 2, put(at, 1));
    // A byte that means nothing stops it too.
    call(schedOp, 2, put(at, 0x109));
    expect(host.shutdowns).toEqual(['reboot', 'poweroff']);
  });

  it('move vcpu_info once, and not across pages', () => {
    const { call, put, domain } = makeHvmGuest();
    expect(call(vcpuOp, 10, 0, put(at, 8, 0, 0xff0, 0))).toBe(-XenError.noAddress);
    expect(call(vcpuOp, 10, 0, put(at, 8, 0, 0x42, 0))).toBe(-XenError.noAddress);
    expect(call(vcpuOp, 10, 0, put(at, 8, 1, 0x40, 0))).toBe(-XenError.invalid);
    expect(call(vcpuOp, 10, 0, put(at, 8, 0, 0x40, 0))).toBe(0);
    expect(domain.shared.vcpu).toBe(0x8040);
    expect(call(vcpuOp, 10, 0, put(at, 8, 0, 0x80, 0))).toBe(-XenError.invalid);
  });

  it('know one virtual CPU', () => {
    const { call } = makeHvmGuest();
    expect([call(vcpuOp, 3, 0, 0), call(vcpuOp, 3, 1, 0)]).toEqual([1, -XenError.noEntry]);
    // A state for it is read first; the last of its 128 bytes must be there.
    expect([call(vcpuOp, 0, 0, 0xff_ff80), call(vcpuOp, 0, 0, 0xf_ff80)]).toEqual([
      -XenError.fault,
      -XenError.exists,
    ]);
    expect([call(vcpuOp, 0, 0, 0xf_ff81), call(vcpuOp, 12, 0, at)]).toEqual([
      -XenError.fault,
      -XenError.noSuchCall,
    ]);
  });

  it('do not stop other domains', () => {
    const { call, put } = makeHvmGuest();
    const stop = (domain: number): number => call(schedOp, 4, put(at, domain, 0));
    expect([0, 1, 9].map(stop)).toEqual([-1, -1, -XenError.noDomain]);
    expect([4, 5, 7].map((op) => call(schedOp, op, 0xffff_0000))).toEqual([-14, -14, -1]);
  });

  it('set a timer, and look in 100 ms after one that lies out of all time', () => {
    const { call, host, domain } = makeHvmGuest();
    const { setTimerOp } = XenCallNumber;
    const deadline = (low: number, high: number): number => {
      expect(call(setTimerOp, low, high)).toBe(0);
      return domain.timerState[0] - host.clock.nowNs;
    };
    expect([deadline(0, 0x10_0000), deadline(5, -1), deadline(0, 0x3_ffff)]).toEqual([
      100e6,
      100e6,
      0x3_ffff * 2 ** 32 - host.clock.nowNs,
    ]);
  });
});

describe('multicall', () => {
  it('gives each call its result, and refuses itself', () => {
    const { call, put, word } = makeHvmGuest();
    put(at, xenVersion, 99, 7, 0);
    put(at + 32, XenCallNumber.multicall, 99, at, 1);
    expect(call(XenCallNumber.multicall, at, 2)).toBe(0);
    expect([word(at + 4), word(at + 36) | 0]).toEqual([4096, -XenError.invalid]);
  });
});

describe('the interface of a translated guest', () => {
  const make = () => {
    const guest = makeHvmGuest();
    const space = { translate: (linear: number) => (linear < 0x10_0000 ? linear : -1) };
    return { ...guest, abi: new XenHvmAbi({ domain: guest.domain, space, log: new CallLog() }) };
  };

  it('has the signature and the number of the MSR in its leaves', () => {
    const { abi } = make();
    const { ebx = 0, ecx = 0, edx = 0 } = abi.cpuid(0x4000_0000, 0, 0) ?? {};
    const text = [ebx, ecx, edx]
      .flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff))
      .map((code) => String.fromCharCode(code))
      .join('');
    expect([text, abi.cpuid(0x4000_0000, 2, 0)?.ebx]).toEqual(['XenVMMXenVMM', xenHypercallMsr]);
  });

  it('fills the hypercall page, and refuses one that is no memory', () => {
    const { abi, memory } = make();
    expect(abi.writeMsr(xenHypercallMsr, 0x5000, 0)).toBe('handled');
    expect([...memory.bytes.subarray(0x5000 + 17 * 32, 0x5000 + 17 * 32 + 9)]).toEqual([
      0xb8, 17, 0, 0, 0, 0x0f, 0x01, 0xc1, 0xc3,
    ]);
    expect(abi.writeMsr(xenHypercallMsr, 0x5001, 0)).toBe('fault');
    expect(abi.writeMsr(xenHypercallMsr, 0xffff_f000, 0)).toBe('fault');
  });

  it('serves calls of ring 0 alone', () => {
    const { abi } = make();
    const user = new TestRegisters([xenVersion], 3);
    abi.hypercall(user);
    expect(user.rax).toBe(-XenError.notPermitted);
  });

  it('restores what it saved', () => {
    const { abi, call, put, domain } = make();
    call(eventChannelOp, 1, put(at, 0, 0, 0));
    call(hvmOp, 0, put(at, self, 0, 0xf3, 2 << 24));
    const saved = structuredClone(abi.save());
    domain.reset();
    abi.restore(saved);
    expect(abi.save()).toEqual(saved);
    expect(() => {
      abi.restore({ abi: 'kvm', version: 1, fields: {} });
    }).toThrow('expected');
  });

  it('survives a hostile guest: no exception, no growth', { timeout: 120_000 }, () => {
    const { abi, memory, domain } = make();
    const next = numbersFrom(99);
    for (let count = 0; count < 8_000; count += 1) {
      const words = Array.from({ length: 8 }, () => {
        const value = next();
        return value % 3 === 0 ? value % 64 : value % 3 === 1 ? value % 0xf_0000 : value;
      });
      const registers = new TestRegisters([(words[0] ?? 0) % 48, ...words]);
      for (const [index, word] of words.entries()) {
        memory.write32(((0x2000 + next() * 4 + index * 4) % 0xb_0000) & ~3, word);
      }
      expect(abi.hypercall(registers)).toBe(true);
    }
    expect(domain.events.inUse.length).toBeLessThan(1024);
    expect(domain.placed.list.length).toBeLessThan(64);
  });
});
