/** Small paravirtual kernels for Xen, 32-bit with PAE, written with the assembler for tests. */
import { caughtVectors, checkKernelText } from './test-check-kernel.ts';
import { xenElf } from './test-xen-elf.ts';

/** Where such a kernel stands in its address space. */
export const pvBase = 0xc000_0000;

/** ELF notes of Xen (public/elfnote.h). */
const Note = { entry: 1, hypercallPage: 2, virtBase: 3, xenVersion: 5, loader: 8, paeMode: 9 };

/** Where one stands whose address space begins with its memory. */
export const lowPvBase = 0x10_0000;

/**
 * Builds an ELF file of text that begins at `base`; labels `entry` and `hypercall_page` (aligned
 * to a page) are its own.
 */
export function pvKernel(text: string, base: number = pvBase): Uint8Array {
  return xenElf(text, base, (addressOf) => [
    [Note.entry, addressOf('entry')],
    [Note.hypercallPage, addressOf('hypercall_page')],
    [Note.virtBase, base === lowPvBase ? 0 : base],
    [Note.xenVersion, 'xen-3.0'],
    [Note.loader, 'generic'],
    [Note.paeMode, 'yes'],
  ]);
}

/** Selectors of the kernel's own handlers are put back: the way to ring 3 left null ones. */
const loadSegments = ['ss', 'ds', 'ss', 'es']
  .map((name, index) => {
    return `        ${index % 2 === 0 ? 'push' : 'pop'} ${name}`;
  })
  .join('\n');

/** A kernel of checks, in ring 1 with a program's code and stack for ring 3. */
export function pvTestKernel(checks: readonly string[], base: number = pvBase): Uint8Array {
  const vectors = [...caughtVectors, 0x80];
  const traps = vectors.map((vector) => {
    const level = vector === 0x80 || vector === 3 ? 3 : 0;
    return `        db ${String(vector)}, ${String(level)}
        dw 0xe019
        dd trap_${String(vector)}`;
  });
  return pvKernel(
    checkKernelText({
      hypercall: 'int 0x82',
      vectors,
      handlerStart: loadSegments,
      checks,
      start: `
        mov [start_info], esi
        mov eax, [esi + 60]     ; page tables: the third level, one of the second, the first
        lea eax, [eax + 0x2000]
        mov [leaf_table], eax
        mov ebx, trap_table
        mov eax, 0
        int 0x82
        call expect_zero
        mov ebx, 0xe021
        mov ecx, kernel_stack_end
        mov eax, 3
        int 0x82
        call expect_zero`,
      data: `
        align 4
trap_table:
${traps.join('\n')}
        dd 0, 0
start_info: dd 0
leaf_table: dd 0
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
user_rdtsc:
        rdtsc
        int 0x80
user_unaligned:
        mov eax, [esp + 1]
        int 0x80
user_out:
        out 0x80, al
        int 0x80
user_gate:
        push 0x1234
        db 0x9a
        dd 0
        dw 0x0b
        int 0x80
user_jump:
        db 0xea
        dd 0
        dw 0x0b
user_sysenter:
        sysenter
        int 0x80
        align 4096
user_stack: times 1024 dd 0
kernel_stack: times 1024 dd 0
kernel_stack_end:
`,
    }),
    base,
  );
}
