/**
 * Guest memory as the Xen interface uses it: RAM, and pages of Xen's own that show at other places
 * too.
 */
import type { XenMemory } from '@ringfence/hypercall';
import { Layout, pageBytes } from '@ringfence/memory';
import type { PhysicalMemory } from '@ringfence/memory';

import { extendedMemory } from './boot/memory-map.ts';
import { hypercallMemory, isGuestRam } from './pc-memory.ts';

/** The highest address at which a page can stand; above it are the chips' registers. */
const aliasEnd = 0xfec0_0000;

/**
 * Returns guest memory for the Xen interface.
 *
 * A page that shows at a second place is one page of linear memory; what is written at its own
 * address is told to the traces of the other.
 */
export function xenMemory(physical: PhysicalMemory): XenMemory {
  const { ramBytes } = physical.machine;
  /** The pages that show at other places, by those. */
  const shown = new Map<number, number>();
  const tell = (address: number, bytes: number): void => {
    const page = shown.size === 0 ? -1 : Math.floor(address / pageBytes);
    for (const [at, other] of shown) {
      if (other === page) {
        physical.traces.notify(at * pageBytes + (address % pageBytes), bytes);
      }
    }
  };
  return {
    ...hypercallMemory(physical),
    ramBytes,
    read8: (address) => physical.read8(address),
    read16: (address) => physical.read16(address),
    write8: (address, value) => {
      physical.write8(address, value);
      tell(address, 1);
    },
    write16: (address, value) => {
      physical.write16(address, value);
      tell(address, 2);
    },
    write32: (address, value) => {
      physical.write32(address, value);
      tell(address, 4);
    },
    read: (address, target) => {
      physical.read(address, target);
    },
    write: (address, source) => {
      physical.write(address, source);
      tell(address, source.length);
    },
    alias: (address, frame) => {
      const isRam = isGuestRam(ramBytes, address, pageBytes);
      const isFree = address >= Math.max(ramBytes, extendedMemory) && address < aliasEnd;
      if (address % pageBytes !== 0 || (!isRam && !isFree)) {
        return false;
      }
      shown.delete(address / pageBytes);
      if (frame === 'nothing') {
        physical.unmap(address, pageBytes);
      } else if (frame !== undefined) {
        shown.set(address / pageBytes, frame / pageBytes);
        physical.mapRam(address, pageBytes, Layout.ram + frame);
      } else if (isRam) {
        physical.mapRam(address, pageBytes, Layout.ram + address);
      } else {
        physical.unmap(address, pageBytes);
      }
      return true;
    },
  };
}
