import { GuestSelector, GuestVector, say } from './layout.ts';
import { interruptControllersText, tickText, withErrorCode } from './processor.ts';

/** All masked but 0 (timer) and 4 (serial port 0). */
const masks = [0xee, 0xff] as const;

const vectors = Array.from({ length: GuestVector.count }, (_nothing, vector) => vector);

const stubs = vectors
  .map((vector) => {
    const pad = withErrorCode.includes(vector) ? '' : 'push 0\n        ';
    return `vector_${vector}:\n        ${pad}push ${vector}\n        jmp interrupt_common`;
  })
  .join('\n');

/**
 * Interrupts: one stub a vector, one common entry, one handler a cause.
 *
 * A handler finds the interrupted state at EBP:
 *
 *     0  ES      8  EDI  ESI  EBP  ESP  EBX  EDX  ECX  EAX      40  vector    48  EIP
 *     4  DS                                                     44  error     52  CS, EFLAGS
 */
export const interruptText: string = `
${stubs}
interrupt_common:
        pushad
        push ds
        push es
        mov eax, ${GuestSelector.data}
        mov ds, eax
        mov es, eax
        cld
        mov ebp, esp
        mov eax, [ebp + 40]
        call [handlers + eax * 4]
        pop es
        pop ds
        popad
        add esp, 8
        iretd

; Fills the IDT from the table of stubs: interrupt gates, vector 48 open to ring 3.
fill_idt:
        mov esi, stub_table
        mov edi, idt
        mov ecx, ${GuestVector.count}
fill_gate:
        lodsd
        mov [edi], ax
        mov word [edi + 2], ${GuestSelector.code}
        mov word [edi + 4], 0x8e00
        shr eax, 16
        mov [edi + 6], ax
        add edi, 8
        loop fill_gate
        mov byte [idt + ${GuestVector.systemCall * 8 + 5}], 0xee
        ret

; Interrupt controllers to vectors 32 to 47, timer to 100 Hz.
initialize_interrupts:${interruptControllersText(masks)}${tickText}
        ret

handle_timer:
        inc dword [ticks]
        jmp end_of_interrupt
handle_serial:
        call serial_interrupt
end_of_interrupt:
        mov al, 0x20
        out 0x20, al
handle_spurious:
        ret

; Nothing that this guest expects: says what and where, and waits for ever.
handle_unexpected:
        ${say('\nunexpected exception ')}
        mov eax, [ebp + 40]
        call print_decimal
        ${say(' error ')}
        mov eax, [ebp + 44]
        call print_hex
        ${say(' at ')}
        mov eax, [ebp + 48]
        call print_hex
        ${say('\n')}
        cli
        hlt
        jmp handle_unexpected
`;

const handlers: Readonly<Record<number, string>> = {
  13: 'handle_protection',
  14: 'handle_page_fault',
  [GuestVector.timer]: 'handle_timer',
  [GuestVector.serial]: 'handle_serial',
  39: 'handle_spurious',
  [GuestVector.systemCall]: 'handle_system_call',
};

/** The IDT and the tables that it is made from. */
export const interruptData: string = `
        align 8
idt:    times ${GuestVector.count} dq 0
idt_pointer:
        dw ${GuestVector.count * 8 - 1}
        dd idt
        align 4
stub_table:
${vectors.map((vector) => `        dd vector_${vector}`).join('\n')}
handlers:
${vectors.map((vector) => `        dd ${handlers[vector] ?? 'handle_unexpected'}`).join('\n')}
ticks:  dd 0
`;
