import { beforeEach, describe, expect, it } from 'vitest';

import { HypercallError } from '../error.ts';
import { TestClock, TestMemory, TestRegisters, numbersFrom } from '../test-host.ts';
import { KvmFeature, KvmMsr, supportedKvmFeatures } from './constants.ts';
import { KvmAbi } from './kvm-abi.ts';
import type { KvmOptions } from './kvm-abi.ts';

const hole = { first: 0xa000, bytes: 0x1000 };
let memory: TestMemory;
let clock: TestClock;
let unixMs: number;
let stolen: number;
let polls: number;
let kvm: KvmAbi;

const options = (more: Partial<KvmOptions> = {}): KvmOptions => ({
  memory,
  clock,
  wallClock: { unixTimeMs: () => unixMs },
  steal: { stolenNs: () => stolen },
  events: { pollInterrupts: () => (polls += 1) },
  ...more,
});

beforeEach(() => {
  memory = new TestMemory(0x1_0000, hole.first, hole.bytes);
  clock = new TestClock();
  unixMs = 1_700_000_000_123.25;
  stolen = 0;
  polls = 0;
  kvm = new KvmAbi(options());
});

/** The guest's arithmetic, as msr.rst gives it. */
function guestTime(address: number, tsc: bigint): bigint {
  const shift = memory.bytes[address + 28] ?? 0;
  const signed = shift > 127 ? shift - 256 : shift;
  const delta = tsc - memory.read64(address + 8);
  const shifted = signed >= 0 ? delta << BigInt(signed) : delta >> BigInt(-signed);
  const multiplier = BigInt(memory.read32(address + 24) >>> 0);
  return ((shifted * multiplier) >> 32n) + memory.read64(address + 16);
}

describe('KVM CPUID leaves', () => {
  it('begin with the signature KVMKVMKVM and the highest leaf', () => {
    const leaf = kvm.cpuid(0x4000_0000, 0);
    const words = new Uint32Array([leaf?.ebx ?? 0, leaf?.ecx ?? 0, leaf?.edx ?? 0]);
    expect(String.fromCharCode(...new Uint8Array(words.buffer))).toBe('KVMKVMKVM\0\0\0');
    expect(leaf?.eax).toBe(0x4000_0001);
    expect(kvm.cpuid(0x4000_0100, 0)?.eax).toBe(0x4000_0101);
  });

  it('offer the clock twice, its stability, no I/O delay and steal time, and nothing else', () => {
    const bits = [0, 1, 3, 5, 24].reduce((mask, bit) => mask | (1 << bit), 0);
    expect(kvm.cpuid(0x4000_0000, 1)).toEqual({ eax: bits, ebx: 0, ecx: 0, edx: 0 });
    expect(kvm.cpuid(0x4000_0000, 2)).toBeUndefined();
  });

  it('offer only what works even when more is asked for', () => {
    const all = new KvmAbi(options({ features: -1, localApic: true }));
    expect(all.features).toBe(supportedKvmFeatures);
    expect(new KvmAbi(options({ features: -1 })).features & KvmFeature.pvEoi).toBe(0);
  });
});

describe('the wall clock MSR', () => {
  it.each([KvmMsr.wallClock, KvmMsr.wallClockNew])(
    'fills in the time of day at which the machine started (%i)',
    (msr) => {
      clock.nowNs = 2_500_000_000;
      expect(kvm.writeMsr(msr, 0x1004, 0)).toBe('handled');
      expect(memory.read32(0x1004)).toBe(2);
      expect(memory.read32(0x1008)).toBe(1_699_999_997);
      expect(memory.read32(0x100c)).toBe(623_250_000);
    },
  );

  it('goes from any version to the next even one', () => {
    for (const [before, after] of [
      [4, 6],
      [5, 8],
      [-1, 2],
      [-2, 0],
    ] as const) {
      memory.write32(0x1000, before);
      kvm.writeMsr(KvmMsr.wallClockNew, 0x1000, 0);
      expect([before, memory.read32(0x1000)]).toEqual([before, after]);
    }
  });

  it('writes once for each MSR write', () => {
    kvm.writeMsr(KvmMsr.wallClockNew, 0x1000, 0);
    const { writes } = memory;
    kvm.clockChanged();
    kvm.beforeRun();
    expect(memory.writes).toBe(writes);
  });
});

