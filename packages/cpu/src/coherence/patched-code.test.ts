/** Code that is patched as kernels, decompressors and JIT compilers do it, in every tier. */
import { describe, expect, it } from 'vitest';
import { gate } from './test-system.ts';
import { registersOf, runEverywhere, runTier, tiers } from './test-tiers.ts';

const sumTo = (count: number, value: (index: number) => number): number =>
  Array.from({ length: count }, (_, index) => value(index)).reduce((sum, each) => sum + each, 0);

describe('a five-byte site', () => {
  it('becomes a jump and a no-operation again, as static keys do it', () => {
    // 0F 1F 44 00 00 is the NOP, E9 and a displacement the jump: one byte, then the other four.
    const text = `
main:   mov ecx, 20000
        xor edx, edx
again:  test ecx, 0xff
        jnz site
        call toggle
site:   db 0x0f, 0x1f, 0x44, 0, 0
        add edx, 1
back:   dec ecx
        jnz again
        hlt
taken:  add edx, 2
        jmp back
toggle: cmp byte [site], 0xe9
        je off
        mov byte [site], 0xe9
        mov dword [site + 1], taken - back + (back - site - 5)
        ret
off:    mov dword [site], 0x00441f0f
        mov byte [site + 4], 0
        ret`;
    let jumps = false;
    let sum = 0;
    for (let count = 20_000; count > 0; count--) {
      if ((count & 0xff) === 0) jumps = !jumps;
      sum += jumps ? 2 : 1;
    }
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });

  it('has one byte of its displacement changed', () => {
    const text = `
main:   mov ecx, 20000
        xor edx, edx
again:  test ecx, 0x1ff
        jnz site
        xor byte [site + 1], 3
site:   db 0xe9, 0, 0, 0, 0
        add edx, 1
        add edx, 4
        dec ecx
        jnz again
        hlt`;
    let skips = false;
    let sum = 0;
    for (let count = 20_000; count > 0; count--) {
      if ((count & 0x1ff) === 0) skips = !skips;
      sum += skips ? 4 : 5;
    }
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });

  it('runs while its first byte is INT3 and the others are being written, as ftrace does', () => {
    const text = `
main:   ${gate(3, 'breakpoint')}
        mov ecx, 6000
        xor edx, edx
        xor ebx, ebx
again:  mov eax, ecx
        and eax, 0x1f
        cmp eax, 5
        jne not_first
        mov byte [site], 0xcc
not_first:
        cmp eax, 4
        jne not_second
        xor dword [site + 1], 0x10101
not_second:
        cmp eax, 3
        jne site
        call first_byte
site:   db 0x0f, 0x1f, 0x44, 0, 0
        add edx, 1
back:   dec ecx
        jnz again
        hlt
first_byte:
        cmp byte [is_jump], 0
        jne make_nop
        mov dword [site + 1], taken - back + (back - site - 5)
        mov byte [site], 0xe9
        mov byte [is_jump], 1
        ret
make_nop:
        mov dword [site + 1], 0x0000441f
        mov byte [site], 0x0f
        mov byte [is_jump], 0
        ret
taken:  add edx, 16
        jmp back
breakpoint:
        inc ebx
        add dword [esp], 4
        iretd
is_jump: db 0`;
    let mode: 'nop' | 'jump' | 'trap' = 'nop';
    let jumps = false;
    let sum = 0;
    let traps = 0;
    for (let count = 6000; count > 0; count--) {
      const low = count & 0x1f;
      if (low === 5) mode = 'trap';
      if (low === 3) {
        jumps = !jumps;
        mode = jumps ? 'jump' : 'nop';
      }
      if (mode === 'trap') traps += 1;
      sum += mode === 'jump' ? 16 : 1;
    }
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)).toMatchObject({ edx: sum, ebx: traps });
    }
  });
});

