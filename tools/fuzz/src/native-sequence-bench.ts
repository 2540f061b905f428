/** Runs the records of native-sequences.ts on a bare CPU, at the addresses of a process. */
import { Cpu, cpuModels, Word } from '@ringfence/cpu';
import type { InitialSegment } from '@ringfence/cpu';
import { Layout, MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { quietHost } from './sequence-bench.ts';

/** Bytes of a record. */
export const recordBytes = 1024;

/** A part of what a sequence came to, and where native/sequences.c has it. */
export interface SequencePart {
  readonly name: string;
  readonly at: number;
  readonly bytes: Uint8Array;
  /** The bits of four bytes that are compared; all by default. */
  readonly mask?: number;
}

const ramBytes = 0x10_0000;
const [gates, table, taskState, directory, low, data, code] = [
  0x1000, 0x1800, 0x2000, 0x4000, 0x5000, 0x6000, 0x8000,
];
const handler = 0x7000;
const [dataPages, codePages, helperPage, imagePage] = [0x4_0000, 0x8_0000, 0x6_1000, 0x6_0000];
/** Code stands in another page each time: pages written often are left to the interpreter. */
const codePageCount = 128;
const [dataAddress, codeAddress] = [0x2000_0000, 0x3000_0000];
const fxrstor = [0x0f, 0xae, 0x0d, 0, 0, 6, 0];
const fxsave = [0x0f, 0xae, 0x05, 0, 0, 6, 0];
const saveAt = helperPage + 0x10;
const arithmeticFlags = 0x8d5;

const segment = (selector: number, attributes: number): InitialSegment => {
  return { selector, base: 0, limit: 0xffff_ffff, attributes };
};

/** What each record comes to; a sequence that never ends has no registers that agree. */
export function runHere(
  records: readonly Uint8Array[],
  accel: 'interpreter' | 'translator',
): SequencePart[][] {
  const machine = new MachineMemory({ ramBytes });
  const physical = new PhysicalMemory(machine);
  physical.mapRam(0, ramBytes, Layout.ram);
  const model = cpuModels.find(({ name }) => name === 'max');
  const cpu = new Cpu({ machine, physical, host: quietHost, accel, ...(model && { model }) });
  writeSystem(physical);
  return records.map((record, index) => {
    const codePage = codePages + ((index % codePageCount) << 12);
    physical.write32(code, codePage | 7);
    physical.write(dataPages, new Uint8Array(0x4000));
    physical.write(dataPages + 0x400, record.subarray(256, 512));
    physical.write(codePage, new Uint8Array(512).fill(0xcc));
    const length = new DataView(record.buffer, record.byteOffset).getUint32(0, true);
    physical.write(codePage, record.subarray(4, 4 + length));
    physical.write(imagePage, record.subarray(512, 1024));
    physical.write(helperPage, Uint8Array.from(fxrstor));
    physical.write(saveAt, Uint8Array.from(fxsave));
    start(cpu);
    stepAt(cpu, machine.i32, helperPage);
    machine.i32[Word.rip] = codeAddress;
    if (accel === 'translator') {
      cpu.run(1);
      cpu.regions?.compile(codeAddress, codePage >> 12, [0], 'asked for');
    }
    for (let runs = 0; runs < 20 && machine.i32[Word.rip] !== handler; runs += 1) cpu.run(200);
    const parts = framed(machine);
    stepAt(cpu, machine.i32, saveAt);
    const image = machine.u8.slice(Layout.ram + imagePage, Layout.ram + imagePage + 512);
    const memory = Layout.ram + dataPages + 0x400;
    parts.push(...imageParts(image));
    parts.push({ name: 'memory', at: 560, bytes: machine.u8.slice(memory, memory + 256) });
    return parts;
  });
}

function writeSystem(physical: PhysicalMemory): void {
  const word = (at: number, value: number): void => {
    physical.write32(at, value);
  };
  const helpers = [helperPage, imagePage].map((address) => address >> 12);
  for (let page = 0; page < 256; page += 1) {
    word(low + 4 * page, (page << 12) | (helpers.includes(page) ? 7 : 3));
  }
  for (let page = 0; page < 4; page += 1) {
    word(data + 4 * page, (dataPages + (page << 12)) | 7);
  }
  word(directory, low | 7);
  word(directory + (dataAddress >>> 20), data | 7);
  word(directory + (codeAddress >>> 20), code | 7);
  for (let vector = 0; vector < 256; vector += 1) {
    word(gates + 8 * vector, (0x08 << 16) | handler);
    word(gates + 8 * vector + 4, 0xee00);
  }
  [0, 0, 0xffff, 0x00cf_9b00, 0xffff, 0x00cf_9300].forEach((value, index) => {
    word(table + 4 * index, value);
  });
  word(taskState + 4, 0x9000);
  word(taskState + 8, 0x10);
  physical.write(handler, Uint8Array.of(0xeb, 0xfe));
}

function start(cpu: Cpu): void {
  const flat = segment(0x2b, 0xc0f3);
  const pointer = dataAddress + 0x400;
  cpu.start({
    gpr: [0x1122_3344, 3, 5, pointer, dataAddress + 0xf00, pointer, pointer, pointer],
    eip: helperPage,
    eflags: 0x202,
    cr0: 0x8001_0033,
    gdtr: { base: table, limit: 0x17 },
    idtr: { base: gates, limit: 0x7ff },
    cs: segment(0x23, 0xc0fb),
    ...{ ds: flat, es: flat, ss: flat, fs: flat, gs: flat },
    ldtr: { selector: 0, base: 0, limit: 0, attributes: 0x82 },
    tr: { selector: 0x28, base: taskState, limit: 0x67, attributes: 0x8b },
  });
  cpu.control.writeCr3(directory);
  cpu.control.write(4, 0x600);
}

/** Runs the instruction at an address, at the level that is its page's. */
function stepAt(cpu: Cpu, state: Int32Array, address: number): void {
  const user = address === helperPage;
  state[Word.rip] = address;
  state[Word.cpl] = user ? 3 : 0;
  cpu.shadow.setPrivilege(user, false);
  cpu.segmentation.updateMode();
  for (let runs = 0; runs < 8 && state[Word.rip] === address; runs += 1) cpu.run(1);
}

/** The registers as the frame of the exception has them that ended the sequence. */
function framed({ i32 }: MachineMemory): SequencePart[] {
  const esp = i32[Word.gpr + 8] ?? 0;
  const frame = (Layout.ram + esp + (0x9000 - esp === 24 ? 4 : 0)) >> 2;
  const word = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
  const names = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
  const registers = names.map((name, index) => {
    const value = name === 'esp' ? i32[frame + 3] : i32[Word.gpr + 2 * index];
    return { name, at: 8 + 4 * index, bytes: word(value ?? 0) };
  });
  const flags = word(i32[frame + 2] ?? 0);
  return [
    { name: 'eip', at: 4, bytes: word(i32[frame] ?? 0) },
    ...registers,
    { name: 'flags', at: 40, bytes: flags, mask: arithmeticFlags },
  ];
}

function imageParts(image: Uint8Array): SequencePart[] {
  const part = (name: string, from: number, bytes: number): SequencePart => {
    return { name, at: 48 + from, bytes: image.subarray(from, from + bytes) };
  };
  const eight = Array.from({ length: 8 }, (_, index) => index);
  return [
    part('control', 0, 2),
    part('status', 2, 2),
    part('tags', 4, 1),
    part('opcode', 6, 2),
    part('mxcsr', 24, 4),
    ...eight.map((index) => part(`st${String(index)}`, 32 + 16 * index, 10)),
    ...eight.map((index) => part(`xmm${String(index)}`, 160 + 16 * index, 16)),
  ];
}
