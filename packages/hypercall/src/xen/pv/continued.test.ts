import { describe, expect, it } from 'vitest';

import { pageBytes } from '@ringfence/memory';
import { XenCallNumber } from '../constants.ts';
import { makeHvmGuest } from '../test-guest.ts';
import { begun } from './test-begun.ts';
import { checkPages } from './test-checker.ts';
import { FrameField } from './traps.ts';

const self = 0x7ff0;
const { mmuextOp, mmuUpdate, multicall, grantTableOp, setTrapTable } = XenCallNumber;
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

describe('a translated guest, which cannot be let run within a call', () => {
  it('is told that a list of calls is too much, once it has done a lot', () => {
    const { call, put, word } = makeHvmGuest();
    const calls = 0xd_0000;
    for (let index = 0; index < 4; index += 1) {
      // Caches of no bytes: the elements are what stands at address 0, which is nothing.
      put(calls + index * 32, grantTableOp, 77, 12, 0, 0x8000);
    }
    expect(call(multicall, calls, 4)).toBe(0);
    const results = [0, 1, 2, 3].map((index) => word(calls + index * 32 + 4) | 0);
    expect(results).toEqual([0, -7, -7, -7]);
  });
});
