/** Small kernels that Xen starts by their PVH entry, written with the assembler for tests. */
import { xenElf } from './test-xen-elf.ts';

const base = 0x10_0000;
/** XEN_ELFNOTE_PHYS32_ENTRY. */
const physicalEntry = 18;
const vectors = [0, 1, 3, 4, 6, 7, 11, 12, 13, 14];
const withError = [11, 12, 13, 14];

/** The instruction by which such a kernel calls Xen. */
export const vmcall = 'db 0x0f, 0x01, 0xc1';

/** A frame for checks: each failure is counted and its number printed, then the result. */
export function hvmTestKernel(checks: readonly string[]): Uint8Array {
  const gates = vectors.map((vector) => {
    return `        mov edi, idt + ${String(vector * 8)}
        mov eax, trap_${String(vector)}
        call set_gate`;
  });
  const handlers = vectors.map((vector) => {
    const error = withError.includes(vector) ? 'pop dword [got_error]' : '';
    const got = `        mov dword [got_vector], ${String(vector)}`;
    return `trap_${String(vector)}:\n${got}\n        ${error}\n        jmp trap_end`;
  });
  const numbered = checks.map((check, index) => {
    return `        mov dword [check_number], ${String(index + 1)}\n${check}`;
  });
  const text = `
entry:  cld
        mov esp, stack_end
        lgdt [gdt_place]
        jmp 8:in_own_segments
in_own_segments:
        mov eax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
${gates.join('\n')}
        lidt [idt_place]
        mov [saved_esp], esp
${numbered.join('\n')}
        mov esi, text_failure
        cmp dword [failures], 0
        jne say_result
        mov esi, text_success
say_result:
        call print
        mov dword [argument], 0
        mov ebx, 2
        mov ecx, argument
        mov eax, 29
        ${vmcall}
        jmp $

set_gate:
        mov [edi], ax
        mov word [edi + 2], 8
        mov word [edi + 4], 0x8e00
        shr eax, 16
        mov [edi + 6], ax
        ret

print:  mov edx, esi            ; console_io(write, length, text)
        xor ecx, ecx
print_length:
        cmp byte [esi + ecx], 0
        je print_now
        inc ecx
        jmp print_length
print_now:
        xor ebx, ebx
        mov eax, 18
        ${vmcall}
        ret

fail:   inc dword [failures]
        pushad
        mov eax, [check_number]
        aam 10
        add ax, 0x3030
        mov [text_number + 6], ah
        mov [text_number + 7], al
        mov esi, text_number
        call print
        popad
        ret

trap_end:
        mov esp, [saved_esp]
        jmp dword [resume]
${handlers.join('\n')}

        align 8
gdt:    dd 0, 0
        dd 0x0000ffff, 0x00cf9b00
        dd 0x0000ffff, 0x00cf9300
gdt_place:
        dw 23
        dd gdt
idt_place:
        dw 0x7ff
        dd idt
        align 8
idt:    times 512 dd 0
saved_esp: dd 0
resume: dd 0
got_vector: dd 0
got_error: dd 0
failures: dd 0
check_number: dd 0
argument: dd 0, 0, 0, 0, 0, 0
text_number: db 'Check    failed', 13, 10, 0
text_success: db 'Test result: SUCCESS', 13, 10, 0
text_failure: db 'Test result: FAILURE', 13, 10, 0
        align 4096
hypercall_page: times 1024 dd 0
page_free: times 1024 dd 0
stack:  times 256 dd 0
stack_end:
`;
  return xenElf(text, base, (addressOf) => [[physicalEntry, addressOf('entry')]]);
}
