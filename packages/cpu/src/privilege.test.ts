/** IRETD, SYSENTER and SYSEXIT by generated code against the segmentation unit. */
import { assembleText } from '@ringfence/assembler';
import { CpuState, segmentBytes } from '@ringfence/memory';
import { InterruptKind, noErrorCode } from '@ringfence/segmentation';
import { beforeAll, describe, expect, it } from 'vitest';
import { Msr } from './model-specific-registers.ts';
import { Random } from './test-cases.ts';
import { Cr0, Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu } from './test-cpu.ts';

const codeAddress = 0x4000;
const stackTop = 0x9800;
const gdt = 0xa000;
const directory = 0x1_0000;
const tables = 0x1_1000;
const selectors = [0x08, 0x10, 0x1b, 0x23, 0x29, 0x31, 0x3b, 0x43, 0x4b, 0x53, 0x0b, 0x18, 0, 3];

/** Null; code and data of levels 0, 3, 1; then code and data that are not flat, or not ordinary. */
const descriptors: readonly (readonly [low: number, high: number])[] = [
  [0, 0],
  [0xffff, 0x00cf_9b00],
  [0xffff, 0x00cf_9300],
  [0xffff, 0x00cf_fb00],
  [0xffff, 0x00cf_f300],
  [0xffff, 0x00cf_bb00],
  [0xffff, 0x00cf_b300],
  [0x7fff, 0x00cf_fb00],
  [0xffff, 0x008f_f300],
  [0xffff, 0x00cf_fa00],
  [0xffff, 0x00cf_7300],
];

function prepare({ cpu, machine, physical }: TestCpu, random: Random, cpl: number): void {
  cpu.start(flatState(codeAddress, stackTop));
  const state = machine.i32;
  const word = (at: number, value: number): void => physical.write32(at, value);
  descriptors.forEach(([low, high], index) => {
    word(gdt + 8 * index, low);
    word(gdt + 8 * index + 4, high);
  });
  state[CpuState.gdtr >> 2] = gdt;
  state[(CpuState.gdtr >> 2) + 2] = descriptors.length * 8 - 1;
  word(directory, tables | 7);
  for (let page = 0; page < 64; page++) word(tables + 4 * page, (page << 12) | 7);
  cpu.control.writeCr3(directory);
  cpu.control.writeCr0((state[Word.cr0] ?? 0) | Cr0.pg | Cr0.wp | Cr0.am);
  const levels = [[0x08, 0x10], [0x29, 0x31], [], [0x1b, 0x23]];
  const [code = 0x1b, data = 0x23] = levels[cpl] ?? [];
  // As a kernel's return path has it: flat data of level 3, or what an outer level must not keep.
  const [own, user] = [random.below(4) === 0 ? data : 0x23, random.below(4) === 0 ? data : 0];
  cpu.segmentation.loadSegment(3, own);
  cpu.segmentation.loadSegment(0, own);
  cpu.segmentation.loadSegment(4, user);
  cpu.segmentation.loadSegment(5, random.below(3) === 0 ? 1 : 0x23);
  const [cs, ss] = [CpuState.segments + segmentBytes, CpuState.segments + 2 * segmentBytes];
  state[cs >> 2] = code;
  state[(cs >> 2) + 1] = 0xc09b | (cpl << 5);
  state[ss >> 2] = data;
  state[(ss >> 2) + 1] = 0xc093 | (cpl << 5);
  state[Word.cpl] = cpl;
  cpu.shadow.setPrivilege(cpl === 3, false);
  cpu.segmentation.updateMode();
}

function outcome({ cpu, machine }: TestCpu): unknown {
  const state = machine.i32;
  const first = CpuState.segments >> 2;
  return {
    segments: [...state.slice(first, first + 48)].map((word) => word.toString(16)),
    mode: state[Word.codeMode],
    cpl: state[Word.cpl],
    eip: state[Word.rip],
    esp: state[Word.gpr + 8],
    eflags: cpu.eflags().toString(16),
    alignment: state[Word.alignmentCheck],
    directories: [CpuState.dirData, CpuState.dirExec].map((address) => {
      const [both, isUser] = [CpuState.directories >> 2, state[CpuState.isUser >> 2] ?? 0];
      const offset = address === CpuState.dirData ? 0 : 1;
      return state[address >> 2] === state[both + 2 * isUser + offset] && isUser;
    }),
  };
}

