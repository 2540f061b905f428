/** Calls, returns and jumps between regions and within them, in every tier. */
import { describe, expect, it } from 'vitest';
import { registersOf, runEverywhere } from './test-tiers.ts';

/** Too long to be copied into the region of its caller. */
const longBody = 'add edx, 1\n'.repeat(60);

describe('a call', () => {
  it('comes back from a callee that is copied', () => {
    const text = `
main:   mov ecx, 30000
        xor edx, edx
again:  call add3
        call add3
        dec ecx
        jnz again
        hlt
add3:   push ecx
        call add2
        pop ecx
        inc edx
        ret
add2:   add edx, 2
        ret`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(30_000 * 6);
    }
  });

  it('comes back from a callee with a region of its own', () => {
    const text = `
main:   mov ecx, 20000
        xor edx, edx
again:  mov eax, long
        call eax
        call long
        dec ecx
        jnz again
        hlt
long:   ${longBody}
        ret`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(20_000 * 120);
    }
  });

  it('nests deeper than regions may wait for each other', () => {
    const text = `
main:   mov ecx, 300
        xor edx, edx
again:  mov eax, 500
        call down
        dec ecx
        jnz again
        hlt
down:   ${longBody}
        dec eax
        jz up
        call down
up:     ${longBody}
        ret`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(300 * 500 * 120);
    }
  });

  it('is left for good by a callee that drops its return address', () => {
    const text = `
main:   mov ecx, 20000
        xor edx, edx
again:  call leaver
        add edx, 1000
elsewhere:
        add edx, 1
        dec ecx
        jnz again
        hlt
leaver: ${longBody}
        test ecx, 1
        jz stays
        add esp, 4
        jmp elsewhere
stays:  ret`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(20_000 * 61 + 10_000 * 1000);
    }
  });

  it('returns to where its callee says', () => {
    const text = `
main:   mov ecx, 20000
        xor edx, edx
again:  call short
        add edx, 1000
        dec ecx
        jnz again
        hlt
short:  test ecx, 3
        jnz plain
        add dword [esp], 6
plain:  ret`;
    // ADD EDX, imm32 is six bytes: one time in four it is stepped over.
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(15_000 * 1000);
    }
  });

  it('finds the code behind it changed by the callee', () => {
    const text = `
main:   mov ecx, 4000
        xor edx, edx
again:  call patch
site:   add edx, 1
        dec ecx
        jnz again
        hlt
patch:  ${'nop\n'.repeat(60)}
        test ecx, 0x3ff
        jnz done
        xor byte [site + 2], 2
done:   ret`;
    let step = 1;
    let sum = 0;
    for (let count = 4000; count > 0; count--) {
      if ((count & 0x3ff) === 0) step ^= 2;
      sum += step;
    }
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });
});

describe('accesses near one base', () => {
  it('may lie on both sides of a page border', () => {
    const text = `
main:   mov ecx, 20000
        mov ebx, 0x40ff8
        xor edx, edx
again:  mov [ebx], ecx
        mov [ebx + 6], ecx
        add [ebx + 12], ecx
        mov eax, [ebx + 6]
        add edx, eax
        xor edx, [ebx + 12]
        dec ecx
        jnz again
        hlt`;
    const ends = [...runEverywhere({ text }).values()].map((parts) => registersOf(parts)['edx']);
    expect(new Set(ends).size).toBe(1);
  });

  it('see a change of code that one of them makes between the others', () => {
    const text = `
main:   mov ecx, 6000
        mov ebx, site
        xor edx, edx
again:  mov eax, [ebx + 2]
        test ecx, 0x7ff
        jnz same
        mov al, [ebx + 2]
        xor al, 2
        mov [ebx + 2], al
        add edx, [ebx + 4]
        sub edx, [ebx + 4]
same:
site:   add edx, 1
        dec ecx
        jnz again
        hlt`;
    let step = 1;
    let sum = 0;
    for (let count = 6000; count > 0; count--) {
      if ((count & 0x7ff) === 0) step ^= 2;
      sum += step;
    }
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });
});

describe('a jump between regions', () => {
  it("takes none of the host's stack, however often it is made", () => {
    const text = `
main:   mov ecx, 2000000
        xor edx, edx
        mov esi, there
        mov edi, here
here:   inc edx
        jmp esi
back:   hlt
        ${'nop\n'.repeat(200)}
there:  dec ecx
        jz done
        jmp edi
done:   jmp back`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(2_000_000);
    }
  });
});
