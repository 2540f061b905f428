import { describe, expect, it } from 'vitest';

import { pageBytes } from '@ringfence/memory';
import { XenCallNumber, XenError } from '../constants.ts';
import { guestReturn } from './hypervisor-area.ts';
import { PageType } from './page-info.ts';
import { begun } from './test-begun.ts';
import { checkPages } from './test-checker.ts';
import { FrameField } from './traps.ts';

const self = 0x7ff0;
const { updateVaMapping, setGdt, updateDescriptor } = XenCallNumber;

describe('a paravirtual guest', () => {
  it('begins in ring 1 at its entry with ESI on start_info', () => {
    const { start, abi, memory, field, firstFrame, pages } = begun();
    expect(typeof start).toBe('number');
    expect(field(FrameField.cs)).toBe(0xe019);
    expect(field(FrameField.eip)).toBe(0xc000_0000);
    const info = field(FrameField.esi) - 0xc000_0000 + firstFrame * pageBytes;
    const magic = String.fromCharCode(...memory.bytes.subarray(info, info + 15));
    expect([magic, memory.read32(info + 32)]).toEqual(['xen-3.0-x86_32p', pages]);
    expect(checkPages(abi.guest, memory)).toEqual([]);
  });

  it('may not map a page table for writing, by any call', () => {
    const { abi, call, update, leaf, info } = begun();
    const table = abi.guest.base;
    expect(info.type(table)).toBe(PageType.l3);
    const entry = table * pageBytes + 3;
    expect(call(updateVaMapping, 0xc000_0000, entry, 0, 0)).toBe(-XenError.busy);
    expect(update(leaf(0xc000_0000), entry)).toBe(-XenError.busy);
    expect(call(updateVaMapping, 0xc000_0000, entry & ~2, 0, 0)).toBe(0);
  });

  it('may not map memory that is not its own', () => {
    const { call, firstFrame, domain } = begun();
    for (const frame of [0, firstFrame - 1, domain.frame(37) / pageBytes]) {
      const entry = frame * pageBytes + 1;
      expect(call(updateVaMapping, 0xc000_0000, entry, 0, 0)).toBe(-XenError.busy);
    }
    // Where no memory is there would be devices.
    const entry = 0xf_ffff * pageBytes + 1;
    expect(call(updateVaMapping, 0xc000_0000, entry, 0, 0)).toBe(-XenError.notPermitted);
  });

  it('may map the shared page for writing, and the table of machine frames to read', () => {
    const { call, shared, abi } = begun();
    expect(call(updateVaMapping, 0xc000_0000, shared + 3, 0, 0)).toBe(0);
    const [machine] = abi.guest.area.machineFrames;
    expect(call(updateVaMapping, 0xc000_0000, machine * pageBytes + 1, 0, 0)).toBe(0);
    expect(call(updateVaMapping, 0xc000_0000, machine * pageBytes + 3, 0, 0)).toBe(-XenError.busy);
  });

  it('may not pin a page that it can write, and can once it does not map it so', () => {
    const { call, extend, firstFrame, abi, memory } = begun();
    expect(extend(0, firstFrame)).toBe(-XenError.invalid);
    expect(call(updateVaMapping, 0xc000_0000, firstFrame * pageBytes + 1, 0, 0)).toBe(0);
    memory.write(firstFrame * pageBytes, new Uint8Array(pageBytes));
    expect(extend(0, firstFrame)).toBe(0);
    expect(call(updateVaMapping, 0xc000_0000, firstFrame * pageBytes + 3, 0, 0)).toBe(
      -XenError.busy,
    );
    expect(extend(4, firstFrame)).toBe(0);
    expect(checkPages(abi.guest, memory)).toEqual([]);
  });

  it("may not change Xen's entries of the top table", () => {
    const { abi, memory, update } = begun();
    const top = memory.read32(abi.guest.base * pageBytes + 24) & -pageBytes;
    const before = memory.read32(top + 480 * 8);
    expect(update(top + 480 * 8, 0)).toBe(-XenError.notPermitted);
    expect(memory.read32(top + 480 * 8)).toBe(before);
    expect(update(abi.guest.base * pageBytes + 24, 0)).toBe(-XenError.invalid);
    expect(memory.read32(abi.guest.base * pageBytes + 24) & 1).toBe(1);
  });

  it('may have linear page tables, its own and of another table, that it cannot write', () => {
    const { abi, memory, update, extend, info, spare } = begun();
    const top = memory.read32(abi.guest.base * pageBytes + 24) & -pageBytes;
    expect(update(top + 8, top + 3)).toBe(-XenError.invalid);
    expect(update(top + 8, top + 1)).toBe(0);
    expect(checkPages(abi.guest, memory)).toEqual([]);
    expect(update(top + 8, 0)).toBe(0);
    memory.write(spare * pageBytes, new Uint8Array(pageBytes));
    expect(extend(1, spare)).toBe(0);
    expect(update(top + 8, spare * pageBytes + 1)).toBe(0);
    expect(checkPages(abi.guest, memory)).toEqual([]);
    // One that is named by another has no such entries to others itself.
    expect(update(spare * pageBytes, top + 1)).toBe(-XenError.invalid);
    expect(extend(4, spare)).toBe(0);
    expect(info.type(spare)).toBe(PageType.l2);
    expect(update(top + 8, 0)).toBe(0);
    expect(info.uses(spare)).toBe(0);
    expect(checkPages(abi.guest, memory)).toEqual([]);
  });

  it('has an LDT of pages that become descriptor tables when they are used', () => {
    const { extend, trap, setField, field, cr2, call, info, firstFrame, abi, put } = begun();
    const { memory } = abi.domain.services;
    const check = (): readonly string[] => checkPages(abi.guest, abi.domain.services.memory);
    abi.guest.traps[14] = { selector: 0xe019, address: 0x1000, level: 0, masks: false };
    expect([extend(13, 0xc000_0004, 4), extend(13, 0xc000_0000, 9000)]).toEqual([-22, -22]);
    put(firstFrame * pageBytes, 0x0000_ffff, 0x00cf_9a00);
    expect(extend(13, 0xc000_0000, 4)).toBe(0);
    const touch = (): void => {
      setField(FrameField.cs, 0xe019);
      setField(FrameField.eip, 0x5000);
      setField(FrameField.esp, (firstFrame + 1) * pageBytes + 0x800);
      setField(FrameField.error, 0);
      cr2.value = 0xfc02_0008;
      trap(14);
    };
    // A page that the guest can write is none: it is told of a fault in its own table.
    touch();
    expect([field(FrameField.eip), abi.domain.shared.cr2]).toEqual([0x1000, 0xc000_0008 | 0]);
    expect(call(updateVaMapping, 0xc000_0000, firstFrame * pageBytes + 1, 0, 0)).toBe(0);
    touch();
    expect([field(FrameField.eip), info.type(firstFrame)]).toEqual([0x5000, PageType.descriptors]);
    expect(memory.read32(firstFrame * pageBytes + 4) >>> 8).toBe(0xcfbb);
    expect(check()).toEqual([]);
    // With the mapping goes the page of the table.
    expect(call(updateVaMapping, 0xc000_0000, 0, 0, 0)).toBe(0);
    expect([info.uses(firstFrame), check()]).toEqual([0, []]);
  });

  it('is told of a state that it cannot go on with as of a fault there', () => {
    const { trap, setField, field, abi, spare, memory } = begun();
    abi.guest.traps[13] = { selector: 0xe019, address: 0x1000, level: 0, masks: false };
    // The frame that a fault of IRET leaves: the guest's own follows three words later.
    const at = 12;
    setField(FrameField.error, 0x28);
    setField(FrameField.eip, guestReturn);
    setField(FrameField.cs, 0xe008);
    const state = [0x2000, 0x29, 0x202, spare * pageBytes + 64, 0xe021];
    for (const [index, word] of state.entries()) setField(FrameField.eip + at + index * 4, word);
    trap(13);
    expect(field(FrameField.eip + at)).toBe(0x1000);
    const stack = spare * pageBytes + 48;
    expect([0, 4, 8].map((offset) => memory.read32(stack + offset))).toEqual([
      0x28,
      0x2000,
      0x29 | 0x1_0000,
    ]);
  });

  it('gets descriptors of ring 0 as such of ring 1, and no gates of ring 0', () => {
    const { call, put, spare, memory, argumentsAt } = begun();
    const at = spare * pageBytes;
    expect(call(updateDescriptor, at, 0, 0xffff, 0x00cf_9a00)).toBe(0);
    expect((memory.read32(at + 4) >>> 8) & 0xff).toBe(0xbb);
    put(at + 8, 0x0008_0000, 0x0000_8e00);
    put(argumentsAt, spare);
    expect(call(setGdt, argumentsAt, 512)).toBe(-XenError.invalid);
    put(at + 8, 0, 0);
    expect(call(setGdt, argumentsAt, 512)).toBe(0);
    expect(call(updateVaMapping, 0xc000_0000, at + 3, 0, 0)).toBe(-XenError.busy);
  });

  it('is entered at its handler with what the trap left on its stack', () => {
    const { trap, setField, field, memory, abi, spare, domain } = begun();
    abi.guest.traps[13] = { selector: 0xe019, address: 0x1000, level: 0, masks: true };
    setField(FrameField.cs, 0xe019);
    setField(FrameField.eip, 0x2000);
    setField(FrameField.esp, spare * pageBytes + 64);
    setField(FrameField.error, 0x18);
    domain.shared.upcallMasked = false;
    trap(13);
    expect([field(FrameField.eip), field(FrameField.esp)]).toEqual([
      0x1000,
      spare * pageBytes + 48,
    ]);
    expect([0, 4, 8].map((offset) => memory.read32(spare * pageBytes + 48 + offset))).toEqual([
      0x18, 0x2000, 0xe019,
    ]);
    expect(domain.shared.upcallMasked).toBe(true);
  });

  it('exchanges frames that nothing uses', () => {
    const { call, put, argumentsAt, spare, memory, abi, firstFrame } = begun();
    const exchange = (frame: number): number => {
      put(argumentsAt + 64, frame);
      put(argumentsAt + 68, 77);
      put(argumentsAt, argumentsAt + 64, 1, 0, 0, self, argumentsAt + 68, 1, 0, 0, self, 0);
      return call(XenCallNumber.memoryOp, 11, argumentsAt);
    };
    expect(exchange(spare)).toBe(0);
    expect(memory.read32(argumentsAt + 40)).toBe(1);
    const given = memory.read32(argumentsAt + 68);
    const [machine] = abi.guest.area.machineFrames;
    expect(memory.read32(machine * pageBytes + given * 4)).toBe(77);
    expect(exchange(firstFrame)).toBe(-XenError.invalid);
    put(argumentsAt, 0xfc00_0000, 1, 0, 0, self, 0xfc00_0000, 1, 0, 0, self, 0);
    expect(call(XenCallNumber.memoryOp, 11, argumentsAt)).toBe(-XenError.fault);
  });

  it('crashes at a trap without a handler, and the host does not', () => {
    const { trap, host } = begun();
    trap(14);
    expect(host.shutdowns).toEqual(['crash']);
    expect(host.said).toContain('no handler for vector 14');
  });

  it('crashes on its way to ring 0', () => {
    const { call, put, argumentsAt, setField, host } = begun();
    setField(FrameField.esp, put(argumentsAt, 0, 0x2000, 0xe018, 0x202));
    call(XenCallNumber.iret);
    expect([host.shutdowns, host.said.includes('crashed')]).toEqual([['crash'], true]);
  });

  it('waits in sched_op block until an event comes', () => {
    const { call, trap, host, domain } = begun();
    domain.shared.upcallMasked = true;
    call(XenCallNumber.setTimerOp, 5_000_000, 0);
    const argumentsAt = 17 * pageBytes;
    host.memory.write32(argumentsAt, 0);
    host.memory.write32(argumentsAt + 4, 0);
    expect(call(XenCallNumber.eventChannelOp, 1, argumentsAt)).toBe(0);
    call(XenCallNumber.schedOp, 1, 0);
    expect(trap(0x82)).toBe(2);
    host.advance(6_000_000);
    expect(trap(0x82)).toBe(0);
  });
});

