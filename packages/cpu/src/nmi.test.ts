/** Non-maskable interrupts and what holds them off (SDM 3A 6.7.1). */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const handler = 0x1800;
const gates = 0x2000;
const table = 0x3000;
const ebx = Word.gpr + 6;

/** A CPU whose handler counts in EBX, then does `text`; the program counts in ECX. */
function make(text: string): TestCpu {
  const parts = makeCpu(1 << 20);
  const { cpu, physical } = parts;
  const program = 'inc ecx\n'.repeat(40) + 'hlt';
  physical.write(code, assembleText(program, { bits: 32, origin: code }));
  physical.write(handler, assembleText(`inc ebx\n${text}`, { bits: 32, origin: handler }));
  const vectors = [2, 0x20];
  writeTables(
    physical,
    { gates, table },
    vectors.map((vector) => [vector, handler]),
  );
  cpu.start({
    ...flatState(code, 0x9000),
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0x7ff },
  });
  return parts;
}

const count = ({ machine }: TestCpu): number => machine.i32[ebx] ?? 0;

describe('a non-maskable interrupt', () => {
  it('comes with IF clear', () => {
    const parts = make('iretd');
    parts.cpu.raiseNmi();
    expect(parts.cpu.run(1000)).toBe('halt');
    expect(count(parts)).toBe(1);
  });

  it('waits until IRET while another is handled, and one of several is kept', () => {
    const parts = make('nop\nnop\nnop\nnop\niretd');
    parts.cpu.raiseNmi();
    parts.cpu.run(2);
    expect(count(parts)).toBe(1);
    parts.cpu.raiseNmi();
    parts.cpu.raiseNmi();
    parts.cpu.run(2);
    expect(count(parts)).toBe(1);
    expect(parts.cpu.run(1000)).toBe('halt');
    expect(count(parts)).toBe(2);
  });

  it('is held off for good by a handler that does not return', () => {
    const parts = make('add esp, 12\nhlt');
    parts.cpu.raiseNmi();
    expect(parts.cpu.run(1000)).toBe('halt');
    parts.cpu.raiseNmi();
    expect(parts.cpu.run(1000)).toBe('halt');
    expect(count(parts)).toBe(1);
  });

  it('comes again after an IRET that faults', () => {
    // The first round returns to a selector beyond the table; #GP halts and is ended by the next.
    const parts = make('cmp ebx, 1\njne back\nmov dword [esp + 4], 0x50\nback: iretd');
    const { cpu, physical } = parts;
    const fault = handler + 0x100;
    physical.write(fault, assembleText('inc edx\nhlt', { bits: 32, origin: fault }));
    physical.write32(gates + 8 * 13, (0x10 << 16) | fault);
    physical.write32(gates + 8 * 13 + 4, 0x8e00);
    cpu.raiseNmi();
    expect(cpu.run(1000)).toBe('halt');
    expect([parts.machine.i32[Word.gpr + 4], count(parts)]).toEqual([1, 1]);
    cpu.raiseNmi();
    cpu.run(1000);
    expect(count(parts)).toBe(2);
  });

  it('ends HLT', () => {
    const parts = make('iretd');
    expect(parts.cpu.run(1000)).toBe('halt');
    parts.cpu.raiseNmi();
    parts.cpu.run(1);
    expect(parts.cpu.halted).toBe(false);
    expect(count(parts)).toBe(1);
  });

  it('comes before a maskable one that waits', () => {
    const parts = make('hlt');
    parts.machine.i32[Word.eflags] = 0x202;
    parts.interrupts.requested = true;
    parts.cpu.raiseNmi();
    expect(parts.cpu.run(1000)).toBe('halt');
    expect(parts.interrupts.requested).toBe(true);
  });
});
