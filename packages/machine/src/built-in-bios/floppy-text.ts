/** The code that starts the floppy drives. */
import { Bda } from './layout.ts';

const data = '0x3f5';
const equipment = String(Bda.equipment);

/**
 * Moves the heads of the drives to cylinder 1 and back: the disk change lines of disks that are in
 * are quiet after that, as programs that drive the controller by its ports expect.
 */
export const floppyText: string = `
        xor cx, cx
        mov ds, cx
        mov ch, [${equipment}]         ; the number of drives, and whether there is one
        rol ch, 2
        and ch, 7
        test ch, 4
        jz heads_end
        and ch, 3
heads_drive:
        mov bl, 1
        mov ah, 1
        shl ah, cl
heads_move:
        mov dx, ${data}
        mov al, 0x0f
        out dx, al
        mov al, cl
        out dx, al
        mov al, bl
        out dx, al
        dec dx
        mov esi, 0x100000
heads_wait:
        dec esi
        jz heads_end
        in al, dx
        test al, ah
        jnz heads_wait
        inc dx
        mov al, 8
        out dx, al
        in al, dx
        in al, dx
        dec bl
        jns heads_move
        inc cl
        cmp cl, ch
        jbe heads_drive
heads_end:
`;
