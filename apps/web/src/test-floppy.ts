/** Floppies for tests: a boot sector, and nothing else. */

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

/** A floppy of 1440 KiB with a boot sector. */
export function floppyOf(code: Uint8Array): Buffer {
  const image = Buffer.alloc(1440 * 1024);
  image.set(code);
  image.set([0x55, 0xaa], 510);
  return image;
}
