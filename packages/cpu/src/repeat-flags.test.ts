/** RF in what is saved between parts of a repeated instruction (SDM 3B 17.3.1.1). */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const handler = 0x1800;
const gates = 0x2000;
const table = 0x3000;
const list = 0x5000;
const data = 0x8000;
const ecx = Word.gpr + 2;

/** A CPU whose handlers of #DB, NMI and vector 0x20 write EIP, ECX and flags to a list by EBX. */
function make(program: string, accel: 'interpreter' | 'translator'): TestCpu {
  const parts = makeCpu(1 << 20, accel);
  const { cpu, physical } = parts;
  const noted = `
    mov [ebx + 4], ecx
    pop dword [ebx]
    push dword [ebx]
    mov eax, [esp + 8]
    mov [ebx + 8], eax
    add ebx, 12
    iretd`;
  physical.write(code, assembleText(`${program}\nhlt`, { bits: 32, origin: code }));
  physical.write(handler, assembleText(noted, { bits: 32, origin: handler }));
  const vectors = [1, 2, 0x20];
  writeTables(
    physical,
    { gates, table },
    vectors.map((vector) => [vector, handler]),
  );
  cpu.start({
    ...flatState(code, 0x7000),
    gpr: [0, 3, 0, list, 0x7000, 0, data, data + 0x4000],
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0x7ff },
  });
  return parts;
}

/** What the handlers wrote: offset in the program, ECX, whether RF was saved. */
function notes({ physical, machine }: TestCpu): (readonly [number, number, boolean])[] {
  const count = ((machine.i32[Word.gpr + 6] ?? 0) - list) / 12;
  return Array.from({ length: count }, (_, index) => {
    const at = list + 12 * index;
    const flags = physical.read32(at + 8);
    return [physical.read32(at) - code, physical.read32(at + 4), (flags & 0x1_0000) !== 0] as const;
  });
}

function finish({ cpu }: TestCpu): void {
  let end = cpu.run(1000);
  for (let again = 0; end === 'budget' && again < 60; again++) end = cpu.run(1000);
  expect(end).toBe('halt');
}

describe.each(['interpreter', 'translator'] as const)('the flags saved, %s', (accel) => {
  // As an AMD EPYC shows them to ptrace.
  it('by single steps have RF between two elements, not behind the last', () => {
    const parts = make('nop\nrep stosb\nnop\npush 2\npopfd', accel);
    parts.machine.i32[Word.eflags] = 0x102;
    finish(parts);
    expect(notes(parts)).toEqual([
      [1, 3, false],
      [1, 2, true],
      [1, 1, true],
      [3, 0, false],
      [4, 0, false],
      [6, 0, false],
      [7, 0, false],
    ]);
  });

  it('by data breakpoints have it too', () => {
    const parts = make(
      `mov eax, ${data + 0x4001}
       mov dr0, eax
       mov eax, 0x10001
       mov dr7, eax
       rep movsb`,
      accel,
    );
    finish(parts);
    expect(notes(parts).map(([, left, resume]) => [left, resume])).toEqual([[1, true]]);
  });

  // Parts of a copy end with a page.
  it.each([
    [5, 0x2000, true],
    [5, 0x1000, true],
    [7, 0, false],
  ])('by an interrupt at %i with %i to go are true to it', (at, left, resumes) => {
    for (const isMaskable of [true, false]) {
      const parts = make('mov ecx, 0x3000\nrep movsb\nnop\nnop', accel);
      const { cpu, machine } = parts;
      machine.i32[Word.eflags] = 0x202;
      const isThere = (): boolean =>
        machine.i32[Word.rip] === code + at && machine.i32[ecx] === left;
      for (let steps = 0; steps < 100 && !isThere(); steps++) cpu.run(1);
      if (isMaskable) parts.interrupts.requested = true;
      else cpu.raiseNmi();
      finish(parts);
      expect(notes(parts)).toEqual([[at, left, resumes]]);
    }
  });
});
