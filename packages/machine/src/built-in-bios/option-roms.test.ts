import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';

import { makeLinux } from '../boot/test-images.ts';
import { MachineError } from '../error.ts';
import { bootDisk, bootProgram, stop } from './test-machine.ts';

const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes);

/** An option ROM that prints a letter, and where it stands. */
function letterRom(letter: string, units: number): Uint8Array {
  const rom = new Uint8Array(512 * units);
  const program = `
        bits 16
        db 0x55, 0xaa, ${String(units)}
        mov al, '${letter}'
        out 0xe9, al
        mov ax, cs
        mov al, ah
        out 0xe9, al
        retf`;
  rom.set(assembleText(program, { origin: 0 }));
  return rom;
}

describe('option ROMs of the built-in BIOS', () => {
  it('are called in their order, each at a place of its own, before a disk is booted', async () => {
    const disk = bootDisk(`
        mov al, 'D'
        out 0xe9, al
        ${stop}`);
    const optionRoms = [
      { name: 'a', bytes: letterRom('A', 16) },
      { name: 'b', bytes: letterRom('B', 1) },
    ];
    const { run } = await bootProgram('', disk, { optionRoms });
    expect(text(run())).toBe('A\u00c8B\u00caD');
  });

  it('are refused without their signature, by name', async () => {
    const optionRoms = [{ name: 'odd', bytes: Uint8Array.of(1, 2, 3) }];
    await expect(bootProgram('', undefined, { optionRoms })).rejects.toThrow(
      /option ROM odd: .*55 aa.*01 02/,
    );
  });
});

/** Prints what the loader left: fields of the header, the command line, code and initrd. */
const setup = `
        bits 16
        mov al, [0x210]
        out 0xe9, al
        mov al, [0x211]
        out 0xe9, al
        mov ax, [0x224]
        mov al, ah
        out 0xe9, al
        mov eax, [0x228]
        shr eax, 4
        mov fs, ax
        xor si, si
print:  mov al, [fs:si]
        out 0xe9, al
        inc si
        test al, al
        jnz print
        mov ax, 0xffff
        mov fs, ax
        mov al, [fs:0x10]
        out 0xe9, al
        mov al, [fs:0x11]
        out 0xe9, al
        mov al, [0x21c]
        out 0xe9, al
        ; The table for INT 15h, AH = 87h, at DS:0, where the boot sector is not needed any more.
        mov di, 0
        mov cx, 0x18
        xor ax, ax
        rep stosw
        mov eax, [0x218]
        mov word [0x10], 0xffff
        mov [0x12], eax
        mov byte [0x15], 0x93
        mov word [0x18], 0xffff
        mov dword [0x1a], 0x93030000
        xor si, si
        mov cx, 3
        mov ah, 0x87
        int 0x15
        mov ax, 0x3000
        mov fs, ax
        xor si, si
initrd: mov al, [fs:si]
        out 0xe9, al
        inc si
        cmp si, [0x21c]
        jb initrd
        ${stop}`;

describe('a kernel beside a BIOS', () => {
  const kernel = makeLinux({ preferredAddress: 0x10_0000, initSize: 0x8_0000 });
  kernel.set(assembleText(setup, { origin: 0x26c }), 0x26c);

  it('is read by an option ROM and entered in real mode, before any disk', async () => {
    const initrd = Uint8Array.from('initrd', (letter) => letter.charCodeAt(0));
    const disk = bootDisk(stop);
    const boot = { kernel: { kernel, initrd, commandLine: 'quiet' } };
    const { run } = await bootProgram('', disk, boot);
    expect(text(run())).toBe('\u00ff\u0081\u00fd' + 'quiet\0' + '\u0001\u0002' + '\u0006initrd');
  });

  it('has to be a Linux kernel', async () => {
    const boot = { kernel: { kernel: new Uint8Array(0x1000) } };
    await expect(bootProgram('', undefined, boot)).rejects.toThrow(MachineError);
  });
});
