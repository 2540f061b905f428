/** A bare virtual CPU in flat 32-bit protected mode, for tests. */
import { MachineMemory, PhysicalMemory, Layout } from '@ringfence/memory';
import { Cpu } from './cpu.ts';
import { cpuModels } from './model.ts';
import type { CpuHost } from './interfaces.ts';
import type { InitialState } from './initial-state.ts';

/** Flat segments, code at `eip`. */
export function flatState(eip: number, esp: number): InitialState {
  const code = { selector: 0x10, base: 0, limit: 0xffff_ffff, attributes: 0xc09b };
  const data = { selector: 0x18, base: 0, limit: 0xffff_ffff, attributes: 0xc093 };
  const none = { selector: 0, base: 0, limit: 0xffff, attributes: 0x82 };
  return {
    gpr: [0, 0, 0, 0, esp, 0, 0, 0],
    eip,
    eflags: 2,
    cr0: 0x11,
    gdtr: { base: 0, limit: 0 },
    idtr: { base: 0, limit: 0 },
    cs: code,
    ds: data,
    es: data,
    ss: data,
    fs: data,
    gs: data,
    ldtr: none,
    tr: { ...none, attributes: 0x8b },
  };
}

/** Writes gates to handlers by vector, and a descriptor table in which 0x10 is flat code. */
export function writeTables(
  physical: PhysicalMemory,
  { gates, table }: { readonly gates: number; readonly table: number },
  handlers: readonly (readonly [vector: number, handler: number])[],
): void {
  for (const [vector, handler] of handlers) {
    physical.write32(gates + 8 * vector, (0x10 << 16) | handler);
    physical.write32(gates + 8 * vector + 4, 0x8e00);
  }
  physical.write32(table + 0x10, 0xffff);
  physical.write32(table + 0x14, 0x00cf_9b00);
}

/** What a test CPU is made of. */
export interface TestCpu {
  readonly cpu: Cpu;
  readonly machine: MachineMemory;
  readonly physical: PhysicalMemory;
  /** Port writes as `[port, bytes, value]`. */
  readonly writes: [number, number, number][];
  readonly interrupts: { requested: boolean; announces: boolean; vector: number };
  /** The host's clock, which stands still. */
  readonly time: { ms: number };
}

/** Makes a CPU with RAM and no devices: port reads give all ones. */
export function makeCpu(
  ramBytes: number = 16 << 20,
  accel: 'interpreter' | 'translator' = 'interpreter',
  modelName: string = 'max',
): TestCpu {
  const model = cpuModels.find(({ name }) => name === modelName);
  if (model === undefined) throw new Error(`no CPU model ${modelName}`);
  const machine = new MachineMemory({ ramBytes });
  const physical = new PhysicalMemory(machine);
  physical.mapRam(0, ramBytes, Layout.ram);
  const writes: [number, number, number][] = [];
  const interrupts = { requested: false, announces: false, vector: 0x20 };
  const time = { ms: 0 };
  const host: CpuHost = {
    monotonicMs: () => time.ms,
    ports: {
      read: (_: number, bytes: 1 | 2 | 4) => (bytes === 4 ? -1 : (1 << (8 * bytes)) - 1),
      write: (port: number, bytes: 1 | 2 | 4, value: number) => {
        writes.push([port, bytes, value]);
      },
    },
    interrupts: {
      get requested() {
        return interrupts.requested;
      },
      get announces() {
        return interrupts.announces;
      },
      acknowledge: () => {
        interrupts.requested = false;
        return interrupts.vector;
      },
    },
    hypercalls: {
      present: false,
      cpuid: () => undefined,
      readMsr: () => undefined,
      writeMsr: () => 'absent',
      hypercall: () => false,
    },
    tsc: () => 0,
    random: () => 4,
  };
  return {
    cpu: new Cpu({ machine, physical, host, accel, model }),
    machine,
    physical,
    writes,
    interrupts,
    time,
  };
}
