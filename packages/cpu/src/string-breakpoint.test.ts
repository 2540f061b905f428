/** Data breakpoints in repeated string instructions (SDM 3B 17.2.4, 17.3.1.2). */
import { assembleText } from '@ringfence/assembler';
import { expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const handler = 0x1800;
const gates = 0x2000;
const table = 0x3000;
const data = 0x8000;
const ecx = Word.gpr + 2;

it('is taken after its element though DR7 was loaded just before', () => {
  const { cpu, physical, machine } = makeCpu(1 << 20);
  const program = `
    mov eax, ${data + 8}
    mov dr0, eax
    mov eax, 0xd0001
    mov dr7, eax
    mov edi, ${data}
    mov ecx, 6
    rep stosd
    hlt`;
  physical.write(code, assembleText(program, { bits: 32, origin: code }));
  physical.write(handler, Uint8Array.of(0xf4));
  writeTables(physical, { gates, table }, [[1, handler]]);
  const initial = {
    ...flatState(code, 0x9000),
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0x7ff },
  };
  // The second time nothing is decoded any more, so that all is one slice.
  for (let again = 0; again < 2; again++) {
    cpu.start({ ...initial });
    machine.i32.fill(0, Word.dr + 12, Word.dr + 16);
    cpu.debug.update();
    while (cpu.run(1000) === 'budget');
    expect(cpu.halted).toBe(true);
    expect(machine.i32[Word.rip]).toBe(handler + 1);
    expect(machine.i32[ecx]).toBe(3);
  }
});
