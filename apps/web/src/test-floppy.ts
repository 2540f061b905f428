/** Floppies for tests: a boot sector, and nothing else. */
import { Assembler } from '@ringfence/assembler';

/** Assembly of a boot sector that says what is at `words`, up to a zero, and halts. */
export const sayWords = `        mov si, words
next:   lodsb
        test al, al
        jz done
        mov ah, 0x0e
        mov bx, 7
        int 0x10
        jmp next
done:   hlt
        jmp done
`;

/** A boot sector that says some words through the BIOS. */
export function bootSectorOf(words: string): Uint8Array {
  const assembler = new Assembler({ bits: 16, origin: 0x7c00 });
  assembler.text(`
        xor ax, ax
        mov ds, ax
${sayWords}words:  db ${[...words].map((letter) => String(letter.charCodeAt(0))).join(', ')}, 0
`);
  return assembler.assemble();
}

/** A floppy of 1440 KiB with a boot sector. */
export function floppyOf(code: Uint8Array): Buffer {
  const image = Buffer.alloc(1440 * 1024);
  image.set(code);
  image.set([0x55, 0xaa], 510);
  return image;
}
