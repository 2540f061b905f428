/** Pieces of checks of a paravirtual kernel for Xen. */
import { checksBy } from './test-xen-checks.ts';
import type { XenChecks } from './test-xen-checks.ts';

/** Makers of checks for such a kernel. */
export const pvChecks: XenChecks = checksBy('int 0x82');
const { call } = pvChecks;

/** The entry of a page of the kernel's, as an operand; ESI is its address. */
export const leafOf = (label: string): string => `        mov esi, ${label} - 0xc0000000
        shr esi, 12
        shl esi, 3
        add esi, [leaf_table]`;

/** Gives the kernel, or its programs, I/O privilege. */
export const setIopl = (level: number): string =>
  `        mov dword [argument], ${level}\n${call(33, ['ebx, 6', 'ecx, argument'], 0)}`;

/** Goes to ring 3 by the hypercall iret, with flags. */
export const user = (label: string, flags: number = 0x200): string => `        push 0xe033
        push user_stack + 0x800
        push ${flags}
        push 0xe02b
        push ${label}
        push 0
        mov eax, 23
        int 0x82`;

/** Lets programs touch a page. */
export const openPage = (label: string): string => `${leafOf(label)}
        mov ecx, [esi]
        or ecx, 4
        mov edx, [esi + 4]
${call(14, [`ebx, ${label}`, 'esi, 2'], 0)}`;

/** Lets the kernel only read a page of its own; `argument` has its frame. */
export const readOnly = (label: string): string => `${leafOf(label)}
        mov ecx, [esi]
        and ecx, -3
        mov eax, ecx
        shr eax, 12
        mov [argument], eax
${call(14, [`ebx, ${label}`, 'edx, 0', 'esi, 2'], 0)}`;

/** Maps the shared page in the place of a page of the kernel's. */
export const mapShared = (label: string): string => `        mov eax, [start_info]
        mov ecx, [eax + 36]
        or ecx, 3
${call(14, [`ebx, ${label}`, 'edx, 0', 'esi, 2'], 0)}`;

/** Returns from a handler that pushed EAX first, by the hypercall iret. */
export const returns = `        mov eax, 23
        int 0x82`;

/** Code that is only jumped to, under its own label. */
export const aside = (label: string, code: string): string => `        jmp behind_${label}
${label}:
${code}
behind_${label}:`;

/** Registers a callback of a kind. */
export const callback = (
  type: number,
  label: string,
): string => `        mov dword [argument], ${type}
        mov dword [argument + 4], 0xe019
        mov dword [argument + 8], ${label}
${call(30, ['ebx, 0', 'ecx, argument'], 0)}`;
