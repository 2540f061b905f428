import { describe, expect, it } from 'vitest';
import { decodeInto } from './decode-into.ts';
import { formatAtt } from './format-att.ts';
import { formatIntel } from './format-intel.ts';
import { Instruction } from './instruction.ts';

describe('formatIntel and formatAtt', () => {
  it.each([
    [
      32,
      'f0 01 4c 8b 10',
      'lock add dword ptr [ebx+ecx*4+0x10], ecx',
      'lock add %ecx, 0x10(%ebx,%ecx,4)',
    ],
    [32, '83 00 ff', 'add dword ptr [eax], 0xffffffff', 'addl $0xffffffff, (%eax)'],
    [32, 'f3 a5', 'rep movsd dword ptr [edi], dword ptr [esi]', 'rep movsl (%esi), (%edi)'],
    [32, 'f2 ae', 'repne scasb byte ptr [edi]', 'repne scasb (%edi)'],
    [32, '65 a1 14 00 00 00', 'mov eax, dword ptr gs:[0x14]', 'mov %gs:0x14, %eax'],
    [
      32,
      '8b 04 8d 00 00 00 f0',
      'mov eax, dword ptr [ecx*4-0x10000000]',
      'mov -0x10000000(,%ecx,4), %eax',
    ],
    [32, '75 fe', 'jne 0x1000', 'jne 0x1000'],
    [32, 'ff 14 85 00 10 00 00', 'call dword ptr [eax*4+0x1000]', 'calll *0x1000(,%eax,4)'],
    [32, '0f b6 c3', 'movzx eax, bl', 'movzbl %bl, %eax'],
    [32, 'dc e1', 'fsubr st(1), st', 'fsub %st, %st(1)'],
    [32, 'db 28', 'fld tbyte ptr [eax]', 'fldt (%eax)'],
    [16, 'ea 34 12 00 f0', 'jmp far 0xf000:0x1234', 'ljmp $0xf000, $0x1234'],
    [64, '48 8d 05 f0 ff ff ff', 'lea rax, [rip-0x10]', 'lea -0x10(%rip), %rax'],
    [
      64,
      '48 b8 ef cd ab 89 67 45 23 01',
      'mov rax, 0x123456789abcdef',
      'movabs $0x123456789abcdef, %rax',
    ],
    [64, '48 98', 'cdqe', 'cltq'],
    [64, '66 0f 3a 0f c1 08', 'palignr xmm0, xmm1, 0x8', 'palignr $0x8, %xmm1, %xmm0'],
  ] as const)('write %i-bit %s as "%s" and "%s"', (bits, text, intel, att) => {
    const bytes = Uint8Array.from(text.split(' '), (byte) => parseInt(byte, 16));
    const instruction = new Instruction();
    decodeInto(instruction, bytes, 0, bytes.length, bits);
    expect(formatIntel(instruction, 0x1000n)).toBe(intel);
    expect(formatAtt(instruction, 0x1000n)).toBe(att);
  });

  it('write what is no instruction as bad', () => {
    expect(formatIntel(new Instruction())).toBe('(bad)');
    expect(formatAtt(new Instruction())).toBe('(bad)');
  });
});
