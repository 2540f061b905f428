/**
 * A program for Linux that reads or writes a disk past the page cache: `io DEVICE KIND`.
 *
 * The kind is three letters: read or write; sequential (1 MiB each) or random (4 KiB each); one
 * request at a time, each waited for, or a queue of many by Linux' asynchronous I/O, as programs
 * use that want to know what a disk can do.
 */
import { Assembler } from '@ringfence/assembler';

/** What one run of the program does. */
export interface IoPattern {
  /** Bytes of each request. */
  readonly bytes: number;
  readonly requests: number;
  /** How many requests are under way at once. */
  readonly depth: number;
}

/** Bytes of the disk that the program works on; requests stay within. */
export const ioDiskBytes: number = 64 << 20;

/** The patterns by the last two letters of the kinds that use them. */
export const ioPatterns: Readonly<Record<'s1' | 'r1' | 'sq' | 'rq', IoPattern>> = {
  s1: { bytes: 1 << 20, requests: 256, depth: 1 },
  r1: { bytes: 4096, requests: 4096, depth: 1 },
  sq: { bytes: 1 << 20, requests: 256, depth: 8 },
  rq: { bytes: 4096, requests: 16384, depth: 32 },
};

const origin = 0x0804_8000;
const buffers = 0x0900_0000;
const bufferBytes = ioPatterns.sq.bytes * ioPatterns.sq.depth;
/** System calls of 32-bit Linux. */
const Call = {
  exit: 1,
  open: 5,
  fsync: 118,
  read: 180,
  write: 181,
  ioSetup: 245,
  ioEvents: 247,
  ioSubmit: 248,
} as const;
const openFlags = 0x4002;
/** `struct iocb`: buffer at 24, bytes at 32, offset at 40; `struct io_event`. */
const blockBytes = 64;
const eventBytes = 32;

/** Builds the program, an ELF file of less than a page. */
export function ioProgram(): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin });
  for (const part of [header, start, one, queue, data]) assembler.text(part);
  return assembler.label('file_end').assemble();
}

const mostDepth = ioPatterns.rq.depth;
/** Behind the file: the list of blocks to submit, the blocks, and the events of what ended. */
const listAt = origin + 4096;
const blocksAt = listAt + mostDepth * 4;
const eventsAt = blocksAt + mostDepth * blockBytes;
const memoryBytes = eventsAt + mostDepth * eventBytes - origin;

const header = `
        db 0x7f, 'ELF', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
        dw 2, 3
        dd 1, start, 52, 0, 0
        dw 52, 32, 2, 0, 0, 0
        dd 1, 0, ${origin}, ${origin}, file_end - ${origin}, ${memoryBytes}, 7, 4096
        dd 1, 0, ${buffers}, ${buffers}, 0, ${bufferBytes}, 6, 4096
`;

/** Chooses the pattern: bytes, requests and depth in memory, EBX is the file. */
const start = `
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
        jne sizes
        mov dword [call], ${Call.write}
        mov dword [opcode], 1
sizes:  mov edi, table
        cmp byte [esi + 1], 115 ; s
        je depth
        add edi, 24
depth:  cmp byte [esi + 2], 113 ; q
        jne chosen
        add edi, 12
chosen: mov eax, [edi]
        mov [bytes], eax
        mov ebp, [edi + 4]
        mov eax, [edi + 8]
        mov [queued], eax
        cmp eax, 1
        jne queue
`;

/** One request at a time; EBP counts them. */
const one = `
single: call place
        mov esi, eax
        mov eax, [call]
        mov ecx, ${buffers}
        mov edx, [bytes]
        xor edi, edi
        int 0x80
        cmp eax, [bytes]
        jne failed
        dec ebp
        jnz single
done:   mov eax, ${Call.fsync}
        int 0x80
        xor ebx, ebx
leave:  mov eax, ${Call.exit}
        int 0x80
failed: mov ebx, 1
        jmp leave

; The place of the next request, in EAX: behind the one before, or anywhere.
place:  cmp dword [bytes], ${ioPatterns.r1.bytes}
        je anywhere
        mov eax, [next]
        mov edx, [bytes]
        add edx, eax
        and edx, ${ioDiskBytes - 1}
        mov [next], edx
        ret
anywhere:
        imul eax, [next], 1103515245
        add eax, 12345
        mov [next], eax
        shr eax, 8
        and eax, ${ioDiskBytes / ioPatterns.r1.bytes - 1}
        shl eax, 12
        ret
`;

/** A queue: what has ended is asked for again, in one call for all that ended meanwhile. */
const queue = `
queue:  mov [file], ebx
        mov [left], ebp
        mov ebx, [queued]
        mov ecx, context
        mov eax, ${Call.ioSetup}
        int 0x80
        test eax, eax
        jnz failed
        xor ebp, ebp            ; blocks to submit
        mov edi, ${blocksAt}
        mov esi, ${buffers}
fill:   mov eax, [opcode]
        mov [edi + 16], eax
        mov eax, [file]
        mov [edi + 20], eax
        mov [edi + 24], esi
        mov eax, [bytes]
        mov [edi + 32], eax
        add esi, eax
        call put
        add edi, ${blockBytes}
        cmp ebp, [queued]
        jne fill
submit: mov edx, ${listAt}
        mov ecx, ebp
        mov ebx, [context]
        mov eax, ${Call.ioSubmit}
        int 0x80
        cmp eax, ebp
        jne failed
collect:
        mov ebx, [context]
        mov ecx, 1
        mov edx, [queued]
        mov esi, ${eventsAt}
        xor edi, edi
        mov eax, ${Call.ioEvents}
        int 0x80
        test eax, eax
        jle failed
        mov ecx, eax
        sub [left], eax
        xor ebp, ebp
        mov esi, ${eventsAt}
ended:  mov eax, [esi + 16]
        cmp eax, [bytes]
        jne failed
        mov eax, [left]
        sub eax, [queued]
        add eax, ecx            ; those still to begin, of which this is one
        jle over
        mov edi, [esi + 8]
        call put
over:   add esi, ${eventBytes}
        dec ecx
        jnz ended
        test ebp, ebp
        jnz submit
        cmp dword [left], 0
        jne collect
        mov ebx, [file]
        jmp done

; Puts the block at EDI on the list, for the next place.
put:    call place
        mov [edi + 40], eax
        mov [ebp * 4 + ${listAt}], edi
        inc ebp
        ret
`;

const data = `
        align 4
table:  dd ${[ioPatterns.s1, ioPatterns.sq, ioPatterns.r1, ioPatterns.rq]
  .flatMap(({ bytes, requests, depth }) => [bytes, requests, depth])
  .join(', ')}
call:   dd 0
opcode: dd 0
bytes:  dd 0
queued: dd 0
next:   dd 0
file:   dd 0
left:   dd 0
context: dd 0
`;