describe('calls of a paravirtual guest', () => {
  const { mmuUpdate, mmuextOp, physdevOp, vmAssist, xenpmuOp, platformOp, hvmOp } = XenCallNumber;

  it('know whose pages and page tables are meant', () => {
    const { call, put, argumentsAt } = begun();
    const update = (foreign: number): number =>
      call(mmuUpdate, put(argumentsAt, 0, 0, 0, 0), 0, 0, foreign);
    expect(
      [self, 0, 1, 2, 0x7ff1, self | (2 << 16), self | (1 << 16), self | (3 << 16)].map(update),
    )
      // Itself by number is nobody.
      .toEqual([0, -1, -3, -3, 0, 0, -1, -3]);
    const extend = (foreign: number): number => call(mmuextOp, argumentsAt, 0, 0, foreign);
    expect([self, 0, 1, 7].map(extend)).toEqual([0, -1, -3, -3]);
  });

  it('refuse with the errors of Xen', () => {
    const { call, extend } = begun();
    expect(extend(13, 0xc000_0004, 0)).toBe(0);
    expect([extend(8, 0, 0xfff0_0000), extend(9, 0, 0)]).toEqual([-22, -22]);
    expect([12, 13, 29, 99].map((op) => call(physdevOp, op, 0))).toEqual([-14, -14, -1, -38]);
    // The type is looked at before the command.
    expect([call(vmAssist, 7, 99), call(vmAssist, 7, 0)]).toEqual([-22, -38]);
    expect([call(xenpmuOp, 0, 0), call(platformOp, 0)]).toEqual([-95, -14]);
    expect([call(hvmOp, 1, 0), call(hvmOp, 26, 0)]).toEqual([-22, -38]);
  });

  it('of a tool stack are refused, first of all those of another version', () => {
    const { call, put, argumentsAt } = begun();
    const { sysctl, domctl } = XenCallNumber;
    const of = (number: number, version: number): number =>
      call(number, put(argumentsAt, 1, version, 0));
    expect([sysctl, domctl].map((number) => of(number, 0x15))).toEqual([-1, -1]);
    expect([sysctl, domctl, platformOp].map((number) => of(number, 7))).toEqual([-13, -13, -13]);
    expect(of(platformOp, 0x0300_0000)).toBe(-1);
    expect([0, 1, 2].map((op) => call(XenCallNumber.consoleIo, op, 0, argumentsAt))).toEqual([
      0, -1, -1,
    ]);
  });

  it('about interrupts of devices find none', () => {
    const { call, put, argumentsAt, memory, abi } = begun();
    const { guest } = abi;
    const ask = (op: number, irq: number): number =>
      call(physdevOp, op, put(argumentsAt, irq, 0x1234));
    expect([ask(12, 3), ask(5, 56), ask(5, 55), ask(13, 0)]).toEqual([-22, -22, 0, -1]);
    expect(ask(5, 3) || memory.read32(argumentsAt + 4)).toBe(0);
    // The first form of the call, of the operations that it had.
    const old = (op: number, word: number): number =>
      call(XenCallNumber.physdevOpCompat, put(argumentsAt, op, word, 0));
    expect([old(4, 0), old(5, 56), old(6, 4), old(12, 0), old(28, 16)]).toEqual([
      0, -22, -22, -38, -38,
    ]);
    expect([old(6, 3), guest.ioPrivilege]).toEqual([0, 3]);
    expect(call(XenCallNumber.physdevOpCompat, 0xfc00_0000)).toBe(-14);
  });

  it('in a list end with the one that goes on elsewhere, also in the kernel', () => {
    const { call, put, argumentsAt, setField, field, memory } = begun();
    const version = [XenCallNumber.xenVersion, 7, 0, 0, 0, 0, 0, 0];
    const stack = argumentsAt + 0x200;
    const results = (...frame: readonly number[]): readonly number[] => {
      put(argumentsAt, ...version, XenCallNumber.iret, 7, 0, 0, 0, 0, 0, 0, ...version);
      put(stack, 0x1234, 0x2000, ...frame);
      setField(FrameField.esp, stack);
      setField(FrameField.cs, 0xe019);
      call(XenCallNumber.multicall, argumentsAt, 3);
      return [
        ...[FrameField.eax, FrameField.eip].map(field),
        ...[4, 36, 68].map((offset) => memory.read32(argumentsAt + offset)),
      ];
    };
    expect(results(0xe02b, 0x202, 0x5000, 0xe033)).toEqual([0x1234, 0x2000, 0x4_0011, 0x1234, 7]);
    expect(results(0xe019, 0x202)).toEqual([0x1234, 0x2000, 0x4_0011, 0x1234, 7]);
  });

  it('tell of page directories above 4 GiB to a guest that said that it may have them', () => {
    const { call, put, argumentsAt, memory } = begun();
    const hasFeature = (): boolean => {
      expect(call(XenCallNumber.xenVersion, 6, put(argumentsAt, 0, 0))).toBe(0);
      return (memory.read32(argumentsAt + 4) & 0x10) !== 0;
    };
    expect(hasFeature()).toBe(false);
    expect([call(vmAssist, 0, 3), hasFeature()]).toEqual([0, true]);
  });

  it('give runs of frames that were given back', () => {
    const { call, put, argumentsAt, spare, memory, abi } = begun();
    const [list, aligned] = [argumentsAt + 64, spare - (spare % 4) - 4];
    const reservation = (op: number, order: number, frame: number): number => {
      put(list, frame);
      return call(XenCallNumber.memoryOp, op, put(argumentsAt, list, 1, order, 0, self));
    };
    // One more in front, which makes no run.
    expect([reservation(1, 0, aligned - 2), reservation(1, 2, aligned)]).toEqual([1, 1]);
    expect(reservation(6, 3, 400)).toBe(0);
    expect([reservation(6, 2, 400), memory.read32(list)]).toEqual([1, aligned]);
    const [machine] = abi.guest.area.machineFrames;
    expect([0, 3].map((more) => memory.read32(machine * pageBytes + (aligned + more) * 4))).toEqual(
      [400, 403],
    );
    expect([reservation(0, 0, 0), memory.read32(list)]).toEqual([1, aligned - 2]);
    expect(reservation(0, 0, 0)).toBe(0);
  });

  it('tell what the CPU spends its time with, there where it wants to know it', () => {
    const { call, put, argumentsAt, host, memory, domain, trap } = begun();
    const place = argumentsAt + 0x100;
    expect(call(XenCallNumber.vcpuOp, 5, 0, put(argumentsAt, place))).toBe(0);
    host.advance(1000);
    domain.shared.upcallMasked = true;
    call(XenCallNumber.setTimerOp, 5_000_000, 0);
    expect(call(XenCallNumber.eventChannelOp, 1, put(argumentsAt, 0, 0, 0))).toBe(0);
    call(XenCallNumber.schedOp, 1, 0);
    host.advance(6_000_000);
    trap(0x82);
    const times = [0, 4, 12, 28].map((offset) => memory.read32(place + offset));
    expect(times).toEqual([0, 6_001_000, 1000, 6_000_000]);
    host.advance(500);
    expect(call(XenCallNumber.vcpuOp, 4, 0, place)).toBe(0);
    expect(memory.read32(place + 12)).toBe(1500);
  });

  it("keep a place that is no memory yet, if it is not the hypervisor's", () => {
    const { call, put, argumentsAt, domain } = begun();
    const register = (op: number, place: number): number =>
      call(XenCallNumber.vcpuOp, op, 0, put(argumentsAt, place));
    expect([5, 13].map((op) => register(op, 0xd000_0000))).toEqual([0, 0]);
    expect([domain.runstateArea, domain.timeArea]).toEqual([0xd000_0000, 0xd000_0000]);
    expect([5, 13].map((op) => register(op, 0xf57f_fff0))).toEqual([-14, -14]);
    expect(domain.timeArea).toBe(0xd000_0000);
  });

  it('set watchdogs, and stop the guest when one runs out', () => {
    const { call, put, argumentsAt, host } = begun();
    const watch = (id: number, seconds: number): number =>
      call(XenCallNumber.schedOp, 6, put(argumentsAt, id, seconds));
    expect([watch(0, 0), watch(3, 1), watch(1, 1)]).toEqual([-22, -22, -22]);
    expect([watch(0, 2), watch(0, 9), watch(0, 9)]).toEqual([1, 2, -28]);
    expect([watch(2, 0), watch(2, 1)]).toEqual([0, -22]);
    host.advance(1e9);
    expect(watch(1, 2)).toBe(0);
    host.advance(1.5e9);
    expect(host.shutdowns).toEqual([]);
    host.advance(1e9);
    expect(host.shutdowns).toEqual(['watchdog']);
  });

  it('widens flat segments that end within the hypervisor', () => {
    const { call, spare, memory } = begun();
    const at = spare * pageBytes;
    const limits = [0x000f_67ff, 0x000f_57ff].map((units) => {
      call(updateDescriptor, at, 0, units & 0xffff, 0x00c0_9a00 | (units & 0xf_0000));
      return (memory.read32(at) & 0xffff) | (memory.read32(at + 4) & 0xf_0000);
    });
    expect(limits).toEqual([0xf_ffff, 0xf_57ff]);
  });
});
