/** Programs for tests of the interpreter loop's cases, with paging and holes in the data. */
import { CpuState } from '@ringfence/memory';
import { Cr0, Word } from './state-view.ts';
import { flatState, type TestCpu } from './test-cpu.ts';

/** Where programs begin unless a test says otherwise; a page behind it each. */
export const codeAddress = 0x4_0000;

/** Code, where it stands, and what near returns in it lead to. */
export interface Program {
  readonly program: Uint8Array;
  readonly address: number;
  readonly end: number;
}

const handler = 0x8000;
const idt = 0x9000;
const gdt = 0xa000;
const directory = 0x10000;
const tables = 0x11000;
const dataFirst = 0x20_0000;
const dataBytes = 0x8000;
const stackTop = 0x20_c000;
const mappedPages = 1024;

/** Numbers that are the same in each run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e37_79b1);
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) | 0;
    return Math.floor(((this.#state >>> 8) / 2 ** 24) * limit);
  }
}

/**
 * Puts a program into memory, with registers and data by `seed`: pointers into data of which some
 * pages are absent or read-only. Exceptions halt.
 */
export function prepare(parts: TestCpu, { program, address, end }: Program, seed: number): void {
  const { machine, physical, cpu } = parts;
  const random = new Random(seed);
  cpu.start(flatState(address, stackTop));
  const words = (address: number, values: readonly number[]): void => {
    physical.write(address, new Uint8Array(Int32Array.from(values).buffer));
  };
  words(directory, [tables | 3]);
  words(
    tables,
    Array.from({ length: mappedPages }, (_, page) => {
      const isData = page * 4096 >= dataFirst && page * 4096 < dataFirst + dataBytes;
      const rights = isData && random.below(12) === 0 ? random.below(2) : 3;
      return (page * 4096) | rights;
    }),
  );
  words(
    idt,
    Array.from({ length: 64 }, (_, half) => ((half & 1) === 0 ? 0x10_0000 | handler : 0x8e00)),
  );
  words(gdt, [0, 0, 0, 0, 0xffff, 0x00cf_9b00, 0xffff, 0x00cf_9300]);
  physical.write(handler, Uint8Array.of(0xf4));
  const value = (): number =>
    random.below(2) === 0 ? random.below(200) : random.below(1 << 24) << 8;
  words(dataFirst, Array.from({ length: dataBytes / 4 }, value));
  words(
    stackTop - 64,
    Array.from({ length: 64 }, () => end),
  );
  physical.write(address, program);
  cpu.control.writeCr3(directory);
  cpu.control.writeCr0(((machine.i32[Word.cr0] ?? 0) | Cr0.pg | Cr0.wp) >>> 0);
  const state = machine.i32;
  state[CpuState.idtr >> 2] = idt;
  state[(CpuState.idtr >> 2) + 2] = 0x7ff;
  state[CpuState.gdtr >> 2] = gdt;
  state[(CpuState.gdtr >> 2) + 2] = 31;
  for (let register = 0; register < 8; register++) {
    const pointer = dataFirst + 0x100 + random.below(dataBytes - 0x200);
    const aligned = random.below(8) === 0 ? pointer : pointer & ~3;
    state[Word.gpr + 2 * register] = random.below(4) === 0 ? value() : aligned;
  }
  state[Word.gpr + 8] = stackTop;
}

/** Everything that a program can have changed. */
export function outcome({ cpu, machine, physical }: TestCpu): unknown {
  const state = machine.i32;
  const memory = new Uint8Array(dataBytes + 0x8000);
  physical.read(dataFirst, memory);
  let sum = 0;
  memory.forEach((byte) => {
    sum = (Math.imul(sum, 31) + byte) | 0;
  });
  return {
    registers: Array.from({ length: 8 }, (_, index) => state[Word.gpr + 2 * index]),
    eip: state[Word.rip],
    flags: cpu.eflags(),
    cr2: state[Word.cr2],
    memory: sum,
  };
}