/** An image of EFLAGS that mostly has what returns usually have. */
function flagsImage(random: Random): number {
  const rare = [0x100, 0x4000, 0x2_0000, 0x4_0000, 0x8_0000, 0x10_0000, 0x3000];
  const extra = random.below(3) === 0 ? (rare[random.below(rare.length)] ?? 0) : 0;
  const resume = random.below(3) === 0 ? 0x1_0000 : 0;
  return (random.below(0x1000) & 0xed5) | extra | resume | (random.below(4) === 0 ? 0x20_0000 : 0);
}

let fast: TestCpu;
let slow: TestCpu;

beforeAll(() => {
  fast = makeCpu();
  slow = makeCpu();
}, 60_000);

interface Start {
  readonly cpl: number;
  readonly eflags: number;
  readonly frame: readonly number[];
  readonly esp: number;
  readonly announces: boolean;
}

function start(parts: TestCpu, seed: number, text: string, from: Start): void {
  prepare(parts, new Random(seed), from.cpl);
  const { cpu, machine, physical, interrupts } = parts;
  const state = machine.i32;
  from.frame.forEach((value, index) => physical.write32(from.esp + 4 * index, value));
  physical.write(codeAddress, assembleText(text, { bits: 32, origin: codeAddress }));
  // Before the code is fetched: its page and the stack's are known to the shadow tables.
  state[Word.gpr + 8] = from.esp;
  state[Word.eflags] = from.eflags;
  for (const register of [Msr.sysenterCs, Msr.sysenterEsp, Msr.sysenterEip]) {
    cpu.registers.write(register, register === Msr.sysenterCs ? 8 : 0x7000, 0);
  }
  state[Word.gpr + 2] = 0x8000;
  state[Word.gpr + 4] = 0x6000;
  interrupts.announces = from.announces;
}

/** Runs the instruction in one CPU and `reference` on the other. */
function compare(
  seed: number,
  text: string,
  from: Start,
  reference: (parts: TestCpu) => number,
  begin: (parts: TestCpu) => void = () => undefined,
): number {
  for (const parts of [fast, slow]) {
    start(parts, seed, text, from);
    begin(parts);
  }
  const what = `${text}, seed ${seed}, from CPL ${from.cpl}`;
  const began = fast.cpu.instructions;
  // A page of the stack that was read is in the shadow tables.
  fast.cpu.access.read32(from.esp, false);
  let stop = fast.cpu.run(1);
  if (stop === 'budget' && fast.cpu.instructions === began) stop = fast.cpu.run(1);
  const fault = reference(slow);
  expect(stop === 'tripleFault', what).toBe(fault !== 0);
  expect(outcome(fast), what).toEqual(outcome(slow));
  return fault;
}

function counted(name: string): number {
  return fast.cpu.statistics().exits[name] ?? 0;
}

describe('IRETD', () => {
  it('does what segmentation does, from and to any level', () => {
    const before = counted('interruptReturn');
    let done = 0;
    for (let seed = 0; seed < 600; seed++) {
      const random = new Random(seed);
      const pick = (): number => selectors[random.below(selectors.length)] ?? 0;
      const cpl = [0, 0, 1, 3][random.below(4)] ?? 0;
      const level = Math.max(cpl, [0, 1, 3, 3][random.below(4)] ?? 0);
      const [code, data] = [[0x08, 0x10], [0x29, 0x31], [], [0x1b, 0x23]][level] ?? [];
      const cs = random.below(4) === 0 ? pick() : (code ?? 0);
      const ss = random.below(4) === 0 ? pick() : (data ?? 0);
      const esp = random.below(6) === 0 ? 0x9000 - 4 * random.below(6) : stackTop;
      const flags = [2, 0x202, 0x3202, 0x4002, 0x4_0002];
      const eflags = flags[random.below(8) % 5] ?? 2;
      const frame = [0x5000 + random.below(256), cs, flagsImage(random), 0x8800, ss];
      const from = { cpl, eflags, frame, esp, announces: true };
      if (compare(seed, 'iretd', from, ({ cpu }) => cpu.segmentation.iret(4)) === 0) done += 1;
    }
    const called = counted('interruptReturn') - before;
    expect(done).toBeGreaterThan(200);
    expect(called).toBeLessThan(520);
  });

  it('tells the host where interrupts are not announced', () => {
    const from = { cpl: 0, eflags: 2, frame: [0x5000, 8, 2], esp: stackTop, announces: false };
    const before = counted('interruptReturn');
    compare(1, 'iretd', from, ({ cpu }) => cpu.segmentation.iret(4));
    expect(counted('interruptReturn')).toBe(before + 1);
    compare(1, 'iretd', { ...from, announces: true }, ({ cpu }) => cpu.segmentation.iret(4));
    expect(counted('interruptReturn')).toBe(before + 1);
  });

  it('leaves a stack that is not mapped to a page fault', () => {
    const from = { cpl: 0, eflags: 2, frame: [], esp: 0x4_0000, announces: true };
    expect(compare(1, 'iretd', from, ({ cpu }) => cpu.segmentation.iret(4))).not.toBe(0);
  });
});

