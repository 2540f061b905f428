/** Indirect jumps and recursive calls that stay within one region, in every tier. */
import { describe, expect, it } from 'vitest';
import { Word } from '../state-view.ts';
import { entryOf, gate, System } from './test-system.ts';
import { type HostEvent, registersOf, runEverywhere, type Tier } from './test-tiers.ts';

/** A switch in a loop: ECX counts, EDX sums up what the four cases add. */
const dispatcher = `
again:  mov eax, ecx
        and eax, 3
        jmp [table + eax * 4]
one:    add edx, 1
        jmp next
ten:    add edx, 10
        jmp next
hundred:
        add edx, 100
        jmp next
thousand:
        add edx, 1000
next:   dec ecx
        jnz again
`;
const table = `
        align 4
table:  dd one, ten, hundred, thousand
`;

describe('a jump by a table', () => {
  it('leads to each of its cases', () => {
    const text = `
main:   mov ecx, 40000
        xor edx, edx
        ${dispatcher}
        hlt
        ${table}`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(10_000 * 1111);
    }
  });

  it('leads to where position-independent code computes', () => {
    const text = `
main:   mov ecx, 40000
        xor edx, edx
        call where
here:   add ebx, offsets - here
again:  mov eax, ecx
        and eax, 3
        mov eax, [ebx + eax * 4]
        add eax, ebx
        jmp eax
one:    add edx, 1
        jmp next
ten:    add edx, 10
        jmp next
hundred:
        add edx, 100
next:   dec ecx
        jnz again
        hlt
where:  mov ebx, [esp]
        ret
        align 4
offsets:
        dd one - offsets, ten - offsets, hundred - offsets, ten - offsets`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(10_000 * 121);
    }
  });

  it('follows the table when that changes', () => {
    const text = `
main:   mov ebp, 200
        xor edx, edx
round:  mov ecx, 100
        ${dispatcher}
        mov eax, [table]
        xchg eax, [table + 4]
        xchg eax, [table + 8]
        mov [table], eax
        mov dword [table + 12], elsewhere
        dec ebp
        jnz round
        hlt
        ${'nop\n'.repeat(300)}
elsewhere:
        add edx, 2000
        jmp next
        ${table}`;
    const sum = 200 * 25 * 111 + 25 * 1000 + 199 * 25 * 2000;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });

  it('finds a case changed by another case', () => {
    const text = `
main:   mov ecx, 8000
        xor edx, edx
        ${dispatcher.replace('add edx, 10\n', 'call patch\n')}
        hlt
patch:  test ecx, 0x3fc
        jnz patched
        xor byte [hundred + 2], ${100 ^ 50}
patched:
        add edx, 10
        ret
        ${table}`;
    let step = 100;
    let sum = 0;
    for (let count = 8000; count > 0; count--) {
      if ((count & 3) === 1) {
        if ((count & 0x3fc) === 0) step ^= 100 ^ 50;
        sum += 10;
      } else sum += [1, 0, step, 1000][count & 3] ?? 0;
    }
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });
});

describe('a jump by a table into another page', () => {
  const farCase = 0x40_0000;
  const otherFrame = 0x50_0000;
  const reached = `
main:   mov esi, far_body
        mov edi, ${farCase}
        mov ecx, 64
        rep movsb
        mov esi, far_body
        mov edi, ${otherFrame}
        mov ecx, 64
        rep movsb
        mov byte [${otherFrame} + 2], 7
        mov esi, near_body
        mov edi, ${farCase} - 256
        mov ecx, 128
        rep movsb
        call paging_on
        ${gate(14, 'fault')}
        mov ebp, 80
        xor edx, edx
        xor esi, esi
        mov edi, ${farCase}`;
  // The loop stands in the page before; its jump to the case is by an absolute table.
  const bodies = `
near_body:
        mov eax, ecx
        and eax, 1
        jmp [far_table + eax * 4]
near_one:
        add edx, 1
near_next:
        dec ecx
        jnz near_body
        ret
far_body:
        add edx, 100
        mov eax, ${farCase} - 256 + near_next - near_body
        jmp eax
        align 4
far_table:
        dd ${farCase} - 256 + near_one - near_body, ${farCase}`;

  it('follows the page when another is mapped there', () => {
    const text = `${reached}
round:  mov ecx, 100
        mov eax, ${farCase} - 256
        call eax
        xor dword [${entryOf(farCase)}], ${farCase ^ otherFrame}
        invlpg [${farCase}]
        dec ebp
        jnz round
        hlt
fault:  hlt
${bodies}`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(40 * 50 * (101 + 8));
    }
  });

  it('faults while the page is not mapped', () => {
    const text = `${reached}
round:  mov ecx, 100
        mov eax, ${farCase} - 256
        call eax
        mov dword [${entryOf(farCase)}], 0
        invlpg [${farCase}]
        dec ebp
        jnz round
        hlt
; EIP and CR2 are the case's first byte.
fault:  add esp, 4
        mov eax, cr2
        sub eax, [esp]
        add esi, eax
        inc esi
        mov dword [${entryOf(farCase)}], ${farCase + 7}
        iretd
${bodies}`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)).toMatchObject({ edx: 80 * 50 * 101, esi: 79 });
    }
  });
});

