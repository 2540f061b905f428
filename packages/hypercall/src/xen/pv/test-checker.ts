/**
 * Counts anew how each page of a paravirtual guest is used, from its page tables, and compares with
 * what is kept. Written for tests; shares nothing with the code that keeps the counts but the
 * owners.
 */
import { pageBytes } from '@ringfence/memory';
import type { XenMemory } from '../interfaces.ts';
import type { PvGuest } from './guest.ts';
import { PageOwner, PageType } from './page-info.ts';

/** Returns what is wrong, line by line; nothing when all counts hold. */
export function checkPages(guest: PvGuest, memory: XenMemory): readonly string[] {
  const { info } = guest;
  const faults: string[] = [];
  const uses = new Map<string, number>();
  const use = (frame: number, type: number): void => {
    const key = `${String(frame)}:${String(type)}`;
    uses.set(key, (uses.get(key) ?? 0) + 1);
  };
  const entries = (frame: number, count: number): (readonly [number, number])[] =>
    Array.from({ length: count }, (_nothing, index) => [
      memory.read32(frame * pageBytes + index * 8),
      memory.read32(frame * pageBytes + index * 8 + 4),
    ]);
  if (guest.base !== 0) use(guest.base, PageType.l3);
  for (const frame of [...guest.gdt, ...guest.ldt.inUse]) use(frame, PageType.descriptors);
  for (let frame = 0; frame < info.frames; frame += 1) {
    const type = info.type(frame);
    if (info.isPinned(frame)) use(frame, type);
    const level =
      type === PageType.l3 ? 3 : type === PageType.l2 ? 2 : type === PageType.l1 ? 1 : 0;
    if (level === 0) continue;
    const count = level === 3 ? 4 : info.isTop(frame) ? 428 : 512;
    for (const [index, [low, high]] of entries(frame, count).entries()) {
      if ((low & 1) === 0) continue;
      const target = (low >>> 12) + (high & 0xf_ffff) * 2 ** 20;
      const owner = info.owner(target);
      const writes = (low & 2) !== 0;
      const where = `frame ${String(frame)} level ${String(level)} entry ${String(index)}`;
      if (level > 1) {
        if (owner !== PageOwner.guest) faults.push(`${where}: a table that is not the guest's`);
        const isLinear = level === 2 && info.type(target) === PageType.l2;
        if (isLinear && writes) faults.push(`${where}: a linear table that can be written`);
        if (isLinear && target === frame) continue;
        use(target, level === 3 || isLinear ? PageType.l2 : PageType.l1);
      } else if (owner === PageOwner.nobody) {
        // A page that was given back while something could still read it.
        if (writes) faults.push(`${where}: writes to nobody's frame ${String(target)}`);
      } else if (owner === PageOwner.readable) {
        if (writes) faults.push(`${where}: writes to Xen's table`);
      } else if (owner === PageOwner.shared) {
        use(target, PageType.writable);
      } else if (owner === PageOwner.guest && writes) {
        use(target, PageType.writable);
        const other = info.type(target);
        if (other !== PageType.writable) {
          faults.push(`${where}: writes to frame ${String(target)} of type ${String(other)}`);
        }
      }
    }
  }
  for (const frame of guest.domain.heldToWrite) use(frame, PageType.writable);
  for (let frame = 0; frame < info.frames; frame += 1) {
    const type = info.type(frame);
    const found = uses.get(`${String(frame)}:${String(type)}`) ?? 0;
    if (type !== PageType.none && found !== info.uses(frame)) {
      const kept = `${String(info.uses(frame))} of type ${String(type)}`;
      faults.push(`frame ${String(frame)}: kept ${kept}, found ${String(found)}`);
    }
  }
  for (const [key, count] of uses) {
    const [frame = 0, type = 0] = key.split(':').map(Number);
    if (info.type(frame) !== type) {
      faults.push(`frame ${key}: ${String(count)} uses of a type that it does not have`);
    }
  }
  return faults;
}
