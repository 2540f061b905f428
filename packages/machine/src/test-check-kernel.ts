/**
 * What small kernels of checks for Xen have in common, as assembly: each check that fails is
 * counted and its number printed, then the result.
 */

/** Vectors of such kernels for which the processor pushes an error code. */
const withError: ReadonlySet<number> = new Set([11, 12, 13, 14, 17]);

/** Vectors of exceptions that are caught. */
export const caughtVectors: readonly number[] = [0, 1, 3, 4, 6, 7, 11, 12, 13, 14, 17];

/** What is a kernel's own. */
export interface CheckKernelParts {
  /** The instruction by which it calls Xen. */
  readonly hypercall: string;
  /** What it does before the first check; `entry` is its label. */
  readonly start: string;
  /** Vectors that end a check: the handlers are `trap_N`. */
  readonly vectors: readonly number[];
  /** What each handler does first. */
  readonly handlerStart?: string;
  readonly checks: readonly string[];
  /** What else stands in memory. */
  readonly data: string;
}

/** Returns the text of a kernel. */
export function checkKernelText(parts: CheckKernelParts): string {
  const { hypercall, start, vectors, handlerStart = '', checks, data } = parts;
  const handlers = vectors.map((vector) => {
    const error = withError.has(vector) ? 'pop dword [got_error]' : '';
    const got = `        mov dword [got_vector], ${String(vector)}`;
    const frame = ['eip', 'cs', 'eflags'].map((name, index) => {
      return `        push dword [esp + ${String(index * 4)}]\n        pop dword [got_${name}]`;
    });
    return `trap_${String(vector)}:
${handlerStart}
${got}
        ${error}
${frame.join('\n')}
        jmp trap_end`;
  });
  const numbered = checks.map((check, index) => {
    return `        mov dword [check_number], ${String(index + 1)}\n${check}`;
  });
  return `
entry:  cld
${start}
        mov [saved_esp], esp
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
        ${hypercall}
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
        ${hypercall}
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

        align 8
saved_esp: dd 0
resume: dd 0
got_vector: dd 0
got_error: dd 0
got_eip: dd 0
got_cs: dd 0
got_eflags: dd 0
failures: dd 0
check_number: dd 0
argument: dd 0, 0, 0, 0, 0, 0, 0, 0
seen:   dd 0, 0, 0, 0, 0, 0, 0, 0
text_number: db 'Check    failed', 13, 10, 0
text_before: db 'before', 13, 10, 0
text_success: db 'Test result: SUCCESS', 13, 10, 0
text_failure: db 'Test result: FAILURE', 13, 10, 0
${data}`;
}
