/**
 * A program for Linux that reads or writes a disk past the page cache: `io DEVICE rs|ws|rr|wr`.
 *
 * The second argument says read or write, and sequential (1 MiB each) or random (4 KiB each).
 */
import { Assembler } from '@ringfence/assembler';

/** What one run of the program does. */
export interface IoPattern {
  /** Bytes of each request. */
  readonly bytes: number;
  readonly requests: number;
}

/** Bytes of the disk that the program works on; random requests stay within. */
export const ioDiskBytes: number = 64 << 20;

/** The patterns by the letter that chooses them. */
export const ioPatterns: Readonly<Record<'s' | 'r', IoPattern>> = {
  s: { bytes: 1 << 20, requests: 64 },
  r: { bytes: 4096, requests: 4096 },
};

const origin = 0x0804_8000;
const buffer = 0x0900_0000;
/** System calls of 32-bit Linux. */
const Call = { exit: 1, open: 5, fsync: 118, read: 180, write: 181 } as const;
const openFlags = 0x4002;

/** Builds the program, an ELF file of less than a page. */
export function ioProgram(): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin });
  assembler.text(header);
  assembler.text(program);
  return assembler.label('file_end').assemble();
}

const header = `
        db 0x7f, 'ELF', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
        dw 2, 3
        dd 1, start, 52, 0, 0
        dw 52, 32, 2, 0, 0, 0
        dd 1, 0, ${origin}, ${origin}, file_end - ${origin}, file_end - ${origin}, 7, 4096
        dd 1, 0, ${buffer}, ${buffer}, 0, ${ioPatterns.s.bytes}, 6, 4096
`;

const program = `
start:  mov ebx, [esp + 8]      ; device
        mov ecx, ${openFlags}
        mov eax, ${Call.open}
        int 0x80
        test eax, eax
        js failed
        mov ebx, eax
        mov esi, [esp + 12]
        mov dword [call], ${Call.read}
        cmp byte [esi], 119     ; w
        jne pattern
        mov dword [call], ${Call.write}
pattern:
        mov ebp, ${ioPatterns.s.requests}
        mov dword [bytes], ${ioPatterns.s.bytes}
        cmp byte [esi + 1], 115 ; s
        je sequential
        mov ebp, ${ioPatterns.r.requests}
        mov dword [bytes], ${ioPatterns.r.bytes}
random: imul eax, [seed], 1103515245
        add eax, 12345
        mov [seed], eax
        shr eax, 8
        and eax, ${ioDiskBytes / ioPatterns.r.bytes - 1}
        shl eax, 12
        mov esi, eax
        call request
        dec ebp
        jnz random
        jmp done
sequential:
        xor esi, esi
next:   call request
        add esi, ${ioPatterns.s.bytes}
        dec ebp
        jnz next
done:   mov eax, ${Call.fsync}
        int 0x80
        xor ebx, ebx
leave:  mov eax, ${Call.exit}
        int 0x80

; One request at ESI.
request:
        mov eax, [call]
        mov ecx, ${buffer}
        mov edx, [bytes]
        xor edi, edi
        int 0x80
        cmp eax, [bytes]
        jne failed
        ret
failed: mov ebx, 1
        jmp leave
        align 4
call:   dd 0
bytes:  dd 0
seed:   dd 1
`;
