/** Guests that try to stop or to grow the host; slices are counted, so that a hang is a failure. */
import { describe, expect, it } from 'vitest';

import type { Machine } from './api.ts';
import { createMachine } from './machine.ts';
import { TestHost } from './test-host.ts';
import { flatKernel } from './test-kernel.ts';

const memoryBytes = 0x40_0000;
const exitWith = (value: string): string => `mov al, ${value}\n out 0xf4, al\n hlt`;

interface Guest {
  readonly machine: Machine;
  /** Everything that the machine said of its end. */
  readonly ends: unknown[];
}

async function make(kernel: Uint8Array): Promise<Guest> {
  const host = new TestHost();
  // A slice of 5 ms then ends after 20 budgets of instructions at the latest.
  host.msPerLook = 0.25;
  const boot = { kind: 'kernel', kernel } as const;
  const options = { memoryBytes, boot, host, noReboot: true, debugExitPort: 0xf4 };
  const machine = await createMachine(options);
  const ends: unknown[] = [];
  machine.on('end', (end) => ends.push(end));
  return { machine, ends };
}

/** Runs at most `slices` slices of a program, and returns how the machine stands then. */
async function run(text: string, slices: number): Promise<Guest> {
  const guest = await make(flatKernel(text));
  for (let slice = 0; slice < slices && guest.machine.state !== 'ended'; slice += 1) {
    guest.machine.runSlice(5);
  }
  return guest;
}

/** An interrupt table at `table` whose 256 gates all lead to `handler`. */
const sameHandler = `
        mov edi, table
        mov ecx, 256
        mov eax, handler
        mov edx, eax
        and eax, 0xffff
        mov ebx, cs
        shl ebx, 16
        or eax, ebx
        and edx, 0xffff0000
        or edx, 0x8e00
fill:   mov [edi], eax
        mov [edi + 4], edx
        add edi, 8
        loop fill
        lidt [idtr]
        jmp go
idtr:   dw 2047
        dd table
go:`;
const table = '\ntable: dd 0';

describe('a hostile guest', () => {
  it('changes the instruction that is next, and runs what it wrote', async () => {
    const { ends } = await run(
      `
        xor ebx, ebx
        mov ecx, 1000
again:  mov [patch + 1], ecx
patch:  mov eax, 0
        add ebx, eax
        loop again
        cmp ebx, 500500
        jne bad
        ${exitWith('1')}
bad:    ${exitWith('2')}`,
      50,
    );
    expect(ends).toMatchObject([{ reason: 'debug-exit', value: 1 }]);
  });

  it('overwrites the loop that it runs in by a string store', async () => {
    const { ends } = await run(
      `
        mov edi, target
        mov ecx, 3
        mov al, 0x90
        rep stosb
target: ud2
        nop
        ${exitWith('1')}`,
      50,
    );
    expect(ends).toMatchObject([{ reason: 'debug-exit', value: 1 }]);
  });

  it('returns from an interrupt to a null code segment without a handler', async () => {
    const { ends } = await run(
      'lidt [none]\n push 0x202\n push 0\n push 0\n iret\n none: dd 0, 0',
      9,
    );
    expect(ends).toMatchObject([{ reason: 'triple-fault' }]);
  });

  it('gets a general-protection fault for a return to a null code segment', async () => {
    const { ends } = await run(
      `${sameHandler}
        mov esp, 0x180000
        push 0x202
        push 0
        push 0
        iret
handler: cmp dword [esp], 0
        jne bad
        ${exitWith('1')}
bad:    ${exitWith('2')}${table}`,
      50,
    );
    expect(ends).toMatchObject([{ reason: 'debug-exit', value: 1 }]);
  });

  it('faults in the handler of its faults for ever', async () => {
    const { machine } = await run(`${sameHandler}\nhandler: mov esp, 0x180000\n ud2${table}`, 20);
    expect(machine.state).toBe('running');
    machine.dispose();
  });

  it('ends when faults have used up its stack', async () => {
    // Each fault pushes 12 bytes, until the stack has eaten the interrupt table.
    const { ends } = await run(`${sameHandler}\n mov esp, 0x180000\nhandler: ud2${table}`, 200);
    expect(ends).toMatchObject([{ reason: 'triple-fault' }]);
  });

  it('pushes through all of memory, ROM, holes and its own code', async () => {
    const { machine } = await run('mov eax, 0xcccccccc\n again: push eax\n jmp again', 20);
    expect(['running', 'ended']).toContain(machine.state);
    machine.dispose();
  });

  it.each(['rep stosd', 'rep movsd', 'rep lodsb', 'repne scasb', 'rep insb', 'rep outsb'])(
    'repeats %s over 4 GiB, and gives control back after every slice',
    async (instruction) => {
      const text = `
        xor edi, edi
        xor esi, esi
        mov edx, 0x3f8
        mov eax, 0x55aa55aa
        mov ecx, 0xffffffff
        mov esi, 0x500000
        mov edi, 0x500000
        ${instruction}
        ${exitWith('1')}`;
      const { machine, ends } = await run(text, 3);
      expect([machine.state, ends]).toEqual(['running', []]);
      machine.dispose();
    },
  );

  it('puts its page tables where there is no memory', async () => {
    for (const base of ['0xfffff000', '0xa0000', '0xd0000', '0xe0000', '0x400000', '0xf0000000']) {
      const { machine } = await run(
        `mov eax, ${base}\n mov cr3, eax\n mov eax, 0x80000011\n mov cr0, eax\n again: jmp again`,
        5,
      );
      expect(['running', 'ended']).toContain(machine.state);
      machine.dispose();
    }
  });

  it('puts page tables, descriptor tables and stack into the pages of its code', async () => {
    const { machine } = await run(
      `
        mov eax, 0x100000
        mov cr3, eax
        mov dword [0x100ffc], 0x100063
        lgdt [0x100000]
        lidt [0x100004]
        mov esp, again + 16
        mov eax, 0x80010011
        mov cr0, eax
again:  push eax
        inc eax
        jmp again`,
      20,
    );
    expect(['running', 'ended']).toContain(machine.state);
    machine.dispose();
  });

  it('writes three values to every port, and reads each', async () => {
    const { machine, ends } = await run(
      `
        xor edx, edx
again:  in al, dx
        in ax, dx
        in eax, dx
        cmp edx, 0x600
        jae last
        mov ecx, edx
        sub ecx, 0xf1
        cmp ecx, 6
        jbe next
        ; Wide writes reach what resets or ends the machine from three ports below it.
        mov ecx, edx
        sub ecx, 0x61
        cmp ecx, 3
        jbe next
        mov ecx, edx
        sub ecx, 0x8f
        cmp ecx, 3
        jbe next
        mov eax, 0xffffffff
        out dx, eax
        mov eax, 0x5a5a5a5a
        out dx, ax
        mov al, 0
        out dx, al
next:   inc edx
        jmp again
last:   cmp edx, 0xffff
        je done
        inc edx
        jmp again
done:   ${exitWith('7')}`,
      400,
    );
    expect([machine.state, ends]).toMatchObject(['ended', [{ reason: 'debug-exit', value: 7 }]]);
  });

  it('runs random bytes', async () => {
    let state = 0x1234_5678;
    const next = (): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 255;
    };
    for (let round = 0; round < 12; round += 1) {
      const bytes = Array.from({ length: 600 }, next).join(', ');
      const { machine } = await run(`${sameHandler}\n handler: sti\n db ${bytes}${table}`, 3);
      expect(['running', 'ended', 'halted']).toContain(machine.state);
      machine.dispose();
    }
  });
});
