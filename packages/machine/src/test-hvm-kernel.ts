/** Small kernels that Xen starts by their PVH entry, written with the assembler for tests. */
import { caughtVectors, checkKernelText } from './test-check-kernel.ts';
import { xenElf } from './test-xen-elf.ts';

const base = 0x10_0000;
/** XEN_ELFNOTE_PHYS32_ENTRY. */
const physicalEntry = 18;

/** The instruction by which such a kernel calls Xen. */
export const vmcall = 'db 0x0f, 0x01, 0xc1';

/** A kernel of checks, in flat segments of its own, without paging. */
export function hvmTestKernel(checks: readonly string[]): Uint8Array {
  const gates = caughtVectors.map((vector) => {
    return `        mov edi, idt + ${String(vector * 8)}
        mov eax, trap_${String(vector)}
        call set_gate`;
  });
  const text = checkKernelText({
    hypercall: vmcall,
    vectors: caughtVectors,
    // A program's data segments are no longer there in ring 0, or are its own.
    handlerStart: ['ds', 'es'].map((name) => `        push ss\n        pop ${name}`).join('\n'),
    checks,
    start: `
        mov esp, stack_end
        lgdt [gdt_place]
        jmp 8:in_own_segments
set_gate:
        mov [edi], ax
        mov word [edi + 2], 8
        mov word [edi + 4], 0x8e00
        shr eax, 16
        mov [edi + 6], ax
        ret
in_own_segments:
        mov eax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
${gates.join('\n')}
        lidt [idt_place]`,
    data: `
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
        align 4096
hypercall_page: times 1024 dd 0
page_free: times 1024 dd 0
page_other: times 1024 dd 0
page_tables: times 2048 dd 0
stack:  times 256 dd 0
stack_end:
`,
  });
  return xenElf(text, base, (addressOf) => [[physicalEntry, addressOf('entry')]]);
}
