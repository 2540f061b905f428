/** Code that patches its own constants, whose records follow, and what looks like it and is not. */
import { describe, expect, it } from 'vitest';
import { registersOf, runEverywhere, runTier, tiers } from './test-tiers.ts';

/** EDX after a program of 3000 rounds, counted down in ECX, with a part of its own in each. */
function edxOf(round: string, begin = ''): number {
  const text = `
main:   mov ecx, 3000
        xor edx, edx
        xor ebx, ebx
        ${begin}
again:  ${round}
        dec ecx
        jnz again
        hlt`;
  const ends = [...runEverywhere({ text }).values()].map((parts) => registersOf(parts)['edx'] ?? 0);
  expect(new Set(ends).size).toBe(1);
  return (ends[0] ?? 0) | 0;
}

function sum(value: (count: number) => number): number {
  let all = 0;
  for (let count = 3000; count > 0; count--) all = (all + value(count)) | 0;
  return all;
}

describe('a constant that is patched', () => {
  it('is an immediate, right behind the store and in a loop of its own', () => {
    expect(edxOf('mov [site + 1], ecx\nsite: mov eax, 0\nadd edx, eax')).toBe(sum((n) => n));
    const inner = `mov [site + 2], ecx
        mov esi, 3
inner:
site:   add edx, 0x12345678
        dec esi
        jnz inner`;
    expect(edxOf(inner)).toBe(sum((n) => 3 * n));
  });

  it('is one byte of an immediate', () => {
    expect(edxOf('mov [site + 2], cl\nsite: add edx, 0x12345600')).toBe(
      sum((n) => 0x1234_5600 + (n & 0xff)),
    );
  });

  it('is the displacement of an operand in memory', () => {
    const begin = 'mov esi, 0x9000\nmov dword [esi], 5\nmov dword [esi + 4], 9';
    const round = `mov eax, ecx
        and eax, 1
        shl eax, 2
        mov [site + 2], al
site:   add edx, [esi + 4]`;
    expect(edxOf(round, begin)).toBe(sum((n) => ((n & 1) === 1 ? 9 : 5)));
  });

  it('is the distance of a branch', () => {
    const round = `mov eax, ecx
        and eax, 1
        shl eax, 1
        mov [site + 1], al
        stc
site:   jc one
one:    inc edx
        inc edx
        inc edx`;
    // INC EDX has one byte: a distance of 2 leaves two of them out.
    expect(edxOf(round)).toBe(sum((n) => ((n & 1) === 1 ? 1 : 3)));
  });

  it('has its record follow, and nothing else stale', () => {
    const text = `
main:   mov ecx, 3000
        xor edx, edx
again:  mov [site + 1], ecx
site:   mov eax, 0
        add edx, eax
        dec ecx
        jnz again
        hlt`;
    for (const tier of tiers.filter(({ accel }) => accel === 'interpreter')) {
      const { amendments, invalidations } = runTier(tier, { text }).cpu.cache.statistics;
      expect(amendments).toBeGreaterThan(2900);
      expect(invalidations.write).toBeLessThan(10);
    }
  });
});

describe('what is no constant', () => {
  it('is an opcode of the same length', () => {
    // 05 ADD EAX, 2D SUB EAX.
    const round = `mov eax, ecx
        and eax, 1
        neg eax
        and eax, 0x28
        add eax, 5
        mov [site], al
        mov eax, edx
site:   db 0x05, 7, 0, 0, 0
        mov edx, eax`;
    expect(edxOf(round)).toBe(sum((n) => ((n & 1) === 1 ? -7 : 7)));
  });

  it('is a register in ModRM', () => {
    // 01 DA is ADD EDX, EBX; 01 C2 is ADD EDX, EAX, which holds 0xC2 then.
    const round = `mov eax, ecx
        and eax, 1
        neg eax
        and eax, 0x18
        xor eax, 0xda
        mov [site + 1], al
site:   db 0x01, 0xda`;
    expect(edxOf(round, 'mov ebx, 3')).toBe(sum((n) => ((n & 1) === 1 ? 0xc2 : 3)));
  });

  it('is a shift count that becomes none, behind which flags are read', () => {
    const round = `mov eax, ecx
        and eax, 1
        mov [site + 2], al
        mov ebx, 0x80000000
        xor eax, eax
        stc
site:   shl ebx, 5
        adc edx, 0`;
    // By none the carry stays set, by one it is the highest bit: one both times.
    expect(edxOf(round)).toBe(3000);
    expect(edxOf(round.replace('0x80000000', '1'))).toBe(sum((n) => ((n & 1) === 1 ? 0 : 1)));
  });

  it('is a constant and the opcode behind it at once', () => {
    // B8 imm32, then 42 INC EDX or 4A DEC EDX.
    const round = `mov eax, ecx
        and eax, 1
        shl eax, 27
        or eax, 0x42000000
        mov [site + 2], eax
site:   mov eax, 0
        inc edx`;
    expect(edxOf(round)).toBe(sum((n) => ((n & 1) === 1 ? -1 : 1)));
  });

  it('is an instruction with another one within it, which runs too', () => {
    // B8 40 40 40 40: from its second byte on it is INC EAX four times; 48 is DEC EAX.
    const round = `mov eax, ecx
        and eax, 1
        shl eax, 3
        or eax, 0x40
        mov [site + 4], al
        xor eax, eax
        test ecx, 2
        jz site + 1
site:   db 0xb8, 0x40, 0x40, 0x40, 0x40
        add edx, eax`;
    expect(edxOf(round)).toBe(
      sum((n) => {
        const last = (n & 1) === 1 ? 0x48 : 0x40;
        if ((n & 2) !== 0) return (last << 24) | 0x40_4040;
        return last === 0x48 ? 2 : 4;
      }),
    );
  });
});
