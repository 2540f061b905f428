/** When the processor takes new PAE page-directory pointers from memory (SDM 3A 4.4.1). */
import { assembleText } from '@ringfence/assembler';
import { expect, it } from 'vitest';
import { flatState, makeCpu } from './test-cpu.ts';

const code = 0x1000;
const pointers = 0x3000;
const directory = 0x4000;

/** With a pointer in memory that has a reserved bit set: whether a program is done. */
function isDone(program: string): boolean {
  const { cpu, physical } = makeCpu(4 << 20);
  const text = `
    mov eax, 0x20
    mov cr4, eax
    mov eax, ${pointers}
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    mov dword [${pointers}], ${directory + 0x21}
    ${program}
    hlt`;
  physical.write(code, assembleText(text, { bits: 32, origin: code }));
  physical.write32(pointers, directory + 1);
  // 2 MiB at 0.
  physical.write32(directory, 0x83);
  cpu.start(flatState(code, 0x9000));
  const end = cpu.run(10_000);
  // Without an interrupt table a fault is a triple fault.
  expect(['halt', 'tripleFault']).toContain(end);
  return end === 'halt';
}

it.each([
  ['CR3 is loaded', 'mov eax, cr3\nmov cr3, eax'],
  ['CD changes', 'mov eax, cr0\nor eax, 0x40000000\nmov cr0, eax'],
  ['CD and NW change', 'mov eax, cr0\nor eax, 0x60000000\nmov cr0, eax'],
  ['PGE changes', 'mov eax, cr4\nor eax, 0x80\nmov cr4, eax'],
  ['PSE changes', 'mov eax, cr4\nor eax, 0x10\nmov cr4, eax'],
  ['SMEP changes', 'mov eax, cr4\nor eax, 0x100000\nmov cr4, eax'],
])('when %s', (_name, program) => {
  expect(isDone(program)).toBe(false);
});

it.each([
  ['WP changes', 'mov eax, cr0\nxor eax, 0x10000\nmov cr0, eax'],
  ['TS changes', 'mov eax, cr0\nor eax, 8\nmov cr0, eax\nclts'],
  ['CR4.DE changes', 'mov eax, cr4\nor eax, 8\nmov cr4, eax'],
  ['memory is read', 'mov eax, [0x5000]\ninvlpg [0]'],
])('not when %s', (_name, program) => {
  expect(isDone(program)).toBe(true);
});
