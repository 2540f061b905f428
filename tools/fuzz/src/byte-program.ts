/**
 * A program for Linux that executes random bytes as an unprivileged user.
 *
 * It gives up its rights, limits what it may have, and then runs round after round: 64 random bytes
 * with random registers and flags, until a signal ends them. All signals lead to the next round,
 * those of a timer too. Registers point into memory of its own now and then; what a round leaves
 * there, and in segment registers and the FPU, is for the next to find.
 */
import { assembleText } from '@ringfence/assembler';

const origin = 0x0804_8000;
const headerBytes = 0x54;
/** Areas of the program: state, code, data, stack, and the stack of signals. */
const state = 0x4000_0000;
const area = { code: 0x1000_0000, data: 0x2000_0000, stack: 0x3000_0000, signal: 0x5000_0000 };
const areaBytes = 0x1_0000;
const readWriteExecute = 7;
const privateFixedAnonymous = 0x32;

/** Linux's system calls for i386 (arch/x86/entry/syscalls/syscall_32.tbl). */
const call = {
  exit: 1,
  setrlimit: 75,
  setitimer: 104,
  sigaltstack: 186,
  mmap: 192,
  rtSigaction: 174,
  setuid: 213,
  setgid: 214,
} as const;

/** SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGUSR1 SIGSEGV SIGALRM SIGSYS and others. */
const signals = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 24, 25, 29, 30, 31];
/** SA_SIGINFO, SA_ONSTACK, SA_NODEFER. */
const handlerFlags = 0x4800_0004;
/** Limits (RLIMIT_) and what they are set to: files 1 MiB, one process, 4 descriptors, CPU. */
const limits = [
  [0, 60],
  [1, 1 << 20],
  [6, 1],
  [7, 4],
  [9, 0x1000_0000],
] as const;

const system = (number: number, ...values: readonly (number | string)[]): string =>
  [...values.map((value, index) => `mov ${registers[index] ?? ''}, ${value}`)]
    .concat([`mov eax, ${number}`, 'int 0x80'])
    .join('\n');
const registers = ['ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp'];

/** The state page: seed, rounds left, limits, the action of signals, the timer. */
const seed = state;
const rounds = state + 4;
const scratch = state + 16;

/** An i386 ELF file; its arguments are a seed and a number of rounds, in decimal. */
export function byteProgram(): Uint8Array {
  const program = assembleText(programText(), { bits: 32, origin: origin + headerBytes });
  const file = new Uint8Array(headerBytes + program.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  // ET_EXEC, EM_386, version 1, entry, program headers at 0x34; one of 32 bytes.
  view.setUint32(16, 0x0003_0002, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, origin + headerBytes, true);
  view.setUint32(28, 0x34, true);
  view.setUint32(40, 0x0020_0034, true);
  view.setUint16(44, 1, true);
  // PT_LOAD of the whole file, readable and executable.
  const words = [1, 0, origin, origin, file.length, file.length, 5, 0x1000];
  words.forEach((word, index) => view.setUint32(0x34 + 4 * index, word, true));
  file.set(program, headerBytes);
  return file;
}

function programText(): string {
  const maps = [state, ...Object.values(area)].map((at) => `mov ebx, ${at}\ncall map`);
  const sets = limits.map(
    ([resource, value]) => `
      mov dword [${scratch}], ${value}
      mov dword [${scratch + 4}], ${value}
      ${system(call.setrlimit, resource, scratch)}`,
  );
  const handlers = signals.map((signal) => `mov ebx, ${signal}\ncall handle`);
  return `
    mov eax, [esp + 8]
    mov edi, [esp + 12]
    push eax
    push edi
    ${maps.join('\n')}
    pop esi
    call number
    mov [${rounds}], eax
    pop esi
    call number
    imul eax, eax, 0x9e3779b1
    or eax, 1
    mov [${seed}], eax
    ${sets.join('\n')}
    mov dword [${scratch}], ${area.signal}
    mov dword [${scratch + 4}], 0
    mov dword [${scratch + 8}], ${areaBytes}
    ${system(call.sigaltstack, scratch, 0)}
    ${handlers.join('\n')}
    ; A signal each 20 ms.
    mov dword [${scratch}], 0
    mov dword [${scratch + 4}], 20000
    mov dword [${scratch + 8}], 0
    mov dword [${scratch + 12}], 20000
    ${system(call.setitimer, 0, scratch, 0)}
    ${system(call.setgid, 65534)}
    ${system(call.setuid, 65534)}
    jmp next
${helperText()}
${roundText()}
`;
}

/** What the beginning calls, and the generator (xorshift32). */
function helperText(): string {
  return `
; mmap of an area at EBX.
map:
    mov ecx, ${areaBytes}
    mov edx, ${readWriteExecute}
    mov esi, ${privateFixedAnonymous}
    mov edi, -1
    xor ebp, ebp
    mov eax, ${call.mmap}
    int 0x80
    ret

; The decimal number at ESI in EAX.
number:
    xor eax, eax
digit:
    movzx ecx, byte [esi]
    sub ecx, 48
    jb numbered
    imul eax, eax, 10
    add eax, ecx
    inc esi
    jmp digit
numbered:
    ret

; Signal EBX leads to the next round.
handle:
    mov dword [${scratch}], next
    mov dword [${scratch + 4}], ${handlerFlags}
    mov dword [${scratch + 8}], 0
    mov dword [${scratch + 12}], 0
    mov dword [${scratch + 16}], 0
    mov ecx, ${scratch}
    xor edx, edx
    mov esi, 8
    mov eax, ${call.rtSigaction}
    int 0x80
    ret

; The next random number in EAX.
random:
    mov eax, [${seed}]
    mov edx, eax
    shl edx, 13
    xor eax, edx
    mov edx, eax
    shr edx, 17
    xor eax, edx
    mov edx, eax
    shl edx, 5
    xor eax, edx
    mov [${seed}], eax
    ret
`;
}

/** A round, to which signals lead. */
function roundText(): string {
  return `
next:
    mov esp, ${area.stack + areaBytes / 2}
    push 0x202
    popfd
    mov eax, ds
    mov es, eax
    dec dword [${rounds}]
    js done
    ; Bytes, at a random place of the first 4 KiB.
    call random
    and eax, 0xfff
    lea edi, [eax + ${area.code}]
    mov ebp, edi
    mov ecx, 16
bytes:
    call random
    stosd
    loop bytes
    ; One round in four begins with an escape to the other map.
    call random
    test al, 3
    jnz plain
    mov byte [ebp], 0x0f
plain:
    ; Registers: half of them point into the data.
    mov ebx, 7
    mov esi, ${state + 64}
values:
    call random
    mov ecx, eax
    call random
    test al, 1
    jz wide
    and ecx, 0xfffc
    add ecx, ${area.data}
wide:
    mov [esi], ecx
    add esi, 4
    dec ebx
    jnz values
    ; The place of the bytes is where the last register would be; flags are those of arithmetic,
    ; DF and sometimes TF, AC and ID.
    mov [esi], ebp
    call random
    mov ecx, eax
    and eax, 0xcd5
    test ch, 0x70
    jnz mild
    and ecx, 0x240100
    or eax, ecx
mild:
    push eax
    mov eax, [${state + 64}]
    mov ecx, [${state + 68}]
    mov edx, [${state + 72}]
    mov ebx, [${state + 76}]
    mov ebp, [${state + 80}]
    mov esi, [${state + 84}]
    mov edi, [${state + 88}]
    popfd
    jmp dword [${state + 92}]
done:
    ${system(call.exit, 42)}
`;
}