describe('data beside code', () => {
  const text = `
main:   mov ecx, 30000
        xor edx, edx
again:  add edx, ecx
        mov [counter], edx
        inc dword [counter + 4]
        xor edx, [counter + 4]
        dec ecx
        jnz again
        hlt
counter: dd 0, 0`;

  it('may be written all the time without making the code anew', () => {
    for (const [{ accel, name }, parts] of runEverywhere({ text })) {
      // What is behind HLT is taken for code until it is written, at most a few times.
      expect(parts.cpu.cache.statistics.records, name).toBeLessThan(500);
      expect(parts.cpu.cache.statistics.invalidations.write, name).toBeLessThan(30);
      if (accel === 'interpreter') continue;
      expect(parts.cpu.regions?.statistics.dropped, name).toBeLessThan(8);
      expect(parts.cpu.regions?.statistics.regions, name).toBeLessThan(10);
    }
    const [tier] = tiers.filter(({ atOnce }) => atOnce);
    if (tier === undefined) throw new Error('there is no tier that translates at once');
    const { cpu } = runTier(tier, { text });
    const translated = cpu.regions?.statistics.instructions ?? 0;
    // The region leaves two of the six instructions, which write there, to their handlers.
    expect(translated / cpu.instructions).toBeGreaterThan(0.5);
    expect(cpu.regions?.statistics.givenUp).toBeLessThan(cpu.instructions / 10);
  });

  it('that is code too, now and then, ends in no storm of translations', () => {
    const storm = `
main:   mov ecx, 50000
        xor edx, edx
again:  mov [site + 1], ecx
        add edx, 7
site:   mov ebx, 0
        add edx, ebx
        dec ecx
        jnz again
        hlt`;
    for (const [{ accel, name }, parts] of runEverywhere({ text: storm })) {
      if (accel === 'interpreter') continue;
      // One write a round, and at most a small number of translations in 50,000 of them.
      expect(parts.cpu.regions?.statistics.regions, name).toBeLessThan(100);
    }
  });
});

describe('a page that is freed and used for another program', () => {
  it('runs what it holds now', () => {
    const text = `
main:   mov ebp, 60
        xor edx, edx
round:  mov esi, first
        test ebp, 1
        jz copy
        mov esi, second
copy:   mov edi, 0x30000
        mov ecx, 16
        rep movsd
        mov ecx, 300
        mov eax, 0x30000
        call eax
        dec ebp
        jnz round
        hlt
        align 64
first:  add edx, 1
        xor ebx, ecx
        loop first
        ret
        align 64
second: inc ebx
        add edx, ecx
        sub edx, 1
        dec ecx
        jnz second
        ret
        align 64
        times 64 nop`;
    const sum = 30 * 300 + 30 * ((300 * 301) / 2 - 300);
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });
});

describe('code that writes code', () => {
  it('unpacks a program over the place it came from, again and again', () => {
    // Each byte of the packed program is the difference to the one before.
    const plain = [0x01, 0xca, 0x43, 0x49, 0x75, 0xfa, 0xc3]; // add edx, ecx; inc ebx; loop; ret
    const packed = plain.map((byte, index) => (byte - (plain[index - 1] ?? 0)) & 0xff);
    const text = `
main:   mov ebp, 100
        xor edx, edx
        xor ebx, ebx
round:  mov esi, packed
        mov edi, 0x31000
        mov ecx, ${plain.length}
        xor eax, eax
unpack: add al, [esi]
        inc esi
        stosb
        loop unpack
        mov ecx, 50
        mov eax, 0x31000
        call eax
        ; The unpacked program is destroyed before it is unpacked again.
        mov edi, 0x31000
        mov ecx, ${plain.length}
        mov al, 0xf4
        rep stosb
        dec ebp
        jnz round
        hlt
packed: db ${packed.join(', ')}`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)).toMatchObject({ edx: 100 * ((50 * 51) / 2), ebx: 5000 });
    }
  });

  it('compiles a function at the next free place, runs it, and begins again at the first', () => {
    const text = `
main:   mov ebp, 400
        mov edi, 0x32ff0
        xor edx, edx
round:  mov esi, edi
        mov byte [edi], 0xb9
        mov dword [edi + 1], 20
        mov word [edi + 5], 0xc281
        mov [edi + 7], ebp
        mov byte [edi + 11], 0x49
        mov word [edi + 12], 0xf775
        mov byte [edi + 14], 0xc3
        add edi, 15
        call esi
        cmp edi, 0x33800
        jb more
        mov edi, 0x32ff0
more:   dec ebp
        jnz round
        hlt`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(20 * sumTo(400, (index) => index + 1));
    }
  });

  it('changes the instruction that it is going to run next, round and round', () => {
    const text = `
main:   mov ecx, 4000
        xor edx, edx
again:  xor byte [site], 8    ; INC EBX is 43h, DEC EBX 4Bh
site:   inc ebx
        add edx, ebx
        dec ecx
        jnz again
        hlt`;
    for (const parts of runEverywhere({ text }).values()) {
      // DEC comes first: -1, 0, -1, 0, ...
      expect(registersOf(parts)).toMatchObject({ ebx: 0, edx: -2000 >>> 0 });
    }
  });
});