const idt = 0xc000;
const task = 0xd000;

/** A gate and a TSS that mostly are what kernels have. */
function prepareGate({ machine, physical }: TestCpu, vector: number, seed: number): void {
  const random = new Random(seed);
  const pick = <T>(usual: T, others: readonly T[]): T =>
    random.below(4) > 0 ? usual : (others[random.below(others.length)] ?? usual);
  const selector = pick(0x08, [0x1b, 0x29, 0x08, 0x10, 0, 0x0b, 0x53]);
  const type = pick(0xee, [0xef, 0x8e, 0xe6, 0x6e, 0xfe, 0xe5, 0xec]);
  physical.write32(idt + 8 * vector, (selector << 16) | 0x6000);
  physical.write32(idt + 8 * vector + 4, type << 8);
  const state = machine.i32;
  state[CpuState.idtr >> 2] = idt;
  state[(CpuState.idtr >> 2) + 2] = pick(0x7ff, [8 * vector + 3, 8 * vector + 7]);
  physical.write32(task + 4, pick(0x8800, [0x8008, 0x4_0000]));
  physical.write32(task + 8, pick(0x10, [0x13, 0x08, 0x31, 0]));
  physical.write32(task + 12, 0x8400);
  physical.write32(task + 16, pick(0x31, [0x10]));
  const register = (CpuState.segments + 7 * segmentBytes) >> 2;
  state[register] = 0x58;
  state[register + 1] = pick(0x8b, [0x83]);
  state[register + 2] = task;
  state[register + 4] = pick(0x67, [8, 9, 10]);
}

/** What stands in the frames that may have been pushed. */
function frames({ physical }: TestCpu): string[] {
  const tops = [stackTop, 0x8800, 0x8400, 0x9000].flatMap((top) =>
    [1, 2, 3, 4, 5, 6].map((n) => top - 4 * n),
  );
  return tops.map((at) => `${at.toString(16)}: ${physical.read32(at).toString(16)}`);
}

/** What a kernel has touched before is in the shadow tables. */
function touchTables({ cpu }: TestCpu): void {
  for (const at of [idt, task]) cpu.access.read32(at, true);
  for (const at of [0x8000, 0x9000]) cpu.access.write32(at, 0, true);
  cpu.access.write32(0x9000, 0, false);
}

/** A level, EFLAGS and a stack to deliver from, which may have little room in its page. */
function anyStart(random: Random) {
  const cpl = [0, 1, 3, 3][random.below(4)] ?? 0;
  const flags = [2, 0x202, 0x3202, 0x4202, 0x1_0202, 0x4_0002];
  const eflags = flags[random.below(8) % 6] ?? 2;
  const esp = random.below(6) === 0 ? 0x9000 + 4 * random.below(6) : stackTop;
  return { cpl, eflags, frame: [], esp, announces: true };
}

describe('INT n', () => {
  it('does what segmentation does, to the same and to inner levels', () => {
    const before = counted('interrupt');
    let done = 0;
    for (let seed = 0; seed < 300; seed++) {
      const from = anyStart(new Random(seed));
      const begin = (parts: TestCpu): void => {
        parts.physical.write(0x8000, new Uint8Array(stackTop - 0x8000));
        prepareGate(parts, 0x80, seed);
        touchTables(parts);
      };
      const reference = (parts: TestCpu): number => {
        const state = parts.machine.i32;
        state[Word.nextEip] = codeAddress + 2;
        // INT n saves RF clear.
        state[Word.eflags] = (state[Word.eflags] ?? 0) & ~0x1_0000;
        return parts.cpu.segmentation.interrupt(0x80, InterruptKind.software, noErrorCode);
      };
      const fault = compare(seed, 'int 0x80', from, reference, begin);
      if (fault !== 0) continue;
      done += 1;
      expect(frames(fast), `seed ${seed}`).toEqual(frames(slow));
    }
    expect(done).toBeGreaterThan(60);
    expect(counted('interrupt') - before).toBeLessThan(250);
  });
});

