/** The T bit and RF of a task state (SDM 3A 7.3, 3B 17.3.1.1, 17.3.1.4). */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Eflag, Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const taskCode = 0x1400;
const handler = 0x1800;
const doubleFaultCode = 0x1c00;
const gates = 0x2000;
const table = 0x3000;
const taskStack = 0x9000;
const taskSwitchBit = 0x8000;
const debugRegister = (index: number): number => Word.dr + 2 * index;

/** Selectors: flat segments, data of 4 KiB, the task that runs, the next one, that of #DF. */
const Selector = { code: 0x10, data: 0x18, small: 0x20, first: 0x28, next: 0x30, last: 0x38 };
const states = { first: 0x4000, next: 0x4080, last: 0x4100 };

interface Task {
  readonly eip: number;
  readonly eflags: number;
  readonly trap?: boolean;
  readonly stack?: number;
}

function writeTask({ physical }: TestCpu, at: number, task: Task): void {
  const { eip, eflags, trap = false, stack = Selector.data } = task;
  const { code: cs, data } = Selector;
  const words: readonly (readonly [number, number])[] = [
    [0x20, eip],
    [0x24, eflags],
    [0x38, taskStack],
    [0x48, data],
    [0x4c, cs],
    [0x50, stack],
    [0x54, data],
    [0x64, trap ? 1 : 0],
  ];
  for (const [offset, value] of words) physical.write32(at + offset, value);
}

/** Runs `program` in a first task until it halts in another. */
function run(program: string, next: Task): TestCpu {
  const parts = makeCpu(1 << 20);
  const { cpu, physical } = parts;
  for (const [at, text] of [
    [code, `mov ax, ${Selector.first}\n ltr ax\n ${program}`],
    [taskCode, 'hlt'],
    [handler, 'hlt'],
    [doubleFaultCode, 'nop\n hlt'],
  ] as const) {
    physical.write(at, assembleText(text, { bits: 32, origin: at }));
  }
  writeTables(physical, { gates, table }, [[1, handler]]);
  const descriptors: readonly (readonly [number, number, number])[] = [
    [Selector.data, 0xffff, 0x00cf_9300],
    [Selector.small, 0x0fff, 0x0040_9300],
    [Selector.first, (states.first << 16) | 0x67, 0x8900],
    [Selector.next, (states.next << 16) | 0x67, 0x8900],
    [Selector.last, (states.last << 16) | 0x67, 0x8900],
  ];
  for (const [selector, low, high] of descriptors) {
    physical.write32(table + selector, low);
    physical.write32(table + selector + 4, high);
  }
  for (const [vector, selector] of [
    [8, Selector.last],
    [13, Selector.next],
  ] as const) {
    physical.write32(gates + 8 * vector, selector << 16);
    physical.write32(gates + 8 * vector + 4, 0x8500);
  }
  writeTask(parts, states.next, next);
  writeTask(parts, states.last, { eip: doubleFaultCode, eflags: 2 });
  cpu.start({
    ...flatState(code, 0x8000),
    gdtr: { base: table, limit: 0x3f },
    idtr: { base: gates, limit: 0x7ff },
  });
  expect(cpu.run(1000)).toBe('halt');
  return parts;
}

const switching = `jmp ${Selector.next}:0`;
const breakpoint = `mov eax, ${taskCode}\n mov dr0, eax\n mov eax, 0x402\n mov dr7, eax\n`;

describe('a switch to a task', () => {
  it.each([0, Eflag.rf])('traps by its T bit and saves RF as its state has it (%i)', (flag) => {
    const { machine, physical } = run(switching, { eip: taskCode, eflags: 2 | flag, trap: true });
    expect(machine.i32[Word.rip]).toBe(handler + 1);
    expect((machine.i32[debugRegister(6)] ?? 0) & taskSwitchBit).toBe(taskSwitchBit);
    expect(physical.read32(taskStack - 4) & Eflag.rf).toBe(flag);
  });

  it.each([
    [0, handler + 1],
    [Eflag.rf, taskCode + 1],
  ])('passes a breakpoint at its first instruction by RF (%i)', (flag, end) => {
    const { machine } = run(breakpoint + switching, { eip: taskCode, eflags: 2 | flag });
    expect(machine.i32[Word.rip]).toBe(end);
  });

  it('does not trap in the task of a double fault that its stack leads to', () => {
    const next = { eip: taskCode, eflags: 2, trap: true, stack: Selector.small };
    const { machine } = run('mov ax, 0xfff8\n mov es, ax', next);
    expect(machine.i32[Word.rip]).toBe(doubleFaultCode + 2);
    expect((machine.i32[debugRegister(6)] ?? 0) & taskSwitchBit).toBe(0);
  });
});
