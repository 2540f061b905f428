import type { XenPvAbi } from '@ringfence/hypercall';

import { MachineError } from '../error.ts';

import { flatBootState } from './boot-state.ts';
import type { BootState } from './boot-state.ts';
import { paravirtualImage } from './kernel.ts';
import type { PreparedKernel } from './kernel.ts';
import { LoaderArea, writeBootGdt } from './loader-memory.ts';
import type { LoaderMemory } from './loader-memory.ts';

/**
 * Builds a paravirtual guest of a kernel; returns the state in which the processor starts.
 *
 * It starts in Xen's own code, which switches paging on and enters the kernel in ring 1.
 *
 * @throws MachineError `bad-image` for a kernel that cannot be such a guest, or does not fit.
 */
export function startParavirtual(
  abi: XenPvAbi,
  kernel: PreparedKernel,
  memory: LoaderMemory,
): BootState {
  const start = abi.load(paravirtualImage(kernel));
  if (typeof start === 'string') {
    throw new MachineError('bad-image', {
      where: 'kernel for machine xenpv',
      expected: 'a layout that fits into memory',
      found: start,
    });
  }
  writeBootGdt(memory);
  return flatBootState(start, LoaderArea.gdt, {});
}
