import { describe, expect, it } from 'vitest';

import type { Machine, MachineEnd } from './api.ts';
import { MachineError } from './error.ts';
import { createMachine } from './machine.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { TestHost } from './test-host.ts';
import { flatKernel, runToState } from './test-kernel.ts';

const mebibyte = 0x10_0000;

async function make(text: string, more: Partial<MachineOptions> = {}) {
  const host = new TestHost();
  host.msPerLook = 0.25;
  const machine = await createMachine({
    memoryBytes: 4 * mebibyte,
    boot: { kind: 'kernel', kernel: flatKernel(text) },
    host,
    debugExitPort: 0xf4,
    ...more,
  });
  return { host, machine };
}
const ended = async (machine: Machine, host: TestHost): Promise<MachineEnd> => {
  runToState(machine, host, 'ended');
  return machine.start();
};
const exitWith = (register: string): string => `mov al, ${register}\n out 0xf4, al\n hlt`;
const sayOne = 'mov edx, 0x3f8\n mov al, 49\n out dx, al';

describe('a machine', () => {
  it('ends with what the guest writes to the debug-exit port', async () => {
    const { host, machine } = await make(exitWith('0x2a'));
    const ends: MachineEnd[] = [];
    machine.on('end', (end) => ends.push(end));
    expect(await ended(machine, host)).toEqual({ reason: 'debug-exit', value: 42, status: 85 });
    expect([ends.length, machine.stats().instructions.total]).toEqual([1, 2]);
  });

  it('has no debug-exit port unless asked for', async () => {
    const options = { memoryBytes: 4 * mebibyte, host: new TestHost() };
    const kernel = flatKernel('mov al, 1\n out 0xf4, al\n in al, 0xf4\n cli\n hlt');
    const machine = await createMachine({ ...options, boot: { kind: 'kernel', kernel } });
    runToState(machine, options.host, 'halted');
  });

  it('ends a triple fault with its place when no reset is wanted', async () => {
    const { host, machine } = await make('lidt [zero]\n here: ud2\n zero: dd 0, 0', {
      noReboot: true,
    });
    const end = await ended(machine, host);
    expect(end.reason).toBe('triple-fault');
    expect(end).toMatchObject({ where: expect.stringMatching(/^0010:0010002[0-9a-f] at/) });
  });

  it('boots again after a triple fault, a reset by port 0xcf9 and the reset button', async () => {
    // The boot count stands in memory that loading does not touch.
    const { host, machine } = await make(`
        inc byte [0x200000]
        cmp byte [0x200000], 2
        je by_port
        cmp byte [0x200000], 3
        jae by_button
        lidt [zero]
        ud2
by_port: mov edx, 0xcf9
        mov al, 2
        out dx, al
        mov al, 6
        out dx, al
by_button: cli
        hlt
zero:   dd 0, 0`);
    const causes: string[] = [];
    machine.on('reset', ({ cause }) => causes.push(cause));
    runToState(machine, host, 'halted');
    machine.reset();
    runToState(machine, host, 'halted');
    expect(causes).toEqual(['triple-fault', 'guest', 'host']);
  });

  it('is halted, and no hang, when the guest waits with interrupts off', async () => {
    const { host, machine } = await make('cli\n hlt');
    runToState(machine, host, 'halted');
    expect(host.waiting).toBe(0);
    const { total } = machine.stats().instructions;
    machine.runSlice(5);
    expect(machine.stats().instructions.total).toBe(total);
  });

  it('survives a jump into empty memory and into the hole of PCI', async () => {
    for (const target of ['0x300000', '0xd0000', '0xf0000000', '0xa0000']) {
      const { host, machine } = await make(`mov eax, ${target}\n jmp eax`, { noReboot: true });
      machine.runSlice(5);
      expect(['running', 'ended']).toContain(machine.state);
      machine.dispose();
      expect(host.waiting).toBe(0);
    }
  });

  it('gives the host its turn within a repeated string instruction to a port', async () => {
    const { machine } = await make('mov ecx, 0xffffffff\n mov edx, 0x80\n rep outsb');
    machine.runSlice(0.25);
    expect(machine.state).toBe('running');
    expect(machine.stats().exits['portOut']).toBeLessThan(20_000);
  });

  it('gives the host its turn while exception handlers fault at once', async () => {
    // Counter 0 of the timer stops, so that no deadline ends the second slice.
    const { machine } = await make(`
        mov al, 0x30
        out 0x43, al
        mov eax, handler
        mov [0x200030], ax
        mov word [0x200032], 0x10
        mov word [0x200034], 0x8e00
        shr eax, 16
        mov [0x200036], ax
        lidt [table]
        mov esp, 0xf0000000
handler: ud2
table:  dw 2047
        dd 0x200000`);
    machine.runSlice(0.25);
    machine.runSlice(0.25);
    expect(machine.state).toBe('running');
    expect(machine.stats().exits['fault']).toBeGreaterThan(100);
    expect(machine.stats().instructions.total).toBeLessThan(20);
  });

  it('leaves ROM and holes as they are when the guest writes to them', async () => {
    const { host, machine } = await make(`
        mov eax, [0xe0000]
        mov dword [0xe0000], 0x12345678
        cmp eax, [0xe0000]
        jne bad
        mov dword [0xd0000], 1
        cmp dword [0xd0000], 0xffffffff
        jne bad
        mov dword [0xe8000000], 1
        cmp dword [0xe8000000], 0xffffffff
        jne bad
        ${exitWith('1')}
bad:    ${exitWith('2')}`);
    expect(await ended(machine, host)).toMatchObject({ value: 1 });
  });

  it('has the ACPI root pointer where kernels look for it', async () => {
    const { host, machine } = await make(`
        cmp dword [0xf0000], 0x20445352
        jne bad
        cmp dword [0xf0004], 0x20525450
        jne bad
        ${exitWith('1')}
bad:    ${exitWith('2')}`);
    expect(await ended(machine, host)).toMatchObject({ value: 1 });
  });

  it('passes serial bytes both ways on four ports', async () => {
    const { host, machine } = await make(`
        mov ecx, 4
        mov esi, ports
next:   mov edx, [esi]
        add edx, 4
        mov al, 3
        out dx, al
        inc edx
wait:   in al, dx
        test al, 1
        jz wait
        sub edx, 5
        in al, dx
        inc al
        out dx, al
        add esi, 4
        loop next
        ${exitWith('0')}
ports:  dd 0x3f8, 0x2f8, 0x3e8, 0x2e8`);
    const heard: string[] = [];
    for (const [index, port] of machine.serial.entries()) {
      port.onData((bytes) => heard.push(`${String(index)}${String.fromCharCode(...bytes)}`));
      port.write(String.fromCharCode(65 + index));
    }
    await ended(machine, host);
    expect(heard.sort()).toEqual(['0B', '1C', '2D', '3E']);
  });

  it('gives typed text to the guest as scan codes', async () => {
    const { host, machine } = await make(`
        mov ecx, 4
next:   in al, 0x64
        test al, 1
        jz next
        in al, 0x60
        out 0xe9, al
        loop next
        ${exitWith('0')}`);
    const bytes: number[] = [];
    machine.on('debugByte', (byte) => bytes.push(byte));
    machine.keyboard.type('a\n');
    await ended(machine, host);
    expect(bytes).toEqual([0x1e, 0x9e, 0x1c, 0x9c]);
  });

  it('shows text that the guest writes to video memory', async () => {
    const { host, machine } = await make(`
        mov dword [0xb8000], 0x07690748
        mov word [0xb80a2], 0x0721
        cli
        hlt`);
    runToState(machine, host, 'halted');
    expect(machine.screen.text()).toBe(`Hi\n !${'\n'.repeat(23)}`);
    machine.dispose();
    expect(machine.screen.text()).toBe('');
  });

  it('keeps the paravirtual clock right when the guest writes the time-stamp counter', async () => {
    // Clock = (TSC - stamp) << 1 * 2^31 >> 32 + base: at 1 GHz the difference plus the base.
    const clock = (register: string): string => `
        rdtsc
        sub eax, [0x200008]
        add eax, [0x200010]
        mov ${register}, eax`;
    const { host, machine } = await make(
      `
        mov ecx, 0x4b564d01
        mov eax, 0x200001
        xor edx, edx
        wrmsr
        ${clock('ebx')}
        mov ecx, 0x10
        mov eax, 0x12345678
        mov edx, 0x10
        wrmsr
        ${clock('esi')}
        sub esi, ebx
        cmp esi, 100
        ja bad
        cmp dword [0x20000c], 0x10
        jne bad
        ${exitWith('1')}
bad:    ${exitWith('2')}`,
      { clock: 'instructions' },
    );
    expect(await ended(machine, host)).toMatchObject({ value: 1 });
  });

  it('passes bytes of port 0xe9 to listeners', async () => {
    const { host, machine } = await make(`mov al, 72\n out 0xe9, al\n ${exitWith('0')}`);
    const bytes: number[] = [];
    machine.on('debugByte', (byte) => bytes.push(byte));
    await ended(machine, host);
    expect(bytes).toEqual([72]);
  });

  it('stands still while paused', async () => {
    const { host, machine } = await make('again: inc eax\n jmp again');
    void machine.start();
    host.turn();
    machine.pause();
    const { total } = machine.stats().instructions;
    expect([machine.state, host.waiting, total > 1000]).toEqual(['paused', 0, true]);
    void machine.start();
    host.turn();
    expect(machine.stats().instructions.total).toBeGreaterThan(total);
  });

  it('lets go of everything when it is disposed', async () => {
    const { host, machine } = await make('again: jmp again');
    const end = machine.start();
    host.turn();
    machine.dispose();
    machine.dispose();
    machine.reset();
    machine.serial[0]?.write('x');
    expect(await end).toEqual({ reason: 'disposed' });
    expect([machine.state, host.waiting]).toEqual(['disposed', 0]);
    expect(machine.stats().instructions.total).toBeGreaterThan(0);
    expect(machine.runSlice(5)).toBe('disposed');
  });

  it('keeps its state to itself beside another one', async () => {
    const one = await make(`inc dword [0x300000]\n ${sayOne}\n cli\n hlt`);
    const other = await make(`mov al, [0x300000]\n out 0xf4, al\n hlt`);
    let heard = 0;
    other.machine.serial[0]?.onData(() => (heard += 1));
    runToState(one.machine, one.host, 'halted');
    expect(await ended(other.machine, other.host)).toMatchObject({ value: 0 });
    one.machine.dispose();
    expect([heard, other.machine.state]).toEqual([0, 'ended']);
  });
});

describe('createMachine', () => {
  const host = new TestHost();
  const boot = { kind: 'built-in' } as const;
  const failure = async (options: Partial<MachineOptions>): Promise<string> => {
    const all = { memoryBytes: 4 * mebibyte, boot, host, ...options };
    const error: unknown = await createMachine(all).catch((reason: unknown) => reason);
    return error instanceof MachineError ? `${error.code}: ${error.message}` : 'no error';
  };

  it('refuses a size that no machine has', async () => {
    expect(await failure({ memoryBytes: 12345 })).toContain('bad-option: guest memory');
    expect(await failure({ memoryBytes: 2 ** 33 })).toContain('bad-option: guest memory');
  });

  it('refuses a CPU model that it does not know', async () => {
    expect(await failure({ cpu: 'z80' })).toContain('bad-option: CPU model: expected one of');
  });

  it('refuses a kernel that is none, or that does not fit', async () => {
    const kernel = new Uint8Array(1000);
    expect(await failure({ boot: { kind: 'kernel', kernel } })).toContain('bad-image: kernel');
    expect(await failure({ memoryBytes: mebibyte })).toContain('too-little-memory: kernel');
  });
});
