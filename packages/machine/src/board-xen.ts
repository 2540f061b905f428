/**
 * A machine as Xen would give it to a guest: the Xen interface with its back ends, beside or
 * instead of a PC's chips.
 */
import { isExtendedControl, Word } from '@ringfence/cpu';
import type { Cpu, InterruptController } from '@ringfence/cpu';
import type { ByteSink, Timers } from '@ringfence/devices';
import {
  hypervisorBytes,
  PageInfo,
  PageOwner,
  PageType,
  ToolStack,
  XenDomain,
  xenFrames,
  XenHvmAbi,
  XenPvAbi,
} from '@ringfence/hypercall';
import type {
  CallLog,
  ExtendedState,
  GuestClock,
  ShutdownReason,
  WallClock,
  XenAddressSpace,
  XenDisk,
  XenMachine,
  XenMapEntry,
  XenMemory,
  XenServices,
} from '@ringfence/hypercall';
import { CpuState, pageBytes, SegmentField, segmentBytes } from '@ringfence/memory';
import type { PhysicalMemory } from '@ringfence/memory';
import { Access, FillResult, Privilege } from '@ringfence/shadow-paging';

import type { DriveOptions } from './board-storage.ts';
import { e820Map, E820Type, extendedMemory } from './boot/memory-map.ts';
import { MachineError } from './error.ts';
import type { MachineOptions } from './options/machine-options.ts';
import type { RequestBox } from './requests.ts';
import { xenMemory } from './xen-memory.ts';

/** What a Xen guest is made of. */
export interface XenParts {
  readonly memory: PhysicalMemory;
  readonly clock: GuestClock;
  readonly wallClock: WallClock;
  readonly timers: Timers;
  readonly requests: RequestBox;
  /** Where the console's output goes. */
  readonly console: ByteSink;
  readonly drives: readonly DriveOptions[];
  readonly log: CallLog;
  /** Has a function called when the CPU is idle. */
  onIdle(poll: () => boolean): void;
  /** The ways of upcalls by the chips. */
  readonly upcalls: Pick<XenMachine, 'setGsi' | 'setPciPin' | 'sendVector'>;
  /** The virtual CPU, once it is there. */
  readonly cpu: () => Cpu | undefined;
}

/** The Xen side of a machine. */
export interface XenGuest {
  readonly abi: XenHvmAbi | XenPvAbi;
  readonly tools: ToolStack;
  /** The memory map of the guest: Xen's own pages are reserved. */
  readonly map: readonly XenMapEntry[];
  /** Puts upcalls in front of a controller's interrupts. */
  withUpcalls(controller: InterruptController): InterruptController;
}

/** The Xen side of a machine for paravirtual guests. */
export interface PvXenGuest extends XenGuest {
  readonly abi: XenPvAbi;
}

/** Makes the Xen side that the options ask for, if any. */
export function chooseXen(
  options: Pick<MachineOptions, 'machine' | 'xen'>,
  parts: XenParts,
): XenGuest | undefined {
  if (options.machine === 'xenpv') {
    return makePvGuest(parts);
  }
  const isPvh = options.machine === 'pvh' && options.xen !== false;
  return isPvh || isXenOnPc(options) ? makeXenGuest(parts) : undefined;
}

/** Whether a machine is a PC whose guest finds Xen beside the chips (PVHVM). */
export function isXenOnPc(options: Pick<MachineOptions, 'machine' | 'xen'>): boolean {
  return (options.machine ?? 'pc') === 'pc' && options.xen === true;
}

/** Bytes at the end of RAM that are Xen's: its pages, rounded up. */
export const xenReservedBytes: number = Math.ceil(xenFrames.count / 64) * 64 * pageBytes;

/**
 * Returns a machine's memory map with Xen's pages taken out.
 *
 * Nothing below 1 MiB is left unsaid: GRUB looks there for a place for the shared page.
 */
export function xenMemoryMap(ramBytes: number): readonly XenMapEntry[] {
  const start = ramBytes - xenReservedBytes;
  const [conventional, , , ...above] = e820Map(start);
  const base = conventional?.bytes ?? 0;
  return [
    { base: 0, bytes: base, type: E820Type.ram },
    { base, bytes: extendedMemory - base, type: E820Type.reserved },
    ...above,
    { base: start, bytes: xenReservedBytes, type: E820Type.reserved },
  ];
}

/** Makes the Xen side of a guest whose memory is translated: PVH, or on a PC's hardware. */
export function makeXenGuest(parts: XenParts): XenGuest {
  const memory = xenMemory(parts.memory);
  const start = memory.ramBytes - xenReservedBytes;
  const map = xenMemoryMap(memory.ramBytes);
  const pages = Math.floor(start / pageBytes);
  const services = xenServices(parts, memory);
  const domain = new XenDomain({ kind: 'hvm', frames: start, map, pages, services });
  const tools = new ToolStack(domain);
  const abi = new XenHvmAbi({ domain, space: addressSpace(parts.cpu), log: parts.log });
  abi.reset();
  return {
    abi,
    tools,
    map,
    withUpcalls: (controller) => ({
      get requested() {
        domain.upcalls.settle();
        return abi.upcallDue || controller.requested;
      },
      // What the guest itself writes as pending is seen when it is entered next, as by Xen.
      announces: controller.announces === true,
      acknowledge: () => (abi.upcallDue ? domain.upcalls.vector : controller.acknowledge()),
    }),
  };
}

/** Frames below 1 MiB are left to the chips; the guest's first is here. */
const firstPvFrame = extendedMemory / pageBytes;

