import { Place, type Program } from './program.ts';

/** A constant inside a loop is changed before each of its 60,000 runs. */
const patch = `
run_smc_patch:
        mov ebp, 60000
        xor eax, eax
patch_round:
        mov [patch_site + 1], ebp
        mov ecx, 40
patch_next:
patch_site:
        mov ebx, 0
        add eax, ebx
        rol eax, 3
        dec ecx
        jnz patch_next
        dec ebp
        jnz patch_round
        ret
`;

/** A compiler at run time: makes 6,000 functions, one after the other in 64 KiB, runs each. */
const compile = `
run_smc_compile:
        mov ebp, 6000
        mov edi, ${Place.code}
        xor eax, eax
        mov edx, 12345
compile_round:
        cmp edi, ${Place.code + 0x1_0000 - 512}
        jb compile_room
        mov edi, ${Place.code}
compile_room:
        mov esi, edi
        mov byte [edi], 0xb9            ; mov ecx, 200
        mov dword [edi + 1], 200
        add edi, 5
        mov ebx, 16
compile_operation:
        imul edx, edx, 0x343fd
        add edx, 0x269ec3
        mov byte [edi], 0x05            ; add eax, immediate
        mov [edi + 1], edx
        mov word [edi + 5], 0xc0d1      ; rol eax, 1
        add edi, 7
        dec ebx
        jnz compile_operation
        mov byte [edi], 0x49            ; dec ecx
        mov word [edi + 1], 0x850f      ; jnz to the first operation
        mov dword [edi + 3], ${-(16 * 7 + 7)}
        mov byte [edi + 7], 0xc3        ; ret
        add edi, 8
        call esi
        dec ebp
        jnz compile_round
        ret
`;

/** Data that are written all the time in the page of the loop that writes them. */
const dataInCode = `
run_smc_data:
        mov ecx, 400000
        xor eax, eax
data_next:
        add eax, ecx
        mov [data_beside], eax
        xor eax, [data_beside + 4]
        inc dword [data_beside + 4]
        dec ecx
        jnz data_next
        ret
        align 64
data_beside: dd 0, 0
        align 64
`;

/** Code that changes. */
export const selfModifyingPrograms: readonly Program[] = [
  { name: 'smc-patch', cpuBound: false, text: patch },
  { name: 'smc-compile', cpuBound: false, text: compile },
  { name: 'smc-data', cpuBound: false, text: dataInCode },
];
