/**
 * Pieces of small kernels for Xen that check a fact each: `fail` is called where it does not hold.
 */

/** Makers of checks. */
export interface XenChecks {
  /** Makes a call and expects what it returns. */
  call(number: number, registers: readonly string[], result: number): string;
  /** Runs code that must fault so; code after it is not reached. */
  faults(code: string, vector: number, error?: number): string;
  /** Runs code that must leave a register so. */
  leaves(code: string, register: string, value: number | string): string;
}

/** Returns the makers for kernels that call their hypervisor by an instruction. */
export function checksBy(hypercall: string): XenChecks {
  let labels = 0;
  return {
    call: (number, registers, result) => {
      const ok = `call_${String(++labels)}`;
      return `${registers.map((load) => `        mov ${load}`).join('\n')}
        mov eax, ${String(number)}
        ${hypercall}
        cmp eax, ${String(result)}
        je ${ok}
        call fail
${ok}:`;
    },
    faults: (code, vector, error = 0) => {
      const number = String(++labels);
      const [bad, good, done] = [`bad_${number}`, `good_${number}`, `done_${number}`];
      return `        mov dword [resume], ${good}
        mov dword [got_vector], 0xff
        mov dword [got_error], 0
${code}
${bad}: call fail
        jmp ${done}
${good}: cmp dword [got_vector], ${String(vector)}
        jne ${bad}
        cmp dword [got_error], ${String(error)}
        jne ${bad}
${done}:`;
    },
    leaves: (code, register, value) => {
      const number = String(++labels);
      const [ok, bad] = [`ok_${number}`, `bad_${number}`];
      return `        mov dword [resume], ${bad}
${code}
        cmp ${register}, ${String(value)}
        je ${ok}
${bad}: call fail
${ok}:`;
    },
  };
}
