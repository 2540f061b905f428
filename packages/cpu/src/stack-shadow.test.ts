/** Breakpoints behind MOV SS and POP SS (SDM 3A 6.8.3, 3B 17.3.1.1; APM 2 13.1.4). */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const handler = 0x1800;
const gates = 0x2000;
const table = 0x3000;
const stackSelector = 0x8000;
const edi = Word.gpr + 14;

/** Runs `program`, whose #DB handler counts in EDI and sets RF; returns EDI and DR6 at HLT. */
function count(accel: 'interpreter' | 'translator', model: string, program: string): number[] {
  const { cpu, physical, machine } = makeCpu(1 << 20, accel, model);
  physical.write(code, assembleText(program, { bits: 32, origin: code }));
  const trap = 'inc edi\nor byte [esp + 10], 1\niretd';
  physical.write(handler, assembleText(trap, { bits: 32, origin: handler }));
  physical.write32(stackSelector, 0x18);
  writeTables(physical, { gates, table }, [[1, handler]]);
  physical.write32(table + 0x18, 0xffff);
  physical.write32(table + 0x1c, 0x00cf_9300);
  cpu.start({
    ...flatState(code, 0x9000),
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0x7ff },
  });
  while (cpu.run(1000) === 'budget');
  expect(cpu.halted).toBe(true);
  return [machine.i32[edi] ?? 0, (machine.i32[Word.dr + 12] ?? 0) & 0xe00f];
}

describe.each(['interpreter', 'translator'] as const)('behind MOV SS, %s', (accel) => {
  it.each([
    ['max', 1],
    ['pentium3', 0],
  ])('an instruction breakpoint is met by processors of AMD alone (%s)', (model, hits) => {
    const program = `
        mov eax, here
        mov dr0, eax
        mov eax, 0x402
        mov dr7, eax
        mov eax, ss
        mov ss, eax
here:   xor eax, eax
        hlt`;
    expect(count(accel, model, program)).toEqual([hits, hits]);
  });

  it.each([
    ['nop', 1],
    ['int1', 1],
    ['int 1', 2],
  ])('a data breakpoint of its load waits for %s, and is one trap with INT1', (next, traps) => {
    const program = `
        mov eax, ${stackSelector}
        mov dr1, eax
        mov eax, 0xf0040a
        mov dr7, eax
        mov ss, [${stackSelector}]
        ${next}
        hlt`;
    expect(count(accel, 'max', program)).toEqual([traps, 2]);
  });
});
