/** Power management for callers in protected mode, who enter the BIOS far. */
import { describe, expect, it } from 'vitest';

import { bootProgram, putAl, putAx, stop, words } from './test-machine.ts';

/** Connects by AX, goes to protected mode with the segments of the answer; `then` runs there. */
const connected = (interface_: '0x5302' | '0x5303', then: string): string => `
        mov ax, 0x5300
        xor bx, bx
        int 0x15
        mov ax, cx
        ${putAx}
        mov ebx, 0x12345678
        mov ax, ${interface_}
        mov bx, 0
        int 0x15
        ${putAx}
        mov [entry], ebx
        mov bx, ax
        mov cl, 4
        movzx eax, bx
        shl eax, cl
        or [gdt + 26], eax
        cli
        lgdt [table]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp ${interface_ === '0x5303' ? '0x08' : '0x10'}:protected
        bits ${interface_ === '0x5303' ? '32' : '16'}
protected:
        mov bx, 0x20
        mov ds, bx
        mov ss, bx
        ${then}
        bits 16
table:  dw 39
        dd gdt
gdt:    dd 0, 0, 0x0000ffff, 0x00cf9a00, 0x0000ffff, 0x008f9a00
        dd 0x0000ffff, ${interface_ === '0x5303' ? '0x00409a00' : '0x00009a00'}
        dd 0x0000ffff, 0x00cf9200
entry:  dd 0
        dw 0x18`;

const services = (call: string): string => `
        mov ax, 0x530e
        ${call}
        ${putAx}
        mov ax, 0x530a
        mov bx, 1
        ${call}
        mov ax, bx
        ${putAx}
        mov ax, 0x530b          ; no event
        ${call}
        setc al
        ${putAl}
        mov al, ah
        ${putAl}
        mov ax, 0x5305
        ${call}
        setc al
        ${putAl}
        mov ax, 0x5320          ; no such service
        ${call}
        setc al
        ${putAl}
        mov al, ah
        ${putAl}
        mov ax, 0x5307
        mov bx, 1
        mov cx, 1               ; standby
        ${call}
        ${putAl}`;

describe.each([
  ['16', '0x5302', 'call far [entry]'],
  ['32', '0x5303', 'call far [entry]'],
] as const)('APM with %s bits', (_, interface_, call) => {
  it('answers as in real mode', async () => {
    const entry = interface_ === '0x5302' ? 'mov ax, 0x18\n mov [entry + 2], ax' : '';
    const { run } = await bootProgram(connected(interface_, `${entry}${services(call)}${stop}`));
    const bytes = run(1);
    expect(words(bytes.slice(0, 8))).toEqual([3, 0xf000, 0x0102, 0x01ff]);
    expect(bytes.slice(8)).toEqual([1, 0x80, 0, 1, 0x0c, 7]);
  });

  it('switches the machine off', async () => {
    const entry = interface_ === '0x5302' ? 'mov ax, 0x18\n mov [entry + 2], ax' : '';
    const off = `${entry}
        mov ax, 0x5307
        mov bx, 1
        mov cx, 3
        ${call}
        jmp $`;
    const { run, machine } = await bootProgram(connected(interface_, off));
    run();
    expect(machine.state).toBe('ended');
  });
});
