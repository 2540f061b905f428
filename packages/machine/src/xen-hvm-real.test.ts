/**
 * What a small kernel for Xen finds when it has 16-bit code in real mode emulated by the prefix of
 * forced emulation, and when it has not.
 */
import { hvmTestKernel } from './test-hvm-kernel.ts';
import { forced, hvmChecks } from './test-hvm-pieces.ts';
import { describeChecks } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { leaves } = hvmChecks;

/** Where the code is copied to, and its words: vector, frame, where to go on, failures. */
const codeAt = 0x8000;
const got = { vector: 0x7000, ip: 0x7002, flags: 0x7004, resume: 0x7006, failures: 0x7008 };
const vectors = [0, 1, 3, 4, 5, 6, 7, 12, 13, 0x20] as const;

/** A label of the copied code. */
const here = (label: string): string => `${label} - real_code + ${String(codeAt)}`;

let labels = 0;

/** Runs code that must come to a vector, with the saved IP at a label of it if one is named. */
const comesTo = (vector: number, code: string, at?: string): string => {
  const [bad, good, done] = ['bad', 'good', 'done'].map((name) => `real_${name}_${++labels}`);
  return `        mov word [${got.resume}], ${here(good ?? '')}
        mov word [${got.vector}], 0xff
${code}
${bad}: inc word [${got.failures}]
        jmp ${done}
${good}: cmp word [${got.vector}], ${vector}
        jne ${bad}
${at === undefined ? '' : `        cmp word [${got.ip}], ${here(at)}\n        jne ${bad}`}
${done}:`;
};

/** Runs code that must leave a register so. */
const has = (code: string, register: string, value: number): string => {
  const [bad, done] = ['bad', 'done'].map((name) => `real_${name}_${++labels}`);
  return `        mov word [${got.resume}], ${here(bad ?? '')}
${code}
        cmp ${register}, ${value}
        je ${done}
${bad}: inc word [${got.failures}]
${done}:`;
};

const bothWays = (check: (prefix: string) => string): string =>
  `${check('')}\n${check(`${forced}\n`)}`;

/** A kernel's check: goes to real mode, does what is there, and comes back. */
const inRealMode = (code: string): string => `        jmp behind_real
        align 8
real_gdt:
        dd 0, 0, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300
        dd 0x0000ffff, 0x00009b00, 0x0000ffff, 0x00009300
real_place:
        dw 39
        dd real_gdt
        bits 16
real_code:
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0:${here('real_start')}
real_idt:
        dw 0x3ff
        dd 0
${vectors
  .map(
    (vector) => `real_trap_${vector}:
        mov word [cs:${got.vector}], ${vector}
        jmp real_caught`,
  )
  .join('\n')}
real_caught:
        push 0
        pop ds
        pop word [${got.ip}]
        add sp, 2
        pop word [${got.flags}]
        push 0
        pop es
        push 0
        pop ss
        mov sp, 0x7c00
        jmp word [${got.resume}]
real_start:
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        lidt [${here('real_idt')}]
        mov word [${got.failures}], 0
${vectors
  .map((vector) => `        mov dword [${vector * 4}], ${here(`real_trap_${vector}`)}`)
  .join('\n')}
${code}
        mov eax, cr0
        or al, 1
        mov cr0, eax
        db 0x66, 0xea
        dd real_back
        dw 8
real_end:
        bits 32
behind_real:
        mov esi, real_code
        mov edi, ${codeAt}
        mov ecx, real_end - real_code
        rep movsb
        lgdt [real_place]
        mov eax, 32
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        jmp 0x18:${codeAt}
real_back:
        mov eax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, stack_end
        lidt [idt_place]
${leaves('', `word [${got.failures}]`, 0)}`;