/**
 * A loop whose jump is by `table` in 32-bit code, and by the word at [si] in 16-bit code:
 *
 *     31 c0             xor eax, eax            xor ax, ax
 *     b0 03             mov al, 3               mov al, 3
 *     ff 24 85 disp32   jmp [eax * 4 + disp]    jmp [si]
 *     01 c2             add edx, eax            add dx, ax
 *     49 75 f0 cd 80    dec ecx; jnz; int 80h   dec cx; jnz; int 80h
 *     42                inc edx                 inc dx
 *     49 75 ea cd 80    dec ecx; jnz; int 80h   dec cx; jnz; int 80h
 */
it('leads a jump by a table to where the code of each mode has it', () => {
  const place = 0x9000;
  const turn = (name: string, selector: number): string => `
        mov dword [back], ${name}
        mov ecx, 100
        pushfd
        push ${selector}
        push ${place}
        iretd
${name}: mov esp, [saved_stack]`;
  const text = `
main:   ${gate(0x80, 'system_call')}
        mov esi, code
        mov edi, ${place}
        mov ecx, 64
        rep movsb
        mov [saved_stack], esp
        mov ebp, 60
        mov esi, ${place} + word - code
        xor edx, edx
round:  ${turn('wide', System.code)}
        ${turn('narrow', System.code16)}
        dec ebp
        jnz round
        hlt
system_call:
        jmp [back]
code:   db 0x31, 0xc0, 0xb0, 0x03, 0xff, 0x24, 0x85
        dd ${place} + jumps - code
sum:    db 0x01, 0xc2, 0x49, 0x75, 0xf0, 0xcd, 0x80
step:   db 0x42, 0x49, 0x75, 0xea, 0xcd, 0x80
word:   dw ${place} + step - code
        align 4
        dd 0
jumps:  dd 0, 0, 0, ${place} + sum - code
back:   dd 0
saved_stack: dd 0`;
  for (const parts of runEverywhere({ text }).values()) {
    expect(registersOf(parts)['edx']).toBe(60 * (100 * 3 + 100));
  }
});

describe('a recursive call', () => {
  const recursion = `
fibonacci:
        cmp eax, 2
        jb small
        push eax
        dec eax
        call fibonacci
        xchg eax, [esp]
        sub eax, 2
        call fibonacci
        pop ebx
        add eax, ebx
small:  ret`;

  it('comes back to each of its places', () => {
    const text = `
main:   mov esi, 20
        xor edx, edx
again:  mov eax, 17
        call fibonacci
        add edx, eax
        dec esi
        jnz again
        hlt
        ${recursion}`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(20 * 1597);
    }
  });

  it('finds the code behind it changed', () => {
    const text = `
main:   mov esi, 40
        xor edx, edx
again:  mov eax, 12
        call fibonacci
        add edx, eax
        dec esi
        jnz again
        hlt
fibonacci:
        cmp eax, 2
        jb small
        push eax
        dec eax
        call fibonacci
        xchg eax, [esp]
        sub eax, 2
        call fibonacci
        pop ebx
        add eax, ebx
site:   add edi, 1
        ret
small:  test eax, eax
        jnz same
        xor byte [site + 2], 2
same:   ret`;
    const { edx, edi } = patchedFibonacci(40, 12);
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)).toMatchObject({ edx, edi });
    }
  });

  /** What the program above sums up, told a second time. */
  function patchedFibonacci(rounds: number, n: number): { edx: number; edi: number } {
    let step = 1;
    let edi = 0;
    const run = (k: number): number => {
      if (k === 0) step ^= 2;
      if (k < 2) return k;
      const sum = run(k - 1) + run(k - 2);
      edi += step;
      return sum;
    };
    let edx = 0;
    for (let round = 0; round < rounds; round++) edx += run(n);
    return { edx, edi };
  }

  it('and jumps by a table stop at the instruction at which the budget ends', () => {
    const text = `
main:   mov esi, 60
        xor edx, edx
outer:  mov eax, 9
        call fibonacci
        add edx, eax
        mov ecx, 40
        ${dispatcher}
        dec esi
        jnz outer
        hlt
        ${recursion}
        ${table}`;
    const places = Array.from({ length: 300 }, (_, number) => 20_000 + number * 101);
    const seen: number[][] = [];
    let current: number[] = [];
    const events = places.map((at, number): HostEvent => {
      const act: HostEvent['act'] = ({ machine, cpu }) => {
        if (number === 0) seen.push((current = []));
        const registers = machine.i32.subarray(Word.gpr, Word.gpr + 16);
        current.push(cpu.instructions, machine.i32[Word.rip] ?? 0, cpu.eflags(), ...registers);
      };
      return { at, act };
    });
    const ended: ReadonlyMap<Tier, unknown> = runEverywhere({ text, events });
    expect(seen.length).toBe(ended.size);
    for (const states of seen) {
      expect(states.length).toBe(places.length * 19);
      expect(states).toEqual(seen[0]);
    }
  });
});
