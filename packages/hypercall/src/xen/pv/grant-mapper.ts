/**
 * Mappings of grants in a paravirtual guest's page tables (Xen, arch/x86/pv/grant_table.c). An
 * entry holds a use of the page that it maps, as every entry does, beside the grant's own.
 */
import { pageBytes } from '@ringfence/memory';
import type { GrantMapper, WideAddress } from '../mapped-grants.ts';
import { availableBits, GrantMapFlag } from '../mapped-grants.ts';
import type { PvGuest } from './guest.ts';
import { PageType } from './page-info.ts';
import { EntryBit, frameOf } from './page-tables.ts';
import type { Entry } from './page-tables.ts';

/** The bits of an entry that are software's begin here. */
const availableShift = 9;
const none: Entry = { low: 0, high: 0 };

/** Bits of an entry that say whether a mapping is there, and to write. */
const rightsOf = (flags: number): number =>
  EntryBit.present | ((flags & GrantMapFlag.readOnly) === 0 ? EntryBit.writable : 0);

/** Makes what maps grants for a guest. */
export function grantMapper(guest: PvGuest): GrantMapper {
  const { tables, info } = guest;
  /** The entry at a linear address, or, with that flag, at a machine address. */
  const placeOf = (
    { low, high }: WideAddress,
    flags: number,
  ): readonly [number, number] | undefined => {
    if ((flags & GrantMapFlag.containsEntry) === 0) {
      const leaf = high === 0 ? guest.findLeaf(low) : undefined;
      return leaf !== undefined && info.type(leaf[0]) === PageType.l1 ? leaf : undefined;
    }
    const frame = (low >>> 12) + high * 2 ** 20;
    const isEntry = low % 8 === 0 && info.type(frame) === PageType.l1;
    return isEntry ? [frame, (low % pageBytes) >>> 3] : undefined;
  };
  /** Whether an entry maps the frame as the grant was mapped, to write or not (XSA-234). */
  const mapsFrame = (
    [table, index]: readonly [number, number],
    frame: number,
    flags: number,
  ): boolean => {
    const entry = tables.read(table, index);
    const bits = EntryBit.present | EntryBit.writable;
    return (entry.low & bits) === rightsOf(flags) && frameOf(entry) === frame;
  };
  return {
    map: (address, frame, flags) => {
      const place = placeOf(address, flags);
      const bits =
        rightsOf(flags) |
        EntryBit.accessed |
        EntryBit.dirty |
        (availableBits(flags) << availableShift) |
        ((flags & GrantMapFlag.application) === 0 ? 0 : EntryBit.user);
      const entry = { low: (frame << 12) | bits, high: frame >>> 20 };
      return place !== undefined && tables.change(...place, entry) === 0;
    },
    unmap: (address, frame, flags) => {
      const place = placeOf(address, flags);
      const isMapped = place !== undefined && mapsFrame(place, frame, flags);
      return isMapped && tables.change(...place, none) === 0;
    },
    replace: (address, frame, flags, from) => {
      const place = placeOf(address, 0);
      const source = from === 0 ? undefined : placeOf({ low: from, high: 0 }, 0);
      const isMapped = place !== undefined && mapsFrame(place, frame, flags);
      if (!isMapped || (from !== 0 && source === undefined)) {
        return false;
      }
      if (source === undefined) {
        return tables.change(...place, none) === 0;
      }
      const moved = tables.read(...source);
      return tables.change(...place, moved) === 0 && tables.change(...source, none) === 0;
    },
  };
}
