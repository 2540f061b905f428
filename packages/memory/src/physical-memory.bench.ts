/**
 * What the slow path's accesses cost: RAM, a traced page whose owner is told, MMIO.
 *
 * Run with `npx vitest bench packages/memory`. Each task does 1000 operations per iteration.
 * vitest turns imported constants into property loads, so that its times are several times those of
 * the same code elsewhere (README "Testing" has those); compare them with each other.
 */
import { bench, describe } from 'vitest';
import { Layout } from './layout.ts';
import { MachineMemory } from './machine-memory.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { TraceOwnerId } from './trace-table.ts';

const machine = new MachineMemory({ ramBytes: 4 << 20 });
const physical = new PhysicalMemory(machine);
physical.mapRam(0, 4 << 20, Layout.ram);
let told = 0;
physical.traces.setOwner(TraceOwnerId.device, { written: () => void (told += 1) });
physical.traces.addRange(TraceOwnerId.device, 1, 0, 64);
const register = { readMmio: () => told, writeMmio: () => void (told += 1) };
physical.mapMmio(0xfee0_0000, 0x1000, register);

describe('1000 accesses to guest-physical memory', () => {
  bench('read32 of RAM', () => {
    for (let count = 0; count < 1000; count += 1) physical.read32(0x8000 + count * 4);
  });
  bench('write32 to RAM', () => {
    for (let count = 0; count < 1000; count += 1) physical.write32(0x8000 + count * 4, count);
  });
  bench('write32 to a traced page, beside the trace', () => {
    for (let count = 0; count < 1000; count += 1) physical.write32(0x1800, count);
  });
  bench('write32 to a traced chunk', () => {
    for (let count = 0; count < 1000; count += 1) physical.write32(0x1000, count);
  });
  bench('write32 to MMIO', () => {
    for (let count = 0; count < 1000; count += 1) physical.write32(0xfee0_0020, count);
  });
});