describe('the system time MSR', () => {
  it.each([KvmMsr.systemTime, KvmMsr.systemTimeNew])(
    'fills in a time structure from which the guest computes nanoseconds (%i)',
    (msr) => {
      clock.nowNs = 5_000_000_000;
      clock.tscStart = 77n;
      expect(kvm.writeMsr(msr, 0x2001, 0)).toBe('handled');
      expect(memory.read32(0x2000)).toBe(2);
      expect(memory.read32(0x2004)).toBe(0);
      expect(memory.read64(0x2008)).toBe(5_000_000_077n);
      expect(memory.read64(0x2010)).toBe(5_000_000_000n);
      expect(memory.bytes[0x2000 + 29]).toBe(1);
      expect(guestTime(0x2000, clock.tscAt(6_000_000_001))).toBe(6_000_000_001n);
    },
  );

  it.each([1, 999, 32_768, 1_000_000, 999_999_999, 1_000_000_000, 2_499_998_321, 40_000_000_000])(
    'scales a counter of %i Hz to within a part in a thousand million',
    (hertz) => {
      clock = new TestClock(hertz);
      kvm = new KvmAbi(options());
      kvm.writeMsr(KvmMsr.systemTimeNew, 0x2001, 0);
      const seconds = 1000n;
      const found = guestTime(0x2000, BigInt(hertz) * seconds);
      const wanted = seconds * 1_000_000_000n;
      expect(wanted - found).toBeGreaterThanOrEqual(0n);
      expect(wanted - found).toBeLessThanOrEqual(wanted / 1_000_000_000n + 1n);
      expect(memory.read32(0x2018) >>> 0).toBeGreaterThanOrEqual(2 ** 31);
    },
  );

  it('lets Linux recover the frequency of the counter exactly at 1 GHz', () => {
    kvm.writeMsr(KvmMsr.systemTimeNew, 0x2001, 0);
    const multiplier = BigInt(memory.read32(0x2018) >>> 0);
    const shift = BigInt(memory.bytes[0x201c] ?? 0);
    expect(((1_000_000n << 32n) / multiplier) >> shift).toBe(1_000_000n);
  });

  it('is written again with a new even version when the clock jumped', () => {
    kvm.writeMsr(KvmMsr.systemTimeNew, 0x2001, 0);
    clock.tscStart = 1_000_000n;
    clock.nowNs = 10;
    kvm.clockChanged();
    expect(memory.read32(0x2000)).toBe(4);
    expect(memory.read64(0x2008)).toBe(1_000_010n);
  });

  it('keeps the flag of a pause until the guest has cleared it, and no other', () => {
    kvm.writeMsr(KvmMsr.systemTimeNew, 0x2001, 0);
    memory.bytes[0x2000 + 29] = 0xff;
    kvm.clockChanged();
    expect(memory.bytes[0x2000 + 29]).toBe(3);
    memory.bytes[0x2000 + 29] = 1;
    kvm.clockChanged();
    expect(memory.bytes[0x2000 + 29]).toBe(1);
  });

  it('stands beside no MSR of a feature that is not offered', () => {
    // Asynchronous page faults, polling, migration.
    for (const index of [0x02, 0x05, 0x06, 0x07, 0x08].map((low) => 0x4b56_4d00 | low)) {
      expect([kvm.readMsr(index), kvm.writeMsr(index, 1, 0)]).toEqual([undefined, 'absent']);
    }
  });

  it('is no longer written once its enable bit is clear', () => {
    kvm.writeMsr(KvmMsr.systemTimeNew, 0x2001, 0);
    kvm.writeMsr(KvmMsr.systemTimeNew, 0x2000, 0);
    const { writes } = memory;
    kvm.clockChanged();
    expect(memory.writes).toBe(writes);
    expect(kvm.readMsr(KvmMsr.systemTimeNew)).toEqual({ low: 0x2000, high: 0 });
  });

  it('has no stability flag where the feature is not offered', () => {
    kvm = new KvmAbi(options({ features: KvmFeature.clockSource2 }));
    kvm.writeMsr(KvmMsr.systemTimeNew, 0x2001, 0);
    expect(memory.bytes[0x2000 + 29]).toBe(0);
  });
});

