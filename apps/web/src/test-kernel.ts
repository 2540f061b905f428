import { Assembler } from '@ringfence/assembler';

/**
 * A multiboot kernel in Base64 that begins at the label `start` of a 32-bit program; from
 * `image_end` on there is a page for its stack.
 */
export function multibootKernel(program: string): string {
  const flags = 0x1_0000;
  const assembler = new Assembler({ bits: 32, origin: 0x10_0000 });
  assembler.text(`
header: dd 0x1badb002, ${String(flags)}, ${String(-(0x1bad_b002 + flags) >>> 0)}
        dd header, header, image_end, image_end + 0x1000, start
${program}
`);
  assembler.label('image_end');
  return Buffer.from(assembler.assemble()).toString('base64');
}

/**
 * A multiboot kernel that says the bytes of the keyboard and, after commands to their controller,
 * of the mouse in hexadecimal.
 */
export function echoKernel(
  commands: readonly (readonly [port: number, byte: number])[] = [],
): string {
  const outs = commands.map(
    ([port, byte]) => `        mov al, ${String(byte)}\n        out ${String(port)}, al\n`,
  );
  return multibootKernel(`
start:  mov esp, image_end + 0x1000
${outs.join('')}
        mov edx, 0x3f8
        mov esi, words
next:   mov al, [esi]
        inc esi
        test al, al
        jz key
        out dx, al
        jmp next
key:    in al, 0x64
        test al, 1
        jz key
        in al, 0x60
        mov bl, al
        mov al, 0x20
        out dx, al
        mov al, bl
        shr al, 4
        call digit
        mov al, bl
        and al, 15
        call digit
        jmp key
digit:  cmp al, 10
        jb small
        add al, 39
small:  add al, 48
        out dx, al
        ret
words:  db 0x72, 0x65, 0x61, 0x64, 0x79, 0
`);
}
