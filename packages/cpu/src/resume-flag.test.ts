/** RF and instruction breakpoints (SDM 3B 17.3.1.1). */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const handler = 0x1800;
const gates = 0x2000;
const table = 0x3000;
const edi = Word.gpr + 14;
const ebp = Word.gpr + 10;
const rounds = 1500;

/**
 * A loop with a breakpoint in it, whose handler counts in EDI, adds up the RF that it finds saved
 * in EBP, and sets RF. Code and handler are in one page, so that each fetch is work of the host.
 */
function make(accel: 'interpreter' | 'translator'): TestCpu {
  const parts = makeCpu(1 << 20, accel);
  const { cpu, physical } = parts;
  const program = `
        mov eax, here
        mov dr0, eax
        mov eax, 0x401
        mov dr7, eax
        mov ecx, ${rounds}
again:  nop
here:   inc edx
        dec ecx
        jnz again
        hlt`;
  const trap = `
        inc edi
        movzx eax, word [esp + 10]
        and eax, 1
        add ebp, eax
        or byte [esp + 10], 1
        iretd`;
  physical.write(code, assembleText(program, { bits: 32, origin: code }));
  physical.write(handler, assembleText(trap, { bits: 32, origin: handler }));
  writeTables(physical, { gates, table }, [[1, handler]]);
  cpu.start({
    ...flatState(code, 0x9000),
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0x7ff },
  });
  return parts;
}

describe.each(['interpreter', 'translator'] as const)('an instruction breakpoint, %s', (accel) => {
  it('is met once each time, wherever the host takes the budget away, and saves no RF', () => {
    const { cpu, machine } = make(accel);
    let end = cpu.run(100_000);
    for (let more = 0; more < 1000 && end === 'budget'; more++) end = cpu.run(100_000);
    expect(end).toBe('halt');
    expect(machine.i32[edi]).toBe(rounds);
    expect(machine.i32[ebp]).toBe(0);
  });
});
