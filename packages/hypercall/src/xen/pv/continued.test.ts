import { describe, expect, it } from 'vitest';

import { pageBytes } from '@ringfence/memory';
import { CallLog } from '../../call-log.ts';
import { TestRegisters } from '../../test-host.ts';
import { XenCallNumber, XenError } from '../constants.ts';
import { XenHvmAbi } from '../hvm-abi.ts';
import { makeHvmGuest } from '../test-guest.ts';
import { begun } from './test-begun.ts';
import { checkPages } from './test-checker.ts';
import { FrameField } from './traps.ts';

const self = 0x7ff0;
const { mmuextOp, mmuUpdate, multicall, grantTableOp, setTrapTable, memoryOp } = XenCallNumber;
const [pinL1, unpin] = [0, 4];
/** Operations of the list: pins and unpins of a page, each of which looks through 512 entries. */
const operations = 8_000;

/** A guest with a long list of pins and unpins of a spare page, over consecutive frames. */
function withList() {
  const guest = begun();
  const { memory, put, spare, setField, field, trap, firstFrame } = guest;
  memory.write(spare * pageBytes, new Uint8Array(pageBytes));
  const list = (firstFrame + 16) * pageBytes;
  for (let index = 0; index < operations; index += 2) {
    put(list + index * 12, pinL1, spare, 0, unpin, spare, 0);
  }
  /** Enters Xen once, and returns whether the call is to be made again. */
  const enter = (): boolean => {
    setField(FrameField.eip, 0xc000_0100);
    trap(0x82);
    return field(FrameField.eip) === 0xc000_00fe;
  };
  const registers = (...values: readonly number[]): void => {
    const { eax, ebx, ecx, edx, esi } = FrameField;
    for (const [index, register] of [eax, ebx, ecx, edx, esi].entries()) {
      setField(register, values[index] ?? 0);
    }
  };
  const check = (): readonly string[] => checkPages(guest.abi.guest, memory);
  return { ...guest, list, enter, registers, check };
}

describe('a call that would take long', () => {
  it('goes on with the rest of its list when the guest was let run', () => {
    const { list, enter, registers, field, memory, argumentsAt, check } = withList();
    registers(mmuextOp, list, operations, argumentsAt, self);
    let entries = 1;
    while (enter()) {
      entries += 1;
      expect(field(FrameField.eax)).toBe(mmuextOp);
      const left = field(FrameField.ecx) & 0x7fff_ffff;
      const done = memory.read32(argumentsAt);
      expect(done + left).toBe(operations);
      expect(field(FrameField.ebx)).toBe(list + done * 12);
    }
    expect(entries).toBeGreaterThan(10);
    expect([field(FrameField.eax), memory.read32(argumentsAt)]).toEqual([0, operations]);
    expect(check()).toEqual([]);
  });

  it('counts what was done before an operation that is refused', () => {
    const { list, enter, registers, field, memory, argumentsAt, put } = withList();
    put(list + (operations - 5) * 12, 99);
    registers(mmuextOp, list, operations, argumentsAt, self);
    while (enter());
    expect([field(FrameField.eax) | 0, memory.read32(argumentsAt)]).toEqual([-38, operations - 5]);
  });

  it('is taken up where it was within a list of calls', () => {
    const { list, enter, registers, field, memory, argumentsAt, put, check } = withList();
    const calls = argumentsAt + 64;
    for (const index of [0, 1, 2]) {
      put(calls + index * 32, mmuextOp, 77, list, operations, argumentsAt, self, 0, 0);
    }
    registers(multicall, calls, 3);
    let entries = 1;
    while (enter()) entries += 1;
    expect(entries).toBeGreaterThan(30);
    expect(field(FrameField.eax)).toBe(0);
    expect([0, 1, 2].map((index) => memory.read32(calls + index * 32 + 4))).toEqual([0, 0, 0]);
    expect(memory.read32(argumentsAt)).toBe(operations);
    expect(check()).toEqual([]);
  });

  it('may be of many small calls', () => {
    const { list, enter, registers, field, put, memory } = withList();
    for (let index = 0; index < 4096; index += 1) {
      put(list + index * 32, grantTableOp, 77, 10, 0, 0);
    }
    registers(multicall, list, 4096);
    while (enter());
    expect(field(FrameField.eax)).toBe(0);
    const results = Array.from({ length: 4096 }, (_nothing, index) =>
      memory.read32(list + index * 32 + 4),
    );
    expect(new Set(results).size).toBe(1);
    expect(results[0]).not.toBe(77);
  });
});

