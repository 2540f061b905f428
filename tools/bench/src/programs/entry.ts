/** The frame of the multiboot guest: entry, descriptor tables, serial port, choice of workloads. */
import { labelOf, Place, type Program } from './program.ts';

const multibootMagic = 0x1bad_b002;
/** Addresses given (Multiboot Specification 0.6.96, 3.1.2). */
const multibootFlags = 0x1_0000;

const characters = (text: string): string =>
  [...text].map((character) => String(character.charCodeAt(0))).join(', ');

const print = (text: string): string => `call say\n        db ${characters(text)}, 0\n`;

/** Multiboot header and first instructions, which end in the loop that reads names. */
export const entryText: string = `
header: dd ${multibootMagic}
        dd ${multibootFlags}
        dd ${-(multibootMagic + multibootFlags) >>> 0}
        dd header, header, program_end, ${Place.end}, start
start:
        cli
        cld
        mov esp, ${Place.stackTop}
        mov eax, task_state
        mov [gdt_task + 2], ax
        shr eax, 16
        mov [gdt_task + 4], al
        mov [gdt_task + 7], ah
        lgdt [gdt_pointer]
        push 8
        push segments_loaded
        retf
segments_loaded:
        mov eax, 16
        mov ds, eax
        mov es, eax
        mov fs, eax
        mov gs, eax
        mov ss, eax
        mov eax, 0x28
        ltr ax
        mov edi, idt
        mov ecx, 256
fill_gate:
        mov eax, unexpected
        call set_gate
        loop fill_gate
        mov edi, idt + ${0x24 * 8}
        mov eax, serial_interrupt
        call set_gate
        lidt [idt_pointer]
        mov eax, cr0
        and eax, 0xfffffffb     ; EM off, MP and NE on
        or eax, 0x22
        mov cr0, eax
        mov eax, cr4
        or eax, 0x600           ; OSFXSR, OSXMMEXCPT
        mov cr4, eax
        fninit
        call initialize_devices
        ${print('BOOT-OK\n@@ready\n')}
        jmp read_name

; A gate at EDI that leads to EAX, open to ring 0; EDI moves on.
set_gate:
        mov [edi], ax
        mov word [edi + 2], 8
        mov word [edi + 4], 0x8e00
        shr eax, 16
        mov [edi + 6], ax
        add edi, 8
        ret

; Interrupt controllers to vectors 32 to 47, all masked but serial port 0; 115200 baud.
initialize_devices:
        mov esi, device_bytes
device_byte:
        movzx edx, word [esi]
        test edx, edx
        jz devices_done
        mov al, [esi + 2]
        out dx, al
        add esi, 3
        jmp device_byte
devices_done:
        ret
device_bytes:
        ${deviceBytes()}
        dw 0

serial_interrupt:
        push eax
        mov al, 0x20
        out 0x20, al
        pop eax
        iretd

unexpected:
        ${print('unexpected exception\n')}
        cli
        hlt
        jmp unexpected

; Prints the text behind the call.
say:
        pop esi
say_next:
        lodsb
        test al, al
        jz say_done
        call print_character
        jmp say_next
say_done:
        jmp esi

print_character:
        push eax
        cmp al, 10
        jne print_ready
        mov al, 13
        call print_character
        mov al, 10
print_ready:
        push eax
        mov edx, 0x3fd
print_wait:
        in al, dx
        test al, 0x20
        jz print_wait
        pop eax
        mov edx, 0x3f8
        out dx, al
        pop eax
        ret

; Prints EAX in hexadecimal.
print_hex:
        mov ecx, 8
hex_digit:
        rol eax, 4
        push eax
        and al, 15
        cmp al, 10
        jb hex_print
        add al, 39
hex_print:
        add al, 48
        call print_character
        pop eax
        loop hex_digit
        ret

; Waits for a line on serial port 0, without spinning: the engine beside must not be disturbed.
read_name:
        mov edi, name_buffer
read_character:
        cli
        mov edx, 0x3fd
        in al, dx
        test al, 1
        jnz read_ready
        sti
        hlt
        jmp read_character
read_ready:
        mov edx, 0x3f8
        in al, dx
        cmp al, 10
        je find_name
        cmp edi, name_buffer + 60
        jae read_character
        stosb
        jmp read_character
find_name:
        mov byte [edi], 0
        mov ebx, program_table
find_next:
        mov esi, [ebx]
        test esi, esi
        jz read_name
        mov edi, name_buffer
find_compare:
        lodsb
        cmp al, [edi]
        jne find_other
        inc edi
        test al, al
        jnz find_compare
        jmp found
find_other:
        add ebx, 8
        jmp find_next
found:
        ${print('@@begin ')}
        call print_name
        push ebx
        call [ebx + 4]
        cld
        pop ebx
        call print_hex
        ${print('\n@@end ')}
        call print_name
        jmp read_name
print_name:
        mov esi, [ebx]
print_name_next:
        lodsb
        test al, al
        jz print_name_done
        call print_character
        jmp print_name_next
print_name_done:
        mov al, 10
        jmp print_character
`;

/** Tables of the guest; the GDT has flat segments of both rings and the task state. */
export function dataText(programs: readonly Program[]): string {
  return `
        align 8
gdt:    dq 0
        dq 0x00cf9b000000ffff   ; 0x08 code, ring 0
        dq 0x00cf93000000ffff   ; 0x10 data, ring 0
        dq 0x00cffb000000ffff   ; 0x18 code, ring 3
        dq 0x00cff3000000ffff   ; 0x20 data, ring 3
gdt_task:
        dq 0x0000890000000067   ; 0x28 available 32-bit TSS; base filled in
gdt_end:
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt
        align 8
idt:    times 256 dq 0
idt_pointer:
        dw 2047
        dd idt
        align 4
task_state:
        dd 0
task_stack:
        dd ${Place.stackTop}
        dd 16
        times 22 dd 0
        dd 0x00680000           ; no I/O map
name_buffer:
        times 64 db 0
${programs.map(({ name }, index) => `name_${index}: db ${characters(name)}, 0`).join('\n')}
        align 4
program_table:
${programs.map(({ name }, index) => `        dd name_${index}, ${labelOf(name)}`).join('\n')}
        dd 0, 0
`;
}

/** Ports and values: both 8259 (ICW1 to ICW4, masks), then the 16550. */
function deviceBytes(): string {
  const pairs: readonly (readonly [number, number])[] = [
    ...([
      [0x20, 0x11],
      [0xa0, 0x11],
      [0x21, 32],
      [0xa1, 40],
      [0x21, 4],
      [0xa1, 2],
    ] as const),
    ...([
      [0x21, 1],
      [0xa1, 1],
      [0x21, 0xef],
      [0xa1, 0xff],
    ] as const),
    ...([
      [0x3fb, 0x80],
      [0x3f8, 1],
      [0x3f9, 0],
      [0x3fb, 3],
      [0x3fa, 0],
    ] as const),
    ...([
      [0x3fc, 0x0b],
      [0x3f9, 1],
    ] as const),
  ];
  return pairs.map(([port, value]) => `dw ${port}\n        db ${value}`).join('\n        ');
}
