/**
 * The registers that GDB sees (GDB manual, appendix G.5.6, i386 features): their order, their
 * description in XML, and where they are in the CPU state.
 */
import { CpuState, definedFlags, SegmentField, segmentBytes, writeEflags } from '@ringfence/memory';

/** A processor whose registers are read and written between two instructions. */
export interface RegisterFile {
  /** Linear memory from byte 0: the CPU state is in it. */
  readonly state: Int32Array;
  readonly bytes: Uint8Array;
  eflags(): number;
}

interface Row {
  readonly name: string;
  readonly bits: number;
  readonly type: string;
  read(cpu: RegisterFile): number | Uint8Array;
  write(cpu: RegisterFile, value: Uint8Array): void;
}

const general = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
/** GDB's order, with the numbers that the manual encodes. */
const segments = { cs: 1, ss: 2, ds: 3, es: 0, fs: 4, gs: 5 };

function word(value: Uint8Array): number {
  return value.reduceRight((sum, byte) => (sum << 8) | byte, 0);
}

function field(name: string, address: number, type = 'int32'): Row {
  return {
    name,
    bits: 32,
    type,
    read: ({ state }) => state[address >> 2] ?? 0,
    write: ({ state }, value) => {
      state[address >> 2] = word(value);
    },
  };
}

/** Selectors can be read; loading one is up to the guest, whose descriptors it needs. */
function selector(name: string, number: number): Row {
  const at = (CpuState.segments + segmentBytes * number + SegmentField.selector) >> 2;
  return {
    name,
    bits: 32,
    type: 'int32',
    read: ({ state }) => state[at] ?? 0,
    write: () => undefined,
  };
}

function block(
  name: string,
  bits: number,
  type: string,
  address: (cpu: RegisterFile) => number,
): Row {
  const length = bits / 8;
  return {
    name,
    bits,
    type,
    read: (cpu) => cpu.bytes.slice(address(cpu), address(cpu) + length),
    write: (cpu, value) => {
      cpu.bytes.set(value.subarray(0, length), address(cpu));
    },
  };
}

/** The physical register that is ST(index). */
function stack(index: number): Row {
  return block(`st${index}`, 80, 'i387_ext', ({ state }) => {
    const top = ((state[CpuState.fpuStatus >> 2] ?? 0) >> 11) & 7;
    return CpuState.fpu + 16 * ((top + index) & 7);
  });
}

const eflags: Row = {
  name: 'eflags',
  bits: 32,
  type: 'i386_eflags',
  read: (cpu) => cpu.eflags(),
  write: ({ state }, value) => {
    writeEflags(state, word(value), definedFlags);
  },
};

const core: readonly Row[] = [
  ...general.map((name, index) =>
    field(name, CpuState.gpr + 8 * index, /sp|bp/.test(name) ? 'data_ptr' : 'int32'),
  ),
  field('eip', CpuState.rip, 'code_ptr'),
  eflags,
  ...Object.entries(segments).map(([name, number]) => selector(name, number)),
  ...Array.from({ length: 8 }, (_, index) => stack(index)),
  ...(
    [
      ['fctrl', CpuState.fpuControl],
      ['fstat', CpuState.fpuStatus],
      ['ftag', CpuState.fpuTags],
      ['fiseg', CpuState.fpuCs],
      ['fioff', CpuState.fpuIp],
      ['foseg', CpuState.fpuDs],
      ['fooff', CpuState.fpuDp],
      ['fop', CpuState.fpuOpcode],
    ] as const
  ).map(([name, address]) => ({ ...field(name, address, 'int'), group: 'float' })),
];

const sse: readonly Row[] = [
  ...Array.from({ length: 8 }, (_, index) =>
    block(`xmm${index}`, 128, 'vec128', () => CpuState.xmm + 16 * index),
  ),
  field('mxcsr', CpuState.mxcsr, 'i386_mxcsr'),
];

const rows: readonly Row[] = [...core, ...sse];

/** How many registers there are. */
export const registerCount: number = rows.length;

/** A register as bytes, little-endian; none for a number that there is not. */
export function readRegister(cpu: RegisterFile, number: number): Uint8Array | undefined {
  const row = rows[number];
  const value = row?.read(cpu);
  if (value === undefined || typeof value !== 'number') return value;
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** Writes a register; false for a number that there is not, or too few bytes. */
export function writeRegister(cpu: RegisterFile, number: number, value: Uint8Array): boolean {
  const row = rows[number];
  if (row === undefined || value.length * 8 < row.bits) return false;
  row.write(cpu, value);
  return true;
}

function describe(row: Row): string {
  return `<reg name="${row.name}" bitsize="${row.bits}" type="${row.type}"/>`;
}

const flagNames: readonly (readonly [name: string, bit: number])[] = [
  ['CF', 0],
  ['PF', 2],
  ['AF', 4],
  ['ZF', 6],
  ['SF', 7],
  ['TF', 8],
  ['IF', 9],
  ['DF', 10],
  ['OF', 11],
  ['NT', 14],
  ['RF', 16],
  ['VM', 17],
  ['AC', 18],
  ['VIF', 19],
  ['VIP', 20],
  ['ID', 21],
];

function flagsType(id: string, names: readonly (readonly [string, number])[]): string {
  const fields = names.map(([name, bit]) => `<field name="${name}" start="${bit}" end="${bit}"/>`);
  return `<flags id="${id}" size="4">${fields.join('')}</flags>`;
}

const vectorType =
  '<vector id="v4f" type="ieee_single" count="4"/><vector id="v4i32" type="int32" count="4"/>' +
  '<union id="vec128"><field name="v4_float" type="v4f"/>' +
  '<field name="v4_int32" type="v4i32"/><field name="uint128" type="uint128"/></union>';

/** The target description that GDB asks for (GDB manual, appendix G). */
export const targetDescription: string =
  '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">' +
  '<target version="1.0"><architecture>i386</architecture>' +
  `<feature name="org.gnu.gdb.i386.core">${flagsType('i386_eflags', flagNames)}` +
  `${core.map(describe).join('')}</feature>` +
  `<feature name="org.gnu.gdb.i386.sse">${vectorType}` +
  `${flagsType('i386_mxcsr', [
    ['IE', 0],
    ['DE', 1],
    ['ZE', 2],
    ['OE', 3],
    ['UE', 4],
    ['PE', 5],
    ['DAZ', 6],
    ['FZ', 15],
  ])}` +
  `${sse.map(describe).join('')}</feature></target>`;