describe('a list of a paravirtual guest', () => {
  it('is as long as it likes', () => {
    const { list, call, put, memory, abi } = withList();
    memory.write(list, new Uint8Array(40_000 * 16));
    expect(call(grantTableOp, 12, list, 40_000)).toBe(0);
    for (let index = 0; index < 300; index += 1)
      put(list + index * 8, 0xe019_0000 + index, index + 1);
    put(list + 300 * 8, 0, 0);
    expect(call(setTrapTable, list)).toBe(0);
    expect([abi.guest.traps[0]?.address, abi.guest.traps[255]?.address]).toEqual([257, 256]);
  });

  it('lies below Xen, or nothing of it is done', () => {
    const { list, call, memory, argumentsAt } = withList();
    memory.write32(argumentsAt, 77);
    expect(call(mmuextOp, list, 0x7fff_ffff, argumentsAt, self)).toBe(-14);
    expect(call(mmuUpdate, list, 0x1000_0000, argumentsAt, self)).toBe(-14);
    expect(call(multicall, list, 0x0800_0000)).toBe(-14);
    expect(call(grantTableOp, 12, list, 0x0f80_0000)).toBe(-14);
    expect(memory.read32(argumentsAt)).toBe(77);
  });
});

describe('a long call of a translated guest', () => {
  /** Caches of no bytes: the elements are what stands at address 0, which is nothing. */
  const caches = [grantTableOp, 12, 0, 0x9000] as const;

  it('comes by again by its instruction, with the rest of the list in its registers', () => {
    const { domain } = makeHvmGuest();
    const space = { translate: (linear: number) => (linear < 0x10_0000 ? linear : -1) };
    const abi = new XenHvmAbi({ domain, space, log: new CallLog() });
    let yields = 0;
    Object.assign(domain.services.machine, { yield: () => (yields += 1) });
    const [number, operation, list, count] = caches;
    // EAX, ECX, EDX, EBX.
    const registers = new TestRegisters([number, list, count, operation]);
    let entries = 0;
    do {
      expect([registers.low(0), registers.low(3)]).toEqual([number, operation]);
      expect(registers.low(1) / 16 + registers.low(2)).toBe(count);
      expect(abi.hypercall(registers)).toBe(true);
      entries += 1;
    } while (registers.repeats === entries);
    expect([registers.rax, yields, registers.repeats]).toEqual([0, entries - 1, entries - 1]);
    expect(entries).toBeGreaterThan(2);
  });

  it('is gone on with within a list of calls', () => {
    const { call, put, word } = makeHvmGuest();
    const calls = 0xd_0000;
    const [number, ...args] = caches;
    for (let index = 0; index < 4; index += 1) put(calls + index * 32, number, 77, ...args);
    expect(call(multicall, calls, 4)).toBe(0);
    expect([0, 1, 2, 3].map((index) => word(calls + index * 32 + 4))).toEqual([0, 0, 0, 0]);
  });

  it('may be a range of pages, or a batch, without what was done before', () => {
    const { call, put, word } = makeHvmGuest();
    const at = 0x1000;
    const range = (start: number, size: number): number =>
      call(memoryOp, 7 | (start << 6), put(at, self | (size << 16), 3, 0, 0));
    expect([range(0, 190), range(0, 0xffff), range(0x1_0000, 2), range(3, 2)]).toEqual([
      0,
      -XenError.invalid,
      -XenError.domain,
      -XenError.sequence,
    ]);
    const [indexes, frames, errors] = [0x2_0000, 0x4_0000, 0x6_0000];
    const batch = (space: number, start: number, size: number, domain = self): number =>
      call(
        memoryOp,
        23 | (start << 6),
        put(at, domain | (space << 16), size, indexes, frames, errors),
      );
    for (let index = 0; index < 6000; index += 1) put(frames + index * 4, 0x20);
    put(indexes + 4, 5);
    expect(batch(0, 1, 6000)).toBe(0);
    expect([0, 1, 2, 5999].map((index) => word(errors + index * 4) | 0)).toEqual([
      0,
      -XenError.invalid,
      0,
      0,
    ]);
    expect([batch(3, 0, 1), batch(0, 0, 1, 9), batch(0, 2, 1), batch(0, 0x1_0000, 1)]).toEqual([
      -XenError.notSupported,
      -XenError.noDomain,
      -XenError.sequence,
      -XenError.domain,
    ]);
  });
});
