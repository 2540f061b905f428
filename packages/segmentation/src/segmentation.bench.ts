/**
 * Nanoseconds per operation of the hot paths, on memory that costs what a shadow-table hit costs
 * (one lookup in an Int32Array per access). Run it:
 *
 *     npx tsx --conditions=@ringfence/source packages/segmentation/src/segmentation.bench.ts
 */
import { SegmentRegister } from '@ringfence/memory';
import type { Fault } from './fault.ts';
import { InterruptKind, noErrorCode, type LinearMemory } from './interfaces.ts';
import { Segmentation } from './segmentation.ts';
import { State } from './state.ts';
import { gate, Sel, start, TestMachine } from './test-machine.ts';

/** Aligned 32-bit memory through a table of page addends, as packages/cpu has it. */
class TableMemory implements LinearMemory {
  fault: Fault = 0;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #pages: Int32Array = new Int32Array(256);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer);
    this.#halves = new Uint16Array(bytes.buffer);
  }
  #translate(linear: number): number {
    return ((this.#pages[(linear >>> 12) & 255] as number) + linear) & 0xf_ffff;
  }
  read8(linear: number): number {
    this.fault = 0;
    return this.#bytes[this.#translate(linear)] as number;
  }
  read16(linear: number): number {
    this.fault = 0;
    return this.#halves[this.#translate(linear) >> 1] as number;
  }
  read32(linear: number): number {
    this.fault = 0;
    return this.#words[this.#translate(linear) >> 2] as number;
  }
  write8(linear: number, value: number): Fault {
    this.#bytes[this.#translate(linear)] = value;
    return 0;
  }
  write16(linear: number, value: number): Fault {
    this.#halves[this.#translate(linear) >> 1] = value;
    return 0;
  }
  write32(linear: number, value: number): Fault {
    this.#words[this.#translate(linear) >> 2] = value;
    return 0;
  }
  probeWrite(linear: number, bytes: number): Fault {
    return (this.#pages[(linear >>> 12) & 255] as number) +
      (this.#pages[((linear + bytes - 1) >>> 12) & 255] as number) <
      0
      ? 1
      : 0;
  }
}

const machine = new TestMachine();
machine.idt(0x80, gate(0xee, Sel.code0, 0x5000));
let privilegeChanges = 0;
const unit = new Segmentation({
  words: machine.words,
  memory: new TableMemory(machine.memory.bytes),
  host: {
    onPrivilegeChange: () => void privilegeChanges++,
    loadCr3: () => 0,
    onTaskSwitch: () => undefined,
  },
});
const words = machine.words;

function enter(cpl: number): void {
  machine.enter(cpl);
}

function measure(name: string, operation: () => void, operations = 1): void {
  const rounds = 1_000_000;
  for (let round = 0; round < 100_000; round++) operation();
  let best = Infinity;
  for (let attempt = 0; attempt < 5; attempt++) {
    const begin = process.cpuUsage();
    for (let round = 0; round < rounds; round++) operation();
    const spent = process.cpuUsage(begin);
    best = Math.min(best, ((spent.user + spent.system) * 1000) / rounds / operations);
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(0).padStart(5)} ns`);
}

enter(3);
measure('loadSegment, null', () => unit.loadSegment(SegmentRegister.gs, 0));
measure('loadSegment, flat data', () => unit.loadSegment(SegmentRegister.ds, Sel.data3 | 3));
measure('interrupt 32-bit gate 3 -> 0, and IRET 0 -> 3 (both)', () => {
  unit.interrupt(0x80, InterruptKind.software, noErrorCode);
  unit.iret(4);
});
enter(0);
measure('interrupt 32-bit gate 0 -> 0, and IRET 0 -> 0 (both)', () => {
  unit.interrupt(0x80, InterruptKind.external, noErrorCode);
  unit.iret(4);
});
enter(3);
measure('SYSENTER, and SYSEXIT (both)', () => {
  unit.sysenter(0x60, 0x1f000, 0x5000);
  words[State.gpr + 2] = start.esp;
  words[State.gpr + 4] = start.eip;
  unit.sysexit(0x60);
});
enter(0);
measure('CLI, STI (both)', () => {
  unit.cli();
  unit.sti();
});
measure('PUSHF, POPF (both)', () => {
  unit.pushf(4);
  unit.popf(unit.result, 4);
});
measure('far CALL, RETF same level (both)', () => {
  unit.farCall(Sel.code0, 0x5000, 4);
  unit.farReturn(0, 4);
});
console.log(`(${privilegeChanges} privilege changes)`);
