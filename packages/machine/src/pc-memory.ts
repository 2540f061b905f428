/**
 * The memory of a PC: RAM with its hole, and what devices and loaders may do with it.
 */
import type { GuestMemory } from '@ringfence/hypercall';
import { Layout, MachineMemory, MemoryError, PhysicalMemory } from '@ringfence/memory';
import type { MachineMemoryOptions } from '@ringfence/memory';

import type { LoaderMemory } from './boot/loader-memory.ts';
import { extendedMemory, videoMemory } from './boot/memory-map.ts';
import { MachineError } from './error.ts';

const zeroBlock = 0x1_0000;

/**
 * Makes guest-physical memory: RAM with a hole from 0xa0000 to 1 MiB. The guest is not told of the
 * last `hiddenBytes`.
 *
 * @throws MachineError `bad-option` for a size that cannot be, `too-little-memory` when the host
 * has none.
 */
export function makePcMemory(
  ramBytes: number,
  extraBytes: number,
  hiddenBytes: number = 0,
): PhysicalMemory {
  const machine = makeMachineMemory({ ramBytes, extraBytes, hiddenBytes });
  const physical = new PhysicalMemory(machine);
  physical.mapRam(0, videoMemory, Layout.ram);
  if (ramBytes > extendedMemory) {
    const above = ramBytes - extendedMemory;
    physical.mapRam(extendedMemory, above, Layout.ram + extendedMemory);
  }
  return physical;
}

function makeMachineMemory(options: MachineMemoryOptions): MachineMemory {
  const { ramBytes } = options;
  try {
    return new MachineMemory(options);
  } catch (error) {
    if (!(error instanceof MemoryError)) {
      throw error;
    }
    const isHost = error.code === 'out-of-memory';
    throw new MachineError(isHost ? 'too-little-memory' : 'bad-option', {
      where: isHost ? 'memory of the host' : 'guest memory',
      expected: isHost ? `room for ${String(ramBytes)} bytes` : 'a size that a machine can have',
      found: error.message,
    });
  }
}

/** Returns whether a range is RAM that a guest may name: no hole, ROM or video memory in it. */
export function isGuestRam(ramBytes: number, physical: number, bytes: number): boolean {
  const end = physical + bytes;
  return (
    Number.isSafeInteger(physical) &&
    physical >= 0 &&
    bytes >= 0 &&
    end <= ramBytes &&
    (end <= videoMemory || physical >= extendedMemory)
  );
}

/** Guest memory for paravirtual interfaces; writes are seen by traces. */
export function hypercallMemory(physical: PhysicalMemory): GuestMemory {
  const { ramBytes } = physical.machine;
  return {
    isRam: (address, bytes) => isGuestRam(ramBytes, address, bytes),
    read32: (address) => physical.read32(address),
    write32: (address, value) => {
      physical.write32(address, value);
    },
  };
}

/** Guest memory for loaders; writes are seen by traces. */
export function loaderMemory(physical: PhysicalMemory): LoaderMemory {
  const zeros = new Uint8Array(zeroBlock);
  return {
    ramBytes: physical.machine.usableBytes,
    write: (address, source) => {
      physical.write(address, source);
    },
    zero: (address, bytes) => {
      for (let done = 0; done < bytes; done += zeroBlock) {
        physical.write(address + done, zeros.subarray(0, Math.min(zeroBlock, bytes - done)));
      }
    },
  };
}
