/** Small paravirtual kernels for Xen, 32-bit with PAE, written with the assembler for tests. */
import { xenElf } from './test-xen-elf.ts';

/** Where such a kernel stands in its address space. */
export const pvBase = 0xc000_0000;

/** ELF notes of Xen (public/elfnote.h). */
const Note = { entry: 1, hypercallPage: 2, virtBase: 3, xenVersion: 5, loader: 8, paeMode: 9 };

/**
 * Builds an ELF file of text that begins at `pvBase`; labels `entry` and `hypercall_page` (aligned
 * to a page) are its own.
 */
export function pvKernel(text: string): Uint8Array {
  return xenElf(text, pvBase, (addressOf) => [
    [Note.entry, addressOf('entry')],
    [Note.hypercallPage, addressOf('hypercall_page')],
    [Note.virtBase, pvBase],
    [Note.xenVersion, 'xen-3.0'],
    [Note.loader, 'generic'],
    [Note.paeMode, 'yes'],
  ]);
}

/** A frame for checks: each failure is counted and its number printed, then the result. */
export function pvTestKernel(checks: readonly string[]): Uint8Array {
  const vectors = [0, 1, 3, 4, 6, 7, 11, 12, 13, 14, 0x80];
  const withError = [11, 12, 13, 14];
  const traps = vectors.map((vector) => {
    const level = vector === 0x80 || vector === 3 ? 3 : 0;
    return `        db ${vector}, ${level}\n        dw 0xe019\n        dd trap_${vector}`;
  });
  // The way to ring 3 leaves null selectors in the data segments (SDM 2A IRET).
  const loads = ['ss', 'ds', 'ss', 'es']
    .map((name, index) => {
      return `        ${index % 2 === 0 ? 'push' : 'pop'} ${name}`;
    })
    .join('\n');
  const handlers = vectors.map((vector) => {
    const error = withError.includes(vector) ? 'pop dword [got_error]' : '';
    const got = `        mov dword [got_vector], ${vector}`;
    return `trap_${vector}:\n${loads}\n${got}\n        ${error}\n        jmp trap_end`;
  });
  const numbered = checks.map((check, index) => {
    return `        mov dword [check_number], ${index + 1}\n${check}`;
  });
  return pvKernel(`
entry:  cld
        mov [start_info], esi
        mov eax, [esi + 60]     ; page tables: the third level, one of the second, the first
        lea eax, [eax + 0x2000]
        mov [leaf_table], eax
        mov [saved_esp], esp
        mov ebx, trap_table
        mov eax, 0
        int 0x82
        call expect_zero
        mov ebx, 0xe021
        mov ecx, kernel_stack_end
        mov eax, 3
        int 0x82
        call expect_zero
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
        int 0x82
        jmp $

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
        int 0x82
        ret

expect_zero:
        test eax, eax
        jnz fail
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

        align 4
trap_table:
${traps.join('\n')}
        dd 0, 0
start_info: dd 0
leaf_table: dd 0
saved_esp: dd 0
resume: dd 0
got_vector: dd 0
got_error: dd 0
failures: dd 0
check_number: dd 0
argument: dd 0, 0, 0, 0, 0, 0
text_number: db 'Check    failed', 13, 10, 0
text_before: db 'before', 13, 10, 0
text_success: db 'Test result: SUCCESS', 13, 10, 0
text_failure: db 'Test result: FAILURE', 13, 10, 0
        align 4096
hypercall_page: times 1024 dd 0
page_free: times 1024 dd 0
user_page:
        nop
user_cpuid:
        xor eax, eax
        cpuid
        int 0x80
user_call:
        int 0x82
        int 0x80
user_port:
        in al, 0x60
        int 0x80
        align 4096
user_stack: times 1024 dd 0
kernel_stack: times 1024 dd 0
kernel_stack_end:
`);
}
