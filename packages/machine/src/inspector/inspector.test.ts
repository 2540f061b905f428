import { describe, expect, it } from 'vitest';

import type { Machine } from '../api.ts';
import { createMachine } from '../machine.ts';
import { TestHost } from '../test-host.ts';
import { flatKernel, runToState, runUntil } from '../test-kernel.ts';
import type { Inspector } from './inspector.ts';

async function run(program: string): Promise<[Machine, Inspector]> {
  const host = new TestHost();
  host.msPerLook = 0.1;
  const boot = { kind: 'kernel', kernel: flatKernel(program) } as const;
  const machine = await createMachine({ memoryBytes: 0x40_0000, boot, host });
  runToState(machine, host, 'halted');
  const { inspector } = machine;
  if (inspector === undefined) throw new Error('no inspector');
  return [machine, inspector];
}

/** Two-level tables at 2 and 2.004 MiB: 4 MiB mapped one to one, the page at 0x5000 read-only. */
const paging = `
        cld
        mov edi, 0x201000
        mov eax, 3
next:   stosd
        add eax, 0x1000
        cmp eax, 0x400003
        jb next
        mov dword [0x201014], 0x5001
        mov dword [0x200000], 0x201003
        mov eax, 0x200000
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        mov eax, [0x5000]
        mov [0x6000], eax
        cli
        hlt
`;

describe('the inspector', () => {
  it('shows guest page tables beside the shadow tables', async () => {
    const [, inspector] = await run(paging);
    const rows = inspector.pages(0x4fff, 3);
    expect(rows.map(({ linear, flags }) => [linear, flags])).toEqual([
      [0x4000, 'PW----'],
      [0x5000, 'P--A--'],
      [0x6000, 'PW-AD-'],
    ]);
    expect(rows.map(({ shadowRead, shadowWrite }) => [shadowRead, shadowWrite])).toEqual([
      ['unknown', 'unknown'],
      ['direct', 'unknown'],
      ['direct', 'direct'],
    ]);
    expect(rows[1]?.entries).toEqual(['00201023', '00005021']);
  });

  it('shows that page tables are traced, and pages that are not mapped', async () => {
    const [, inspector] = await run(paging);
    expect(inspector.pages(0x20_1000, 1)[0]?.traced).toBe(true);
    expect(inspector.pages(0x40_0000, 1)[0]).toMatchObject({ physical: undefined, flags: '' });
    expect(inspector.pages(0xffff_f000, 9).length).toBe(1);
    expect(inspector.instructionPointer).toBeGreaterThan(0x10_0000);
  });

  it('shows hidden descriptors beside their tables, and where they differ', async () => {
    const [, inspector] = await run(`
        lgdt [pointer]
        mov eax, 8
        mov fs, eax
        mov byte [table + 10], 0x77
        cli
        hlt
pointer: dw 15
        dd table
table:  dd 0, 0, 0x1234ffff, 0x00409200
`);
    const { segments, descriptors, gdt } = inspector.descriptors();
    expect(gdt.limit).toBe(15);
    expect(descriptors).toMatchObject([
      { selector: 8, kind: 'data 32, writable', base: 0x1277, limit: 0xffff },
    ]);
    const fs = segments.find(({ register }) => register === 'fs');
    expect(fs).toMatchObject({ base: 0x1234, limit: 0xffff, isSame: false });
  });

  it('shows hot regions with their code', async () => {
    const [machine, inspector] = await run(`
        mov ecx, 8000000
again:  add eax, 3
        dec ecx
        jnz again
        cli
        hlt
`);
    expect(machine.stats().translations.regions).toBeGreaterThan(0);
    const [hottest] = inspector.regions(1);
    const details = inspector.region(hottest?.id ?? 0);
    expect(details?.guest.map(({ text }) => text).join('; ')).toContain(
      'add eax, 0x3; dec ecx; jn',
    );
    expect(details?.wasm).toMatch(/^\(module[^]*i32\.add/);
    expect(details?.ir).toMatch(/eax[^]*ecx/);
    expect(hottest?.samples).toBeGreaterThan(0);
    expect(inspector.region(999)).toBeUndefined();
  });

  it('is gone with the machine', async () => {
    const host = new TestHost();
    const machine = await createMachine({
      memoryBytes: 0x20_0000,
      boot: { kind: 'built-in' },
      host,
    });
    await runUntil(machine, host, /help/);
    machine.dispose();
    expect(machine.inspector).toBeUndefined();
  });
});
