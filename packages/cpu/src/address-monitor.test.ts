/** MONITOR and MWAIT (SDM 2B; APM 3): what ends the wait. */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const handler = 0x1800;
const undefinedHandler = 0x1900;
const gates = 0x2000;
const table = 0x3000;
const line = 0x6000;
const ebx = Word.gpr + 6;
const interruptEnable = 0x200;

/** A CPU that watches a line, runs `text`, then HLT; its handler of interrupts counts in EBX. */
function make(text: string, eflags = 2): TestCpu {
  const parts = makeCpu(1 << 20);
  const { cpu, physical } = parts;
  const program = `mov eax, ${line + 5}\nxor ecx, ecx\nmonitor\n${text}\nmov esi, 1\nhlt`;
  physical.write(code, assembleText(program, { bits: 32, origin: code }));
  physical.write(handler, assembleText('inc ebx\niretd', { bits: 32, origin: handler }));
  physical.write(undefinedHandler, assembleText('hlt', { bits: 32, origin: undefinedHandler }));
  writeTables(physical, { gates, table }, [
    [2, handler],
    [6, undefinedHandler],
    [0x20, handler],
  ]);
  cpu.start({
    ...flatState(code, 0x9000),
    eflags,
    gdtr: { base: table, limit: 0x2f },
    idtr: { base: gates, limit: 0x7ff },
  });
  return parts;
}

/** Whether the program came to its end. */
const ended = ({ machine }: TestCpu): boolean => machine.i32[Word.gpr + 12] === 1;

describe('MWAIT', () => {
  it('waits until a device writes the line', () => {
    const parts = make('mwait');
    expect(parts.cpu.run(1000)).toBe('halt');
    expect(ended(parts)).toBe(false);
    expect(parts.cpu.canWake).toBe(true);
    parts.physical.write(line + 64, Uint8Array.of(1));
    expect(parts.cpu.run(1000)).toBe('halt');
    expect(ended(parts)).toBe(false);
    parts.physical.write(line + 63, Uint8Array.of(1));
    expect(parts.cpu.run(1000)).toBe('halt');
    expect(ended(parts)).toBe(true);
  });

  it('goes on at once where the line was written since MONITOR', () => {
    const parts = make(`mov byte [${line}], 7\nmwait`);
    parts.cpu.run(1000);
    expect(ended(parts)).toBe(true);
  });

  it('is not ended by an interrupt that is not taken', () => {
    const parts = make('mwait');
    parts.cpu.run(1000);
    parts.interrupts.requested = true;
    expect(parts.cpu.run(1000)).toBe('halt');
    expect(ended(parts)).toBe(false);
  });

  it('is ended by one that is taken, which comes first', () => {
    const parts = make('mwait', interruptEnable | 2);
    parts.cpu.run(1000);
    parts.interrupts.requested = true;
    parts.cpu.run(2);
    expect([ended(parts), parts.machine.i32[ebx]]).toEqual([false, 1]);
    parts.cpu.run(1000);
    expect(ended(parts)).toBe(true);
  });

  it('is ended by one that is requested, with bit 0 of ECX', () => {
    const parts = make('inc ecx\nmwait');
    parts.cpu.run(1000);
    expect(ended(parts)).toBe(false);
    parts.interrupts.requested = true;
    parts.cpu.run(1000);
    expect([ended(parts), parts.machine.i32[ebx]]).toEqual([true, 0]);
  });

  it('is ended by a non-maskable interrupt', () => {
    const parts = make('mwait');
    parts.cpu.run(1000);
    parts.cpu.raiseNmi();
    parts.cpu.run(1000);
    expect([ended(parts), parts.machine.i32[ebx]]).toEqual([true, 1]);
  });

  it('is over in a snapshot, as it may end for no reason', () => {
    const parts = make('mwait');
    parts.cpu.run(1000);
    const saved = parts.cpu.save();
    parts.cpu.restore(saved);
    parts.cpu.run(1000);
    expect(ended(parts)).toBe(true);
  });
});

it('CLZERO clears the line of an address in the segment that it is told', () => {
  const parts = make('mov ax, 0x28\nmov fs, ax\nmov eax, 0x1005\ndb 0x64\nclzero');
  const { physical } = parts;
  // Data from 0x5000 on: the line is the one at 0x6000.
  physical.write32(table + 0x28, 0x5000_ffff);
  physical.write32(table + 0x2c, 0x0040_9300);
  physical.write(line - 1, new Uint8Array(66).fill(0xff));
  parts.cpu.run(1000);
  const left = new Uint8Array(66);
  physical.read(line - 1, left);
  expect([...left]).toEqual([0xff, ...new Array<number>(64).fill(0), 0xff]);
});
