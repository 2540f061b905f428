/** What a paravirtual kernel for Xen whose address space begins at 0 finds when it starts. */
import { lowPvBase, pvTestKernel } from './test-pv-kernel.ts';
import { pvChecks } from './test-pv-pieces.ts';
import { describeChecks } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { call, faults, leaves } = pvChecks;

const checks: NamedChecks = {
  'its memory from address 0 on, and can take the first page away': [
    leaves('        mov eax, [0]', 'eax', 0),
    call(14, ['ebx, 0', 'ecx, 0', 'edx, 0', 'esi, 2'], 0),
    faults('        mov eax, [0]', 14, 0),
    faults('        mov dword [4], 1', 14, 2),
    leaves('        mov eax, cr2', 'eax', 4),
  ],
  'machine frames, and its own by them': [
    leaves(
      `        mov esi, [start_info]
        mov esi, [esi + 68]
        mov eax, [esi + 4 * 256]
        mov eax, [0xf5800000 + eax * 4]`,
      'eax',
      256,
    ),
  ],
  'that it may have page directories above 4 GiB, as its note says': [
    `        mov dword [argument], 0\n${call(17, ['ebx, 6', 'ecx, argument'], 0)}`,
    leaves('        mov eax, [argument + 4]\n        and eax, 0x10', 'eax', 0x10),
  ],
  'segments, flags and a stack': [
    leaves(
      '        mov eax, ds\n        mov ebx, ss\n        shl ebx, 16\n        add eax, ebx',
      'eax',
      0xe021_e021 | 0,
    ),
    leaves(
      '        mov eax, es\n        mov ebx, fs\n        shl ebx, 16\n        add eax, ebx',
      'eax',
      0xe021_e021 | 0,
    ),
    leaves(
      '        mov eax, cs\n        mov ebx, gs\n        shl ebx, 16\n        add eax, ebx',
      'eax',
      0xe021_e019 | 0,
    ),
    leaves('        pushfd\n        pop eax\n        and eax, 0x3f700', 'eax', 0x200),
  ],
};

const kernel = (list: readonly string[]): Uint8Array => pvTestKernel(list, lowPvBase);
describeChecks('a kernel in low memory', { machine: 'xenpv', kernel }, checks);
