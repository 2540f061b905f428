import { beforeEach, describe, expect, it } from 'vitest';

import { TestClock, TestMemory, numbersFrom } from '../test-host.ts';
import { KvmMsr } from './constants.ts';
import { KvmAbi } from './kvm-abi.ts';

const word = 0x2004;
let memory: TestMemory;
let kvm: KvmAbi;

const makeKvm = (localApic = true): KvmAbi =>
  new KvmAbi({
    memory,
    clock: new TestClock(),
    wallClock: { unixTimeMs: () => 0 },
    steal: { stolenNs: () => 0 },
    events: { pollInterrupts: () => undefined },
    localApic,
  });

/** What a guest does at the end of an interrupt: true when it needs no write to EOI. */
function guestEnds(): boolean {
  const before = memory.read32(word);
  memory.write32(word, before & ~1);
  return (before & 1) !== 0;
}

beforeEach(() => {
  memory = new TestMemory(0x1_0000, 0xa000, 0x1000);
  kvm = makeKvm();
});

describe('KVM PV EOI', () => {
  it('is offered only with a local APIC', () => {
    expect(kvm.cpuid(0x4000_0000, 1)?.eax).toBe(kvm.features);
    expect([kvm.features & 0x40, makeKvm(false).features & 0x40]).toEqual([0x40, 0]);
    expect(makeKvm(false).writeMsr(KvmMsr.pvEoi, word | 1, 0)).toBe('absent');
  });

  it('keeps its MSR, and refuses an address that is not aligned', () => {
    expect(kvm.writeMsr(KvmMsr.pvEoi, word | 1, 0)).toBe('handled');
    expect(kvm.readMsr(KvmMsr.pvEoi)).toEqual({ low: word | 1, high: 0 });
    expect(kvm.writeMsr(KvmMsr.pvEoi, word | 3, 0)).toBe('fault');
    expect(kvm.readMsr(KvmMsr.pvEoi)).toEqual({ low: word | 1, high: 0 });
  });

  it('sets the bit that the guest clears at the end of an interrupt', () => {
    memory.write32(word, 0xff00);
    kvm.writeMsr(KvmMsr.pvEoi, word | 1, 0);
    expect(kvm.endOfInterrupt.offer()).toBe(true);
    expect([memory.read32(word), guestEnds()]).toEqual([0xff01, true]);
    expect([kvm.endOfInterrupt.withdraw(), memory.read32(word)]).toEqual([true, 0xff00]);
  });

  it('takes an offer back so that the guest must write EOI', () => {
    kvm.writeMsr(KvmMsr.pvEoi, word | 1, 0);
    kvm.endOfInterrupt.offer();
    expect([kvm.endOfInterrupt.withdraw(), guestEnds()]).toEqual([false, false]);
  });

  it('offers nothing while it is off, or where there is no RAM', () => {
    expect(kvm.endOfInterrupt.offer()).toBe(false);
    kvm.writeMsr(KvmMsr.pvEoi, 0xa001, 0);
    expect(kvm.endOfInterrupt.offer()).toBe(false);
    kvm.writeMsr(KvmMsr.pvEoi, word | 1, 0x10_0000);
    expect(kvm.endOfInterrupt.offer()).toBe(false);
    expect(memory.writes).toBe(0);
  });

  it('remembers an end that came before the guest moved the word', () => {
    kvm.writeMsr(KvmMsr.pvEoi, word | 1, 0);
    kvm.endOfInterrupt.offer();
    guestEnds();
    kvm.writeMsr(KvmMsr.pvEoi, 0, 0);
    expect([kvm.endOfInterrupt.withdraw(), kvm.endOfInterrupt.withdraw()]).toEqual([true, false]);
  });

  it('clears the bit when the guest switches it off before the end', () => {
    kvm.writeMsr(KvmMsr.pvEoi, word | 1, 0);
    kvm.endOfInterrupt.offer();
    kvm.writeMsr(KvmMsr.pvEoi, 0, 0);
    expect([memory.read32(word) & 1, kvm.endOfInterrupt.withdraw()]).toEqual([0, false]);
  });

  it('survives a save and a restore with an offer that stands', () => {
    kvm.writeMsr(KvmMsr.pvEoi, word | 1, 0);
    kvm.endOfInterrupt.offer();
    const other = makeKvm();
    other.restore(JSON.parse(JSON.stringify(kvm.save())));
    guestEnds();
    expect(other.endOfInterrupt.withdraw()).toBe(true);
  });

  it('survives random writes of its MSR and of the word', () => {
    const next = numbersFrom(7);
    for (let round = 0; round < 10_000; round += 1) {
      kvm.writeMsr(KvmMsr.pvEoi, next(), next() % 3);
      kvm.endOfInterrupt.offer();
      memory.write32(word, next());
      kvm.endOfInterrupt.withdraw();
    }
    expect(kvm.save().version).toBe(2);
  });
});