const checks: NamedChecks = {
  'what stands behind the prefix, and the prefix alone': [
    inRealMode(
      [
        bothWays((prefix) => has(`${prefix}        mov ax, 77`, 'ax', 77)),
        bothWays((prefix) => has(`${prefix}        mov eax, 0x12345678`, 'eax', 0x1234_5678)),
        bothWays((prefix) =>
          has(`        mov eax, 0x40000000\n${prefix}        cpuid`, 'ebx', 0x566e_6558),
        ),
        comesTo(6, 'real_ud:\n        ud2', 'real_ud'),
        comesTo(6, '        ud2\n        db 0x78, 0x65, 0x6f'),
        comesTo(6, `${forced}\nreal_forced_ud:\n        ud2`, 'real_forced_ud'),
        // VMCALL is for the kernel, which is what real mode is.
        bothWays((prefix) =>
          has(
            `        mov eax, 17\n        xor ebx, ebx\n${prefix}        db 0x0f, 0x01, 0xc1`,
            'eax',
            0x4_0011,
          ),
        ),
      ].join('\n'),
    ),
  ],
  'software interrupts, by the table at address 0': [
    inRealMode(
      [
        ...(
          [
            [3, 'int3'],
            [3, 'db 0xcd, 3'],
            [1, 'db 0xf1'],
            [0x20, 'int 0x20'],
            [13, 'int 13'],
          ] as const
        ).map(([vector, instruction]) =>
          bothWays((prefix) => {
            const at = `real_after_${++labels}`;
            return comesTo(vector, `${prefix}        ${instruction}\n${at}:`, at);
          }),
        ),
        bothWays((prefix) => {
          const at = `real_after_${++labels}`;
          return comesTo(
            4,
            `        mov al, 0x7f\n        add al, 1\n${prefix}        into\n${at}:`,
            at,
          );
        }),
        bothWays((prefix) => {
          const at = `real_at_${++labels}`;
          return comesTo(0, `        xor cl, cl\n${prefix}${at}:\n        div cl`, at);
        }),
        // Beyond the table.
        `        mov word [${here('real_idt')}], 0x7f\n        lidt [${here('real_idt')}]`,
        bothWays((prefix) => {
          const at = `real_at_${++labels}`;
          return comesTo(13, `${prefix}${at}:\n        int 0x20`, at);
        }),
        `        mov word [${here('real_idt')}], 0x3ff\n        lidt [${here('real_idt')}]`,
      ].join('\n'),
    ),
  ],
  'the end of a segment, at 64 KiB': [
    inRealMode(
      [
        ...[
          [13, 'mov ax, [0xffff]'],
          [13, 'mov [0xfffd], eax'],
          [13, 'inc dword [0xffff]'],
          [12, 'mov ax, [bp]'],
          [13, 'mov ax, [ds:bp]'],
          [13, 'mov al, [edi]'],
          [13, 'lodsw'],
          [13, 'movsd'],
        ].map(([vector, instruction]) =>
          bothWays((prefix) =>
            comesTo(
              Number(vector),
              `        mov bp, 0xffff
        mov si, 0xffff
        mov edi, 0x10000
${prefix}        ${String(instruction)}`,
            ),
          ),
        ),
        // Below it all is well, and addresses of 16 bits wrap around.
        `        mov word [0xfffe], 0x1234\n        mov byte [2], 0x56`,
        bothWays((prefix) => has(`${prefix}        mov ax, [0xfffe]`, 'ax', 0x1234)),
        bothWays((prefix) =>
          has(
            `        mov bx, 0xffff\n        mov si, 3\n${prefix}        mov al, [bx + si]`,
            'al',
            0x56,
          ),
        ),
      ].join('\n'),
    ),
  ],
  "what is the kernel's in protected mode": [
    inRealMode(
      [
        ...['clts', 'invlpg [0]', 'wbinvd', 'cli', 'mov ecx, cr0', 'in al, 0x80'].map((line) =>
          bothWays((prefix) => has(`        mov bx, 5\n${prefix}        ${line}`, 'bx', 5)),
        ),
        bothWays((prefix) => has(`${prefix}        smsw ax\n        and ax, 1`, 'ax', 0)),
        bothWays((prefix) =>
          has(`${prefix}        lmsw ax\n        smsw ax\n        and ax, 1`, 'ax', 0),
        ),
        ...['lldt ax', 'ltr ax', 'sldt ax', 'str ax', 'verr ax', 'lar ax, ax', 'arpl ax, ax'].map(
          (line) => bothWays((prefix) => comesTo(6, `${prefix}        ${line}`)),
        ),
      ].join('\n'),
    ),
  ],
};

describeChecks('a PVH kernel in real mode', { machine: 'pvh', kernel: hvmTestKernel }, checks);
