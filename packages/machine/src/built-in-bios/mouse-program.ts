/** The code of the mouse's interrupt. */
import { Ebda, ebdaSegment, Service } from './layout.ts';

const handler = Ebda.mouseHandler - ebdaSegment * 16;

/**
 * Takes a byte; with the last one of a packet the service leaves status, x, y and z in AX, BX, CX
 * and DX, and no carry: the program's handler is called with these on the stack.
 */
export const mouseText: string = `
irq_12:
        pushad
        push ds
        push es
        cld
        pushf
        push cs
        call service_${String(Service.mouse)}
        jc irq_12_end
        push ax
        push bx
        push cx
        push dx
        push cs
        push irq_12_back
        mov ax, ${String(ebdaSegment)}
        mov ds, ax
        push word [${String(handler + 2)}]
        push word [${String(handler)}]
        retf
irq_12_back:
        add sp, 8
irq_12_end:
        cli
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop es
        pop ds
        popad
        iret
`;