describe('a page fault', () => {
  const missing = 0x5_0000;

  /** What generated code leaves for the run loop where it does not deliver the fault. */
  function deliverIn({ cpu, machine }: TestCpu): number {
    const state = machine.i32;
    cpu.access.read32(missing, false);
    state[Word.rip] = codeAddress;
    const error = state[Word.cpl] === 3 ? 4 : 0;
    return cpu.segmentation.interrupt(14, InterruptKind.fault, error);
  }

  it('does what segmentation does, to the same and to inner levels', () => {
    let done = 0;
    let inside = 0;
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed);
      const from = anyStart(random);
      for (const parts of [fast, slow]) {
        start(parts, seed, `mov eax, [${missing}]`, from);
        parts.physical.write(0x6000, assembleText('hlt', { bits: 32, origin: 0x6000 }));
        parts.physical.write(0x8000, new Uint8Array(stackTop - 0x8000));
        prepareGate(parts, 14, seed);
        touchTables(parts);
        parts.machine.i32[CpuState.flagsResult >> 2] = random.below(2);
        parts.physical.write32(tables + 4 * (missing >>> 12), 0);
      }
      slow.machine.i32[CpuState.flagsResult >> 2] =
        fast.machine.i32[CpuState.flagsResult >> 2] ?? 0;
      const what = `seed ${seed}, from CPL ${from.cpl}`;
      const fault = deliverIn(slow);
      // The handler's HLT retires at CPL 0; elsewhere it faults, which is the next delivery.
      const isKernel = fault === 0 && slow.machine.i32[Word.cpl] === 0;
      const before = counted('fault');
      let stop = fast.cpu.run(isKernel ? 1000 : 1);
      if (stop === 'budget' && !isKernel) stop = fast.cpu.run(1);
      expect(stop === 'tripleFault', what).toBe(fault !== 0);
      if (!isKernel) continue;
      expect(stop, what).toBe('halt');
      slow.machine.i32[Word.rip] = 0x6001;
      expect(outcome(fast), what).toEqual(outcome(slow));
      expect(frames(fast), what).toEqual(frames(slow));
      expect(fast.machine.i32[Word.cr2], what).toBe(missing);
      done += 1;
      if (counted('fault') === before) inside += 1;
    }
    expect(done).toBeGreaterThan(60);
    expect(inside).toBeGreaterThan(40);
  });

  it('comes back to the host where its handler faults at once, without end', () => {
    const from = { cpl: 3, eflags: 0x202, frame: [], esp: stackTop, announces: true };
    start(fast, 1, `mov eax, [${missing}]`, from);
    prepareGate(fast, 14, 3);
    touchTables(fast);
    const { cpu, machine, physical } = fast;
    // Its frames go down through mapped pages: the end of the stack comes after thousands.
    physical.write32(idt + 8 * 14, 0x0008_0000 | (missing & 0xffff));
    physical.write32(idt + 8 * 14 + 4, (missing & 0xffff_0000) | 0x8e00);
    physical.write32(task + 4, 0x4_0000);
    physical.write32(tables + 4 * (missing >>> 12), 0);
    const began = cpu.instructions;
    machine.i32[Word.gpr + 8] = stackTop;
    expect(cpu.run(2000)).toBe('budget');
    expect(cpu.instructions).toBe(began);
    const frames = (0x4_0000 - (machine.i32[Word.gpr + 8] ?? 0)) / 16;
    expect(frames).toBeGreaterThan(5);
    expect(frames).toBeLessThan(40);
  });
});

describe('SYSENTER and SYSEXIT', () => {
  const levels = [0, 1, 3] as const;

  it.each(levels)('do what segmentation does at CPL %i', (cpl) => {
    for (const eflags of [2, 0x202, 0x3202, 0x4_0202]) {
      const from = { cpl, eflags, frame: [], esp: stackTop, announces: true };
      compare(cpl, 'sysenter', from, ({ cpu }) => cpu.segmentation.sysenter(8, 0x7000, 0x7000));
      compare(cpl, 'sysexit', from, ({ cpu }) => cpu.segmentation.sysexit(8));
    }
  });

  it('need no call of the host, once the MSRs are set', () => {
    const from = { cpl: 3, eflags: 0x202, frame: [], esp: stackTop, announces: true };
    const before = counted('sysenter');
    compare(1, 'sysenter', from, ({ cpu }) => cpu.segmentation.sysenter(8, 0x7000, 0x7000));
    expect(counted('sysenter')).toBe(before);
    const leaves = counted('sysexit');
    compare(1, 'sysexit', { ...from, cpl: 0 }, ({ cpu }) => cpu.segmentation.sysexit(8));
    expect(counted('sysexit')).toBe(leaves);
  });

  it('fault without a code segment in the MSR', () => {
    start(fast, 1, 'sysenter', { cpl: 3, eflags: 2, frame: [], esp: stackTop, announces: true });
    fast.cpu.registers.write(Msr.sysenterCs, 3, 0);
    expect(fast.cpu.run(1)).toBe('tripleFault');
  });
});
