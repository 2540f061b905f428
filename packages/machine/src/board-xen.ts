/**
 * A machine as Xen would give it to a guest: the Xen interface with its back ends, beside or instead of a
 * PC's chips.
 */
import type { Cpu, InterruptController } from '@ringfence/cpu';
import type { ByteSink, Timers } from '@ringfence/devices';
import { ToolStack, XenDomain, xenFrames, XenHvmAbi } from '@ringfence/hypercall';
import type {
  CallLog,
  GuestClock,
  ShutdownReason,
  WallClock,
  XenDisk,
  XenMapEntry,
} from '@ringfence/hypercall';
import { pageBytes } from '@ringfence/memory';
import type { PhysicalMemory } from '@ringfence/memory';
import { Access, FillResult, Privilege } from '@ringfence/shadow-paging';

import type { DriveOptions } from './board-storage.ts';
import { e820Map, E820Type, extendedMemory } from './boot/memory-map.ts';
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
  /** The virtual CPU, once it is there. */
  readonly cpu: () => Cpu | undefined;
}

/** The Xen side of a machine. */
export interface XenGuest {
  readonly abi: XenHvmAbi;
  readonly tools: ToolStack;
  /** The memory map of the guest: Xen's own pages are reserved. */
  readonly map: readonly XenMapEntry[];
  /** Puts upcalls in front of a controller's interrupts. */
  withUpcalls(controller: InterruptController): InterruptController;
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

/** Makes the Xen side of a translated guest. */
export function makeXenGuest(parts: XenParts): XenGuest {
  const memory = xenMemory(parts.memory);
  const start = memory.ramBytes - xenReservedBytes;
  const map = xenMemoryMap(memory.ramBytes);
  const domain = new XenDomain({
    kind: 'hvm',
    frames: start,
    map,
    pages: Math.floor(start / pageBytes),
    services: {
      memory,
      clock: parts.clock,
      wallClock: parts.wallClock,
      timers: parts.timers,
      console: parts.console,
      disks: xenDisks(parts.drives),
      machine: {
        shutdown: (reason) => {
          shutDown(parts.requests, reason);
        },
        attention: () => parts.cpu()?.attention(),
        yield: () => parts.cpu()?.yield(),
      },
    },
  });
  const tools = new ToolStack(domain);
  const space = {
    translate: (linear: number, write: boolean): number => {
      const shadow = parts.cpu()?.shadow;
      const access = write ? Access.write : Access.read;
      const found = shadow?.translate(linear | 0, access, Privilege.supervisor);
      const isThere = found === FillResult.ok || found === FillResult.uncached;
      return shadow !== undefined && isThere ? shadow.physical >>> 0 : -1;
    },
  };
  const abi = new XenHvmAbi({ domain, space, log: parts.log });
  abi.reset();
  return {
    abi,
    tools,
    map,
    withUpcalls: (controller) => ({
      get requested() {
        return abi.upcallDue || controller.requested;
      },
      acknowledge: () => (abi.upcallDue ? domain.upcallVector : controller.acknowledge()),
    }),
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
    case 'watchdog':
      requests.ask({ kind: 'reset', cause: 'triple-fault' });
      break;
    case 'suspend':
      // Nothing is taken away from the guest: it goes on as one that was resumed.
      break;
  }
}