describe('the steal time MSR', () => {
  it('fills in the time stolen since it was switched on', () => {
    stolen = 1e9;
    memory.bytes.fill(0xee, 0x300c, 0x3018);
    expect(kvm.writeMsr(KvmMsr.stealTime, 0x3001, 0)).toBe('handled');
    expect(memory.read64(0x3000)).toBe(0n);
    stolen += 12_345.9;
    kvm.beforeRun();
    expect(memory.read64(0x3000)).toBe(12_345n);
    expect(memory.read32(0x3008)).toBe(4);
    expect(memory.read32(0x300c)).toBe(0);
    expect(memory.read32(0x3010)).toBe(0);
  });

  it.each([0x3002, 0x3005, 0x3009, 0x3011, 0x3021, 0x303f])(
    'refuses the reserved bits of %i and keeps its value',
    (low) => {
      kvm.writeMsr(KvmMsr.stealTime, 0x3001, 0);
      expect(kvm.writeMsr(KvmMsr.stealTime, low, 0)).toBe('fault');
      expect(kvm.readMsr(KvmMsr.stealTime)).toEqual({ low: 0x3001, high: 0 });
    },
  );
});

describe('KVM MSRs', () => {
  it('share one value between the old and the new number', () => {
    kvm.writeMsr(KvmMsr.systemTime, 0x2001, 7);
    expect(kvm.readMsr(KvmMsr.systemTimeNew)).toEqual({ low: 0x2001, high: 7 });
  });

  it.each([0x10, 0x13, 0x4b56_4d02, 0x4b56_4d04, 0x4b56_4d05, 0x4b56_4dff, 0xc000_0080])(
    'leave %i to others',
    (msr) => {
      expect(kvm.readMsr(msr)).toBeUndefined();
      expect(kvm.writeMsr(msr, 1, 0)).toBe('absent');
    },
  );

  it('are absent with their features', () => {
    kvm = new KvmAbi(options({ features: KvmFeature.clockSource2 }));
    expect(kvm.writeMsr(KvmMsr.systemTime, 0x2001, 0)).toBe('absent');
    expect(kvm.readMsr(KvmMsr.stealTime)).toBeUndefined();
    expect(kvm.readMsr(KvmMsr.wallClockNew)).toEqual({ low: 0, high: 0 });
  });

  it.each([
    ['the hole', hole.first, 0],
    ['the edge of the hole', hole.first - 4, 0],
    ['the end of memory', 0xfffc, 0],
    ['above 4 GiB', 0x1000, 1],
    ['above the physical address space', 0x1000, 0xffff_ffff],
    ['the last bytes of 32 bits', 0xffff_fffc, 0],
  ])('take an address in %s and write nothing', (_where, low, high) => {
    expect(kvm.writeMsr(KvmMsr.wallClockNew, low, high)).toBe('handled');
    expect(kvm.writeMsr(KvmMsr.systemTimeNew, low | 1, high)).toBe('handled');
    expect(memory.writes).toBe(0);
  });

  it('take a place for steal time that is no RAM and write nothing', () => {
    for (const [low, high] of [
      [hole.first + 1, 0],
      [0x1_0001, 0],
      [0x3001, 1],
      [0xffff_ffc1, 0xffff_ffff],
    ] as const) {
      expect(kvm.writeMsr(KvmMsr.stealTime, low, high)).toBe('handled');
    }
    expect(memory.writes).toBe(0);
  });

  it('are all clear after a reset', () => {
    kvm.writeMsr(KvmMsr.systemTimeNew, 0x2001, 0);
    kvm.writeMsr(KvmMsr.stealTime, 0x3001, 0);
    kvm.reset();
    const { writes } = memory;
    kvm.clockChanged();
    kvm.beforeRun();
    expect(memory.writes).toBe(writes);
    expect(kvm.readMsr(KvmMsr.stealTime)).toEqual({ low: 0, high: 0 });
  });

  it('survive a save and a restore, with the time that was stolen', () => {
    stolen = 500;
    kvm.writeMsr(KvmMsr.systemTimeNew, 0x2001, 0);
    kvm.writeMsr(KvmMsr.stealTime, 0x3001, 0);
    stolen = 900;
    const state: unknown = JSON.parse(JSON.stringify(kvm.save()));
    stolen = 10_000;
    const other = new KvmAbi(options());
    other.restore(state);
    expect(other.save()).toEqual(state);
    expect(memory.read64(0x3000)).toBe(400n);
  });

  it.each([
    null,
    {},
    { abi: 'kvm', version: 3, fields: {} },
    { abi: 'kvm', version: 2, fields: { stolenNs: 0 } },
    {
      abi: 'kvm',
      version: 2,
      fields: {
        stolenNs: -1,
        wallClock: [0, 0],
        systemTime: [0, 0],
        stealTime: [0, 0],
        pvEoi: [0, 0],
        eoiOffered: 0,
      },
    },
    {
      abi: 'kvm',
      version: 2,
      fields: {
        stolenNs: 0,
        wallClock: [0, 0.5],
        systemTime: [0, 0],
        stealTime: [0, 0],
        pvEoi: [0, 0],
        eoiOffered: 0,
      },
    },
  ])('are not restored from %j', (state) => {
    expect(() => {
      kvm.restore(state);
    }).toThrow(HypercallError);
  });

  it('refuse a frequency that is none', () => {
    for (const hertz of [0, -1, 0.5, Number.NaN]) {
      clock = new TestClock(hertz);
      expect(() => new KvmAbi(options())).toThrow('tscHertz');
    }
  });
});