/** Makes the Xen side of a paravirtual guest: it has the memory above 1 MiB, save for Xen's own. */
export function makePvGuest(parts: XenParts): PvXenGuest {
  const memory = xenMemory(parts.memory);
  const { ramBytes } = memory;
  const frames = ramBytes - Math.ceil(hypervisorBytes(ramBytes) / pageBytes) * pageBytes;
  const pages = frames / pageBytes - firstPvFrame;
  if (pages <= 0) {
    throw new MachineError('too-little-memory', {
      where: 'machine xenpv',
      expected: 'more memory than Xen needs itself',
      found: `${String(ramBytes)} bytes`,
    });
  }
  const info = new PageInfo(ramBytes / pageBytes);
  const map = [{ base: 0, bytes: pages * pageBytes, type: E820Type.ram }];
  const services = xenServices(parts, memory);
  const grantPages = {
    hold: (frame: number, write: boolean): boolean =>
      info.owner(frame) === PageOwner.guest && (!write || info.take(frame, PageType.writable)),
    drop: (frame: number, write: boolean): void => {
      if (write) {
        info.drop(frame);
      }
    },
    isMapped: (frame: number): boolean => info.uses(frame) > 0,
  };
  const domain = new XenDomain({ kind: 'pv', frames, map, pages, services, grantPages });
  const tools = new ToolStack(domain);
  const abi = new XenPvAbi({
    domain,
    space: addressSpace(parts.cpu),
    log: parts.log,
    info,
    frames,
    firstFrame: firstPvFrame,
    cr2: () => parts.memory.machine.i32[Word.cr2] ?? 0,
    debug: {
      read: (register) => parts.memory.machine.i32[Word.dr + 2 * register] ?? 0,
      write: (register, value) => {
        parts.memory.machine.i32[Word.dr + 2 * register] = value;
        parts.cpu()?.debug.update();
      },
    },
    processor: {
      get vendor() {
        return parts.cpu()?.model.vendor ?? '';
      },
      readRegister: (index) => parts.cpu()?.registers.read(index),
      writeRegister: (index, low, high) => parts.cpu()?.registers.write(index, low, high) ?? false,
    },
    extendedState: extendedState(parts),
    selector: (register) => parts.memory.machine.i32[segmentWord(register)] ?? 0,
    clearSegment: (register) => {
      parts.cpu()?.segmentation.loadSegment(register, 0);
    },
    noExecute: () => parts.cpu()?.model.has.has('NX') ?? false,
  });
  return {
    abi,
    tools,
    map,
    // The chips' interrupts are not this guest's.
    withUpcalls: () => ({
      get requested() {
        return abi.upcallDue;
      },
      acknowledge: () => abi.upcallVector,
    }),
  };
}

/** The processor's XCR0, if it has one. */
function extendedState({ cpu, memory }: XenParts): ExtendedState {
  return {
    get isPresent() {
      return cpu()?.model.has.has('XSAVE') === true;
    },
    choose: (low, high) => {
      const features = cpu()?.model.has;
      const isGood = features !== undefined && isExtendedControl(features, low, high);
      if (isGood) memory.machine.i32[CpuState.xcr0 >> 2] = low;
      return isGood;
    },
  };
}

/** Index of the word of the CPU state that has a segment register's selector. */
const segmentWord = (register: number): number =>
  (CpuState.segments + segmentBytes * register + SegmentField.selector) >> 2;

function xenServices(parts: XenParts, memory: XenMemory): XenServices {
  const { clock, wallClock, timers, console, drives, requests } = parts;
  return {
    memory,
    clock,
    wallClock,
    timers,
    console,
    disks: xenDisks(drives),
    machine: {
      ...parts.upcalls,
      shutdown: (reason) => {
        shutDown(requests, reason);
      },
      attention: () => parts.cpu()?.attention(),
      yield: () => parts.cpu()?.yield(),
      raiseNmi: () => parts.cpu()?.raiseNmi(),
      waitFor: (isOver, end) => parts.cpu()?.waitFor(isOver, end),
      onIdle: (poll) => {
        parts.onIdle(poll);
      },
    },
  };
}

/** The address space that the processor is in, with the rights of a kernel. */
function addressSpace(cpu: XenParts['cpu']): XenAddressSpace {
  return {
    translate: (linear, write) => {
      const shadow = cpu()?.shadow;
      const access = write ? Access.write : Access.read;
      const found = shadow?.translate(linear | 0, access, Privilege.supervisor);
      const isThere = found === FillResult.ok || found === FillResult.uncached;
      return shadow !== undefined && isThere ? shadow.physical >>> 0 : -1;
    },
  };
}

function xenDisks(drives: readonly DriveOptions[]): readonly XenDisk[] {
  return drives.flatMap(({ interface: kind, unit, storage }) => {
    const name = `xvd${String.fromCharCode(0x61 + unit)}`;
    return kind === 'xen' && storage !== undefined ? [{ name, storage }] : [];
  });
}

function shutDown(requests: RequestBox, reason: ShutdownReason): void {
  switch (reason) {
    case 'poweroff':
      requests.ask({ kind: 'end', end: { reason: 'poweroff' } });
      break;
    case 'reboot':
    case 'soft-reset':
      requests.ask({ kind: 'reset', cause: 'guest' });
      break;
    case 'crash':
    case 'watchdog': {
      // What crashed once would crash again: it is not started anew.
      const cause = reason === 'crash' ? 'guest' : 'watchdog';
      requests.ask({ kind: 'end', end: { reason: 'crash', cause } });
      break;
    }
    case 'suspend':
      // Nothing is taken away from the guest: it goes on as one that was resumed.
      break;
  }
}
