/** Regions that are entered from others while the budget runs out. */
import { assembleText } from '@ringfence/assembler';
import { expect, it } from 'vitest';
import { GivenUpLevel } from './given-up-code.ts';
import { flatState, makeCpu, writeTables } from './test-cpu.ts';

const code = 0x2_0000;
const handler = 0x1800;
const gates = 0x2000;
const table = 0x3000;
const stackTop = 0x9000;
const deviceNotAvailable = 7;

/** Bytes of its first two instructions, and of the first three. */
const hosted = 3;
const faulting = hosted + 3;

it('a fault where a region goes on with little budget left has its own EIP', () => {
  const { cpu, physical } = makeCpu(1 << 20, 'translator');
  const program = 'xor al, 9\naas\nmov edx, [ebx + 4]\nfldl2t\nnop\nnop\nhlt';
  physical.write(code, assembleText(program, { bits: 32, origin: code }));
  physical.write(handler, Uint8Array.of(0xf4));
  writeTables(physical, { gates, table }, [[deviceNotAvailable, handler]]);
  const initial = {
    ...flatState(code, stackTop),
    // With CR0.TS the floating-point instruction faults.
    cr0: 0x19,
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0x7ff },
  };
  cpu.start(initial);
  cpu.run(100);
  // The region has the load's handler do it, and looks at the budget behind it.
  cpu.regions?.ease(code >> 12, hosted, GivenUpLevel.hosted);
  cpu.regions?.compile(code, code >> 12, [0], 'asked for');
  for (let budget = 1; budget < 12; budget++) {
    cpu.start(initial);
    for (let again = 0; again < 20 && cpu.run(budget) === 'budget'; again++);
    expect(physical.read32(stackTop - 12), `budget ${budget}`).toBe(code + faulting);
  }
});