describe('KVM hypercalls', () => {
  const call = (values: readonly (number | bigint)[], cpl = 0, long = false): TestRegisters => {
    const registers = new TestRegisters(values, cpl, long);
    expect(kvm.hypercall(registers)).toBe(true);
    return registers;
  };

  it('answer an unknown number with -1000', () => {
    for (const number of [0, 2, 3, 4, 6, 13, 0xffff_ffff]) {
      expect(call([number]).rax).toBe(-1000);
    }
  });

  it('refuse kick, IPI, yield and mapping, whose features are not offered, as unknown', () => {
    for (const number of [5, 10, 11, 12]) {
      expect(call([number]).rax).toBe(-1000);
    }
  });

  it('are for privilege level 0 only', () => {
    for (const cpl of [1, 2, 3]) {
      expect(call([1], cpl).rax).toBe(-1);
    }
    expect(polls).toBe(0);
  });

  it('look at interrupts for VAPIC_POLL_IRQ', () => {
    expect(call([1]).rax).toBe(0);
    expect(polls).toBe(1);
  });

  it('extend the error to 64 bits in 64-bit mode only', () => {
    expect(call([0], 0, true).high(0)).toBe(0xffff_ffff);
    expect(call([0x1_0000_0001n], 0, true).rax).toBe(-1000);
    expect(call([0x7_0000_0000n], 0, false).high(0)).toBe(0);
  });

  it('pair the time of day with the counter', () => {
    clock.nowNs = 1234;
    memory.bytes.fill(0xff, 0x4000, 0x4040);
    expect(call([9, 0, 0, 0x4000]).rax).toBe(0);
    expect(memory.read64(0x4000)).toBe(1_700_000_000n);
    expect(memory.read64(0x4008)).toBe(123_250_000n);
    expect(memory.read64(0x4010)).toBe(1234n);
    expect(memory.bytes.slice(0x4018, 0x4040).every((byte) => byte === 0)).toBe(true);
  });

  it('refuse to pair another clock, or into what is no RAM', () => {
    expect(call([9, 1, 0, 0x4000]).rax).toBe(-95);
    expect(call([9, 0, 0, hole.first]).rax).toBe(-14);
    expect(call([9, 0, 0, 0xffe0]).rax).toBe(-14);
    expect(call([9, 0, 0, 0xffff_ffff_ffff_f000n], 0, true).rax).toBe(-14);
    expect(memory.writes).toBe(0);
  });

  it('change no register but RAX', () => {
    const values = [9, 0, 3, 0x4000, 5, 6, 7, 8];
    const registers = call(values);
    expect(values.map((_value, register) => registers.low(register)).slice(1)).toEqual(
      values.slice(1),
    );
  });
});

describe('a hostile guest', () => {
  it('can write anything to every MSR and call anything without touching what is no RAM', () => {
    const next = numbersFrom(0x1234_5678);
    const numbers = [...Object.values(KvmMsr), 0x4b56_4d02, 0x4b56_4d04, 0x10];
    for (let round = 0; round < 20_000; round += 1) {
      const high = next() % 3 === 0 ? next() : 0;
      const low = next() % 2 === 0 ? next() & 0x1_ffff : next();
      kvm.writeMsr(numbers[next() % numbers.length] ?? 0, low, high);
      const long = next() % 2 === 0;
      kvm.hypercall(new TestRegisters([next() % 16, next() % 2, 0, low, next()], next() & 3, long));
      kvm.beforeRun();
      kvm.clockChanged();
    }
    const { first, bytes } = hole;
    expect(memory.bytes.slice(first, first + bytes).every((byte) => byte === 0)).toBe(true);
  });
});
