/** Ringfence's own hypercalls, beside the chips of a PC. */
import type { Cpu, InterruptController } from '@ringfence/cpu';
import { Word } from '@ringfence/cpu';
import { RingfenceAbi } from '@ringfence/hypercall';
import type { RingfenceCpu, RingfenceDisk, RingfenceMemory } from '@ringfence/hypercall';
import type { PhysicalMemory } from '@ringfence/memory';

import type { DriveOptions } from './board-storage.ts';
import type { XenParts } from './board-xen.ts';
import { hypercallMemory } from './pc-memory.ts';

/** PAE, and pages of 4 MiB, change what a directory means (SDM 3A table 4-1). */
const pagingForms = (1 << 4) | (1 << 5);
/** PG and WP of CR0. */
const pagingOn = 0x8001_0000 | 0;

/** Makes the interface; a guest that never calls it does not notice it. */
export function makeRingfence(parts: XenParts): RingfenceAbi {
  const { memory, clock, wallClock, timers, console, drives, requests, log } = parts;
  return new RingfenceAbi({
    memory: ringfenceMemory(memory),
    clock,
    wallClock,
    timers,
    cpu: ringfenceCpu(parts.cpu, memory.machine.i32),
    console,
    disks: ringfenceDisks(drives),
    shutdown: (restart) => {
      requests.ask(
        restart ? { kind: 'reset', cause: 'guest' } : { kind: 'end', end: { reason: 'poweroff' } },
      );
    },
    log,
  });
}

/**
 * Puts upcalls in the place of a controller's interrupts, from when the guest has named its page:
 * what the chips want is not for a guest that was ported.
 */
export function withUpcalls(
  abi: RingfenceAbi,
  controller: InterruptController,
): InterruptController {
  return {
    get requested() {
      return abi.listens ? abi.upcallDue : controller.requested;
    },
    // The guest unmasks upcalls by a store.
    get announces() {
      return controller.announces === true && !abi.listens;
    },
    acknowledge: () => (abi.listens ? abi.info.deliver() : controller.acknowledge()),
  };
}

function ringfenceMemory(physical: PhysicalMemory): RingfenceMemory {
  return {
    ...hypercallMemory(physical),
    read8: (address) => physical.read8(address),
    write8: (address, value) => {
      physical.write8(address, value);
    },
    read: (address, target) => {
      physical.read(address, target);
    },
    write: (address, source) => {
      physical.write(address, source);
    },
  };
}

function ringfenceCpu(cpu: () => Cpu | undefined, state: Int32Array): RingfenceCpu {
  return {
    loadSpace: (directory) => {
      const control = cpu()?.control;
      const [cr0, cr4] = [state[Word.cr0] ?? 0, state[Word.cr4] ?? 0];
      if ((cr4 & pagingForms) !== 0) {
        control?.write(4, cr4 & ~pagingForms);
      }
      control?.writeCr3(directory);
      if ((cr0 & pagingOn) !== pagingOn) {
        control?.writeCr0(cr0 | pagingOn);
      }
    },
    halt: () => cpu()?.halt() ?? false,
    attention: () => cpu()?.attention(),
  };
}

function ringfenceDisks(drives: readonly DriveOptions[]): readonly (RingfenceDisk | undefined)[] {
  const disks: (RingfenceDisk | undefined)[] = [];
  for (const { interface: kind, unit, storage } of drives) {
    if (kind === 'ringfence') {
      disks[unit] = storage;
    }
  }
  return disks;
}
