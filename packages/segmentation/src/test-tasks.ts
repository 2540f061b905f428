/** Two tasks for the tests of task switches: the running one and one of level 0 beside it. */
import { gdtBase, otherTssBase, Sel, TestMachine, tssBase } from './test-machine.ts';

/** Offsets of the fields of a 32-bit TSS (SDM 3A figure 7-2). */
export const field = {
  link: 0,
  cr3: 0x1c,
  eip: 0x20,
  eflags: 0x24,
  eax: 0x28,
  esp: 0x38,
  es: 0x48,
  cs: 0x4c,
  ss: 0x50,
  ds: 0x54,
  fs: 0x58,
  gs: 0x5c,
  ldt: 0x60,
  trap: 0x64,
} as const;

export type Field = keyof typeof field;

/** A machine whose other task is a runnable one of level 0. */
export function twoTasks(changes: Partial<Record<Field, number>> = {}): TestMachine {
  const machine = new TestMachine();
  const values: Record<Field, number> = {
    link: 0xdead,
    cr3: 0x1234_5000,
    eip: 0x5000,
    eflags: 2,
    eax: 0x100,
    esp: 0x7_0000,
    es: Sel.data0,
    cs: Sel.code0,
    ss: Sel.data0,
    ds: Sel.data0,
    fs: 0,
    gs: 0,
    ldt: 0,
    trap: 0,
    ...changes,
  };
  for (const name of Object.keys(field) as Field[]) {
    machine.memory.poke(otherTssBase + field[name], values[name], 4);
  }
  return machine;
}

export function busyByte(machine: TestMachine, selector: number): number {
  return machine.memory.peek(gdtBase + selector + 5, 1);
}

export function saved(machine: TestMachine, name: Field): number {
  return machine.memory.peek(tssBase + field[name], 4) >>> 0;
}
