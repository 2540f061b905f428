/** RF in the flags that exceptions save (SDM 3B 17.3.1.1). */
import { assembleText } from '@ringfence/assembler';
import { expect, it } from 'vitest';
import { Eflag } from './state-view.ts';
import { flatState, makeCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const handler = 0x1800;
const gates = 0x2000;
const table = 0x3000;
const stackTop = 0x9000;

/** The flags that a double fault saves when a program with RF set comes to it. */
function savedFlags(program: string): number {
  const { cpu, physical } = makeCpu(1 << 20);
  physical.write(code, assembleText(program, { bits: 32, origin: code }));
  physical.write(handler, Uint8Array.of(0xf4));
  // The gate of #GP names no segment.
  writeTables(physical, { gates, table }, [[8, handler]]);
  cpu.start({
    ...flatState(code, stackTop),
    eflags: 2 | Eflag.rf,
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0x7ff },
  });
  expect(cpu.run(1000)).toBe('halt');
  return physical.read32(stackTop - 4);
}

it('a double fault saves RF clear behind an instruction that ended', () => {
  expect(savedFlags('mov ax, 0xfff8\nmov es, ax') & Eflag.rf).toBe(0);
});

it('a double fault saves RF as it was in the instruction at which it was set', () => {
  expect(savedFlags('call 0x40:0x1000') & Eflag.rf).toBe(Eflag.rf);
});
