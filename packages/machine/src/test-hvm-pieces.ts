/** Pieces of checks of a translated kernel for Xen. */
import { vmcall } from './test-hvm-kernel.ts';
import { checksBy } from './test-xen-checks.ts';
import type { XenChecks } from './test-xen-checks.ts';

/** Makers of checks for such a kernel. */
export const hvmChecks: XenChecks = checksBy(vmcall);
const { call } = hvmChecks;

/** A parameter: its index in `argument + 4`, what is read or written behind it. */
export const param = (operation: number, index: number, result: number, domain = 0x7ff0): string =>
  `        mov dword [argument], ${String(domain)}
        mov dword [argument + 4], ${String(index)}
${call(34, [`ebx, ${String(operation)}`, 'ecx, argument'], result)}`;

/** Has a page of Xen's (shared page 0, grant frames 1) stand in the place of the kernel's. */
export const mapXenPage = (space: number, label: string): string =>
  `        mov dword [argument], 0x7ff0
        mov dword [argument + 4], ${String(space)}
        mov dword [argument + 8], 0
        mov eax, ${label}
        shr eax, 12
        mov [argument + 12], eax
${call(12, ['ebx, 7', 'ecx, argument'], 0)}`;

/** Has the shared page stand at `page_free`. */
export const mapShared: string = mapXenPage(0, 'page_free');
