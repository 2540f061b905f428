/**
 * What the code cache costs: a record allocated and linked, a write beside code, a write to code.
 *
 * Run with `npx vitest bench packages/code-cache`. Each task does 1000 operations per iteration.
 * vitest turns imported constants into property loads, so that its times are several times those of
 * the same code elsewhere (README "Testing" has those); compare them with each other.
 */
import { Layout, MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { bench, describe } from 'vitest';
import { CodeCache } from './code-cache.ts';

const mode = 3;

function rig(): { physical: PhysicalMemory; cache: CodeCache } {
  const machine = new MachineMemory({ ramBytes: 4 << 20 });
  const physical = new PhysicalMemory(machine);
  physical.mapRam(0, 4 << 20, Layout.ram);
  return { physical, cache: new CodeCache(physical) };
}

describe('1000 operations of the code cache', () => {
  const decoding = rig();
  bench('record allocated and linked', () => {
    const block = decoding.cache.block(1, mode);
    for (let count = 0; count < 1000; count += 1) {
      decoding.cache.link(block, count * 4, decoding.cache.allocate(block, count * 4), 4);
    }
    decoding.cache.flush();
    decoding.cache.collect();
  });

  const beside = rig();
  const block = beside.cache.block(1, mode);
  beside.cache.link(block, 0, beside.cache.allocate(block, 0), 4);
  bench('write to data in the chunk of an instruction', () => {
    for (let count = 0; count < 1000; count += 1) beside.physical.write32(0x1020, count);
  });

  const patched = rig();
  bench('instruction decoded and written', () => {
    for (let count = 0; count < 1000; count += 1) {
      const current = patched.cache.block(1, mode);
      patched.cache.link(current, 32, patched.cache.allocate(current, 32), 4);
      patched.physical.write8(0x1021, count);
      if (patched.cache.needsCollect) patched.cache.collect();
    }
  });
});
