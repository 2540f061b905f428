/** How many keys the BIOS's buffer has room for: what is typed past that would be lost. */
import { Word } from '@ringfence/cpu';
import type { PhysicalMemory } from '@ringfence/memory';

import { Bda } from './built-in-bios/layout.ts';

/** The vector of INT 9, which takes a key from the keyboard. */
const keyboardVector = 4 * 9;
/** ROMs begin here. */
const romSegment = 0xc000;
const keyBytes = 2;
const pagingOn = 1 << 31;
const virtual8086 = 1 << 17;

/**
 * Returns how many more keys the BIOS's buffer takes; Infinity where the guest takes keys by
 * itself: by a handler of its own of INT 9, or under paging, where no BIOS serves the keyboard but
 * that of a memory manager's virtual-8086 mode.
 *
 * Paging is what tells, not protected mode, in which SeaBIOS and boot loaders are now and then.
 */
export function biosKeyRoom(memory: PhysicalMemory): number {
  const state = memory.machine.i32;
  const isPaged = ((state[Word.cr0] ?? 0) & pagingOn) !== 0;
  const isVirtual = ((state[Word.eflags] ?? 0) & virtual8086) !== 0;
  if ((isPaged && !isVirtual) || memory.read16(keyboardVector + 2) < romSegment) {
    return Infinity;
  }
  const start = memory.read16(Bda.keyBufferStart);
  const size = memory.read16(Bda.keyBufferEnd) - start;
  const head = memory.read16(Bda.keyHead) - start;
  const tail = memory.read16(Bda.keyTail) - start;
  if (size <= 0 || head < 0 || head >= size || tail < 0 || tail >= size) {
    return Infinity;
  }
  const used = (tail - head + size) % size;
  return Math.floor((size - used) / keyBytes) - 1;
}
