/** The last instruction of a block that reads flags behind its own access to memory. */
import { assembleText } from '@ringfence/assembler';
import { expect, it } from 'vitest';
import { flatState, makeCpu } from './test-cpu.ts';

const code = 0x2_0000;

/** Flags of a program that ends in HLT, whose code was translated before. */
function flagsOf(text: string, accel: 'interpreter' | 'translator'): number {
  const { cpu, physical } = makeCpu(1 << 20, accel);
  physical.write(code, assembleText(`${text}\nhlt`, { bits: 32, origin: code }));
  const registers = [0, 0, 0x8000, 0x8100, 0x9000, 0x8200, 0, 0x13];
  const run = (): void => {
    physical.write32(0x8000, 0x9000_0000);
    physical.write32(0x8100, 1);
    cpu.start({ ...flatState(code, 0x9000), gpr: registers });
    for (let again = 0; again < 20 && cpu.run(1000) === 'budget'; again++);
  };
  run();
  cpu.regions?.compile(code, code >> 12, [0], 'asked for');
  run();
  return cpu.eflags() & 0xcd5;
}

it.each(['add [edx], edi\narpl [ebx], di', 'xadd [edx], edi\narpl [ebx], di'])(
  'finds the flags of the instruction before: %s',
  (text) => {
    expect(flagsOf(text, 'translator')).toBe(flagsOf(text, 'interpreter'));
  },
);
