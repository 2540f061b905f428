import { describe, expect, it } from 'vitest';
import { decode } from './decode.ts';

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (byte) => parseInt(byte, 16));
}

describe('decode', () => {
  it('gives names, operands and text', () => {
    const result = decode(bytesOf('8b 44 8b f0'), { bits: 32 });
    expect(result).toMatchObject({
      valid: true,
      length: 4,
      mnemonic: 'MOV',
      text: 'mov eax, dword ptr [ebx+ecx*4-0x10]',
      operands: [
        { kind: 'register', name: 'eax', bytes: 4 },
        {
          kind: 'memory',
          segment: 'ds',
          base: 'ebx',
          index: 'ecx',
          scale: 4,
          displacement: -16n,
          bytes: 4,
        },
      ],
    });
  });

  it('counts branch targets from the address given, cut to the operand size', () => {
    const result = decode(bytesOf('eb fe'), { bits: 16, ip: 0x7c00n });
    expect(result).toMatchObject({ operands: [{ kind: 'target', address: 0x7c00n }] });
    const wrapped = decode(bytesOf('eb 10'), { bits: 16, ip: 0xfff8n });
    expect(wrapped).toMatchObject({ operands: [{ kind: 'target', address: 0x000an }] });
  });

  it('shows both operands of a string instruction as memory', () => {
    expect(decode(bytesOf('64 f3 a5'), { bits: 32 })).toMatchObject({
      mnemonic: 'MOVSD',
      operands: [
        { kind: 'memory', segment: 'es', base: 'edi' },
        { kind: 'memory', segment: 'fs', base: 'esi' },
      ],
    });
  });

  it('gives a 64-bit offset unsigned', () => {
    expect(decode(bytesOf('48 a1 00 00 00 00 00 00 00 ff'), { bits: 64 })).toMatchObject({
      operands: [{ name: 'rax' }, { kind: 'memory', displacement: 0xff00000000000000n }],
    });
  });

  it.each([
    ['0f a6 c0', 'opcode'],
    ['f0 90', 'lock'],
    ['0f', 'truncated'],
    [`${'66 '.repeat(15)}90`, 'length'],
  ])('says why %s is no instruction: %s', (text, reason) => {
    expect(decode(bytesOf(text), { bits: 32 })).toEqual({ valid: false, reason });
  });
});
