import { describe, expect, it } from 'vitest';

import { HypercallDispatch } from './dispatch.ts';
import type { AbiState, HypercallAbi, MsrWriteResult } from './interfaces.ts';
import { KvmAbi } from './kvm/kvm-abi.ts';
import { TestClock, TestMemory, TestRegisters } from './test-host.ts';

/** An interface that knows one MSR and the hypercalls of one number. */
class OneOfEach implements HypercallAbi {
  readonly name: string;
  readonly msr: number;
  readonly call: number;
  log: string[] = [];

  constructor(name: string, msr: number, call: number) {
    this.name = name;
    this.msr = msr;
    this.call = call;
  }

  cpuid(base: number, offset: number, subleaf: number) {
    return offset > 1 ? undefined : { eax: base, ebx: offset, ecx: subleaf, edx: this.msr };
  }
  readMsr(index: number) {
    return index === this.msr ? { low: this.call, high: 0 } : undefined;
  }
  writeMsr(index: number, low: number): MsrWriteResult {
    return index !== this.msr ? 'absent' : low === 0 ? 'fault' : 'handled';
  }
  hypercall(registers: TestRegisters): boolean {
    const mine = registers.low(0) === this.call;
    if (mine) {
      registers.set(0, this.msr, 0);
    }
    return mine;
  }
  beforeRun(): void {
    this.log.push('beforeRun');
  }
  clockChanged(): void {
    this.log.push('clockChanged');
  }
  reset(): void {
    this.log.push('reset');
  }
  save(): AbiState {
    return { abi: this.name, version: 1, fields: {} };
  }
  restore(state: unknown): void {
    this.log.push(`restore ${JSON.stringify(state)}`);
  }
}

const pair = () => {
  const first = new OneOfEach('first', 0x10, 1);
  const second = new OneOfEach('second', 0x20, 2);
  return { first, second, dispatch: new HypercallDispatch([first, second]) };
};

describe('HypercallDispatch', () => {
  it('gives each interface 0x100 CPUID leaves', () => {
    const { dispatch } = pair();
    expect(dispatch.cpuid(0x4000_0000, 9)).toEqual({
      eax: 0x4000_0000,
      ebx: 0,
      ecx: 9,
      edx: 0x10,
    });
    expect(dispatch.cpuid(0x4000_0101, 0)).toEqual({
      eax: 0x4000_0100,
      ebx: 1,
      ecx: 0,
      edx: 0x20,
    });
  });

  it.each([0, 1, 0x3fff_ffff, 0x4000_0002, 0x4000_0200, 0x8000_0000, -1])(
    'has no CPUID leaf %i',
    (leaf) => {
      expect(pair().dispatch.cpuid(leaf, 0)).toBeUndefined();
    },
  );

  it('asks each interface in turn for MSRs and hypercalls', () => {
    const { dispatch } = pair();
    expect(dispatch.readMsr(0x20)).toEqual({ low: 2, high: 0 });
    expect(dispatch.readMsr(0x30)).toBeUndefined();
    expect(dispatch.writeMsr(0x20, 1, 0)).toBe('handled');
    expect(dispatch.writeMsr(0x10, 0, 0)).toBe('fault');
    expect(dispatch.writeMsr(0x30, 0, 0)).toBe('absent');
    const registers = new TestRegisters([2]);
    expect(dispatch.hypercall(registers)).toBe(true);
    expect(registers.rax).toBe(0x20);
    expect(dispatch.hypercall(new TestRegisters([3]))).toBe(false);
  });

  it('offers a hypercall that two know to the later one', () => {
    const [first, second] = [new OneOfEach('first', 0x10, 1), new OneOfEach('second', 0x20, 1)];
    const registers = new TestRegisters([1]);
    new HypercallDispatch([first, second]).hypercall(registers);
    expect(registers.rax).toBe(0x20);
  });

  it('answers nothing without interfaces', () => {
    const none = new HypercallDispatch([]);
    expect(none.present).toBe(false);
    expect(none.cpuid(0x4000_0000, 0)).toBeUndefined();
    expect(none.hypercall(new TestRegisters([1]))).toBe(false);
  });

  it('tells every interface of a reset, a run and a jump of the clock', () => {
    const { dispatch, first, second } = pair();
    dispatch.beforeRun();
    dispatch.clockChanged();
    dispatch.reset();
    dispatch.restore(dispatch.save());
    const log = (name: string): string[] => [
      'beforeRun',
      'clockChanged',
      'reset',
      `restore {"abi":"${name}","version":1,"fields":{}}`,
    ];
    expect([first.log, second.log]).toEqual([log('first'), log('second')]);
  });

  it('refuses two interfaces of one name and states that do not fit', () => {
    const twice = [new OneOfEach('x', 1, 1), new OneOfEach('x', 2, 2)];
    expect(() => new HypercallDispatch(twice)).toThrow('different names');
    expect(() => {
      pair().dispatch.restore([]);
    }).toThrow('expected 2');
  });

  it('shares nothing between two machines', () => {
    const make = () => {
      const memory = new TestMemory(0x1000);
      const kvm = new KvmAbi({
        memory,
        clock: new TestClock(),
        wallClock: { unixTimeMs: () => 0 },
        steal: { stolenNs: () => 0 },
        events: { pollInterrupts: () => undefined },
      });
      return { memory, dispatch: new HypercallDispatch([kvm]) };
    };
    const [one, two] = [make(), make()];
    one.dispatch.writeMsr(0x12, 0x101, 0);
    expect(two.dispatch.readMsr(0x12)).toEqual({ low: 0, high: 0 });
    expect(two.memory.writes).toBe(0);
    one.dispatch.reset();
    two.dispatch.writeMsr(0x12, 0x201, 0);
    expect(one.dispatch.readMsr(0x12)).toEqual({ low: 0, high: 0 });
  });
});
