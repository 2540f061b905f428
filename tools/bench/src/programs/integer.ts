import { Place, type Program } from './program.ts';

/** Arithmetic in registers: xorshift, twelve instructions a round. */
const arithmetic = `
run_int_loop:
        mov ecx, 200000000
        mov eax, 12345
        xor edx, edx
int_loop_next:
        mov ebx, eax
        shl ebx, 13
        xor eax, ebx
        mov ebx, eax
        shr ebx, 17
        xor eax, ebx
        mov ebx, eax
        shl ebx, 5
        xor eax, ebx
        add edx, eax
        dec ecx
        jnz int_loop_next
        mov eax, edx
        ret
`;

/** Branches that depend on data: lengths of Collatz sequences. */
const branches = `
run_int_branches:
        xor edi, edi
        mov esi, 1500000
branches_number:
        mov eax, esi
branches_step:
        inc edi
        test al, 1
        jz branches_even
        lea eax, [eax + eax * 2 + 1]
        jmp branches_step
branches_even:
        shr eax, 1
        cmp eax, 1
        ja branches_step
        dec esi
        jnz branches_number
        mov eax, edi
        ret
`;

/** Byte stores in strides: the sieve of Eratosthenes over 2 MiB, twelve times. */
const sieve = `
run_int_sieve:
        mov ebp, 12
sieve_round:
        mov edi, ${Place.buffer}
        mov ecx, ${0x20_0000 / 4}
        mov eax, 0x01010101
        rep stosd
        xor edx, edx
        mov esi, 2
sieve_next:
        cmp byte [${Place.buffer} + esi], 0
        je sieve_composite
        inc edx
        mov ebx, esi
        add ebx, esi
        jmp sieve_test
sieve_strike:
        mov byte [${Place.buffer} + ebx], 0
        add ebx, esi
sieve_test:
        cmp ebx, ${0x20_0000}
        jb sieve_strike
sieve_composite:
        inc esi
        cmp esi, ${0x20_0000}
        jb sieve_next
        dec ebp
        jnz sieve_round
        mov eax, edx
        ret
`;

/** Calls and returns: the Fibonacci number of 36 by recursion. */
const calls = `
run_int_calls:
        mov eax, 36
fibonacci:
        cmp eax, 2
        jb fibonacci_end
        push eax
        dec eax
        call fibonacci
        xchg eax, [esp]
        sub eax, 2
        call fibonacci
        pop edx
        add eax, edx
fibonacci_end:
        ret
`;

/** Indirect jumps: an interpreter of a byte code of eight operations. */
const dispatch = `
run_int_dispatch:
        mov ebp, 2000000
        xor ebx, ebx
        mov edx, 1
dispatch_round:
        mov esi, dispatch_code
dispatch_next:
        movzx eax, byte [esi]
        inc esi
        jmp [dispatch_table + eax * 4]
dispatch_add:
        add ebx, edx
        jmp dispatch_next
dispatch_multiply:
        imul edx, edx, 0x343fd
        jmp dispatch_next
dispatch_increment:
        add edx, 0x269ec3
        jmp dispatch_next
dispatch_rotate:
        rol ebx, 7
        jmp dispatch_next
dispatch_exchange:
        xchg ebx, edx
        jmp dispatch_next
dispatch_not:
        not ebx
        jmp dispatch_next
dispatch_subtract:
        sub ebx, edx
        jmp dispatch_next
dispatch_end:
        dec ebp
        jnz dispatch_round
        mov eax, ebx
        ret
dispatch_code:
        db 0, 1, 2, 3, 0, 5, 6, 4, 1, 2, 3, 6, 0, 1, 2, 7
        align 4
dispatch_table:
        dd dispatch_add, dispatch_multiply, dispatch_increment, dispatch_rotate
        dd dispatch_exchange, dispatch_not, dispatch_subtract, dispatch_end
`;

/** Table look-ups: CRC-32 of 1 MiB, 64 times. */
const crc = `
run_int_crc:
        xor ecx, ecx
crc_table_entry:
        mov eax, ecx
        mov edx, 8
crc_table_bit:
        shr eax, 1
        jnc crc_table_zero
        xor eax, 0xedb88320
crc_table_zero:
        dec edx
        jnz crc_table_bit
        mov [${Place.second} + ecx * 4], eax
        inc ecx
        cmp ecx, 256
        jb crc_table_entry
        mov ebp, 64
        mov eax, -1
crc_round:
        mov esi, ${Place.load}
        mov ecx, 0x40000        ; the guest's own code and what is behind it, four bytes a time
crc_word:
        mov edx, [run_int_crc]
        xor edx, ecx
        mov ebx, 4
crc_byte:
        movzx edi, al
        movzx esi, dl
        xor edi, esi
        shr eax, 8
        xor eax, [${Place.second} + edi * 4]
        shr edx, 8
        dec ebx
        jnz crc_byte
        dec ecx
        jnz crc_word
        dec ebp
        jnz crc_round
        ret
`;

/** Tight integer loops. */
export const integerPrograms: readonly Program[] = [
  { name: 'int-loop', cpuBound: true, text: arithmetic },
  { name: 'int-branches', cpuBound: true, text: branches },
  { name: 'int-sieve', cpuBound: true, text: sieve },
  { name: 'int-calls', cpuBound: true, text: calls },
  { name: 'int-dispatch', cpuBound: true, text: dispatch },
  { name: 'int-crc', cpuBound: true, text: crc },
];
