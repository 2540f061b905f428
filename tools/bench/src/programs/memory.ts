import { Place, type Program } from './program.ts';

/** Reads 16 MiB a word at a time, twenty times. */
const read = `
run_memory_read:
        mov ebp, 20
        xor eax, eax
memory_read_round:
        mov esi, ${Place.buffer}
        mov ecx, ${0x100_0000 / 16}
memory_read_next:
        add eax, [esi]
        xor eax, [esi + 4]
        add eax, [esi + 8]
        xor eax, [esi + 12]
        add esi, 16
        dec ecx
        jnz memory_read_next
        dec ebp
        jnz memory_read_round
        ret
`;

/** Writes 16 MiB a word at a time, twenty times. */
const write = `
run_memory_write:
        mov ebp, 20
memory_write_round:
        mov edi, ${Place.buffer}
        mov ecx, ${0x100_0000 / 16}
        mov eax, ebp
memory_write_next:
        mov [edi], eax
        mov [edi + 4], ecx
        mov [edi + 8], edi
        mov [edi + 12], ebp
        add edi, 16
        dec ecx
        jnz memory_write_next
        dec ebp
        jnz memory_write_round
        mov eax, [${Place.buffer} + 4]
        ret
`;

/** Copies 16 MiB with REP MOVSD, clears them with REP STOSD; ten times. */
const copy = `
run_memory_copy:
        mov ebp, 10
memory_copy_round:
        mov esi, ${Place.load}
        mov edi, ${Place.second}
        mov ecx, ${0x100_0000 / 4}
        rep movsd
        mov edi, ${Place.buffer}
        mov ecx, ${0x100_0000 / 4}
        mov eax, ebp
        rep stosd
        dec ebp
        jnz memory_copy_round
        mov eax, [${Place.second}]
        add eax, [${Place.buffer}]
        ret
`;

/** Byte scans and comparisons by string instructions, short and long. */
const strings = `
run_memory_strings:
        mov edi, ${Place.buffer}
        mov ecx, 0x100000
        mov al, 7
        rep stosb
        mov byte [${Place.buffer} + 0xffff0], 8
        mov ebp, 40
        xor edx, edx
strings_round:
        mov edi, ${Place.buffer}
        mov ecx, 0x100000
        mov al, 8
        repne scasb
        add edx, ecx
        mov esi, ${Place.buffer}
        mov edi, ${Place.buffer} + 0x1000
        mov ecx, 0x80000
        repe cmpsb
        add edx, ecx
        mov ebx, 4096
strings_short:
        mov esi, ${Place.load}
        mov edi, ${Place.second}
        mov ecx, 9
        rep movsb
        dec ebx
        jnz strings_short
        dec ebp
        jnz strings_round
        mov eax, edx
        ret
`;

/** Follows a chain through 4 MiB: every read depends on the one before. */
const chase = `
run_memory_chase:
        xor eax, eax
        mov ecx, 0x100000
        mov ebx, 1
chase_build:
        lea edx, [eax + eax * 4]        ; a step of the full-period generator 5 n + 3 mod 2^20
        add edx, 3
        and edx, 0xfffff
        mov [${Place.buffer} + eax * 4], edx
        mov eax, edx
        dec ecx
        jnz chase_build
        mov ecx, 10000000
        xor eax, eax
chase_next:
        mov eax, [${Place.buffer} + eax * 4]
        dec ecx
        jnz chase_next
        ret
`;

/** Programs that read, write and copy memory in streams and in random order. */
export const memoryPrograms: readonly Program[] = [
  { name: 'memory-read', cpuBound: true, text: read },
  { name: 'memory-write', cpuBound: true, text: write },
  { name: 'memory-copy', cpuBound: false, text: copy },
  { name: 'memory-strings', cpuBound: false, text: strings },
  { name: 'memory-chase', cpuBound: true, text: chase },
];
