/**
 * Cases of the interpreter loop for several instructions, and for one whose flags nothing sees.
 *
 * Each is an example: code bytes of flat 32-bit code, and for the reader their meaning. Registers
 * stand for any that are equal and different as these are; immediates and displacements for any.
 */
import { decodeInto, Instruction } from '@ringfence/decoder';
import { CodeMode } from '@ringfence/memory';
import { variantOf } from '../semantics/variant.ts';
import type { HotCase } from './hot-case.ts';
import { packRegisters } from './register-pattern.ts';

const mode: number = CodeMode.valid | CodeMode.code32 | CodeMode.stack32 | CodeMode.flat;

const flagsUnused = 'flags unused';

/** An example of a case: code bytes by instruction. */
export interface HotGroup {
  readonly code: readonly Uint8Array[];
  readonly withoutFlags: boolean;
}

/** The examples of the table. */
export function hotGroups(): readonly HotGroup[] {
  return table.trim().split('\n\n').map(parseGroup);
}

/** The cases that they are examples of. */
export function hotGroupCases(): readonly HotCase[] {
  const instruction = new Instruction();
  return hotGroups().map(({ code, withoutFlags }) => {
    const instructions = code.map((bytes) => {
      const length = decodeInto(instruction, bytes, 0, bytes.length, 32);
      if (length !== bytes.length) throw new Error('translator: a row is not one instruction');
      return { variant: variantOf(instruction, mode), registers: packRegisters(instruction) };
    });
    return { instructions, withoutFlags };
  });
}

function parseGroup(text: string): HotGroup {
  const rows = text.split('\n');
  const withoutFlags = rows.at(-1) === flagsUnused;
  const code = (withoutFlags ? rows.slice(0, -1) : rows).map((row) => {
    const digits = row.slice(0, row.indexOf(' '));
    return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  });
  return { code, withoutFlags };
}

const table = `
01d8 add eax,ebx
flags unused

83c004 add eax,4
flags unused

81c000010000 add eax,0x100
flags unused

29d8 sub eax,ebx
flags unused

83e804 sub eax,4
flags unused

31d8 xor eax,ebx
flags unused

21d8 and eax,ebx
flags unused

09d8 or eax,ebx
flags unused

c1e804 shr eax,4
flags unused

c1e004 shl eax,4
flags unused

c1c804 ror eax,4
flags unused

c1c004 rol eax,4
flags unused

0fafc3 imul eax,ebx
flags unused

8b45dc mov eax,[ebp-0x24]
8b7de4 mov edi,[ebp-0x1c]
8b1498 mov edx,[eax+ebx*4]
89f9 mov ecx,edi
0fb7c2 movzx eax,dx
c1ea10 shr edx,0x10
0faffa imul edi,edx
flags unused

8b45d8 mov eax,[ebp-0x28]
8b1498 mov edx,[eax+ebx*4]
8b45e0 mov eax,[ebp-0x20]
0fb7f2 movzx esi,dx
89c1 mov ecx,eax
c1ea10 shr edx,0x10
flags unused

8b4df0 mov ecx,[ebp-0x10]
8b45d8 mov eax,[ebp-0x28]
8b5de0 mov ebx,[ebp-0x20]
8b7de8 mov edi,[ebp-0x18]
8b1488 mov edx,[eax+ecx*4]
89d8 mov eax,ebx
0fb7ca movzx ecx,dx
c1ea10 shr edx,0x10
flags unused

3e8d742600 lea esi,ds:[esi+eiz*1+0x0]
55 push ebp
89e5 mov ebp,esp
57 push edi
89cf mov edi,ecx
56 push esi
f7df neg edi
53 push ebx
flags unused

89fa mov edx,edi
01ca add edx,ecx
8b4dec mov ecx,[ebp-0x14]
81c100000100 add ecx,0x10000
39da cmp edx,ebx
89cf mov edi,ecx
89d1 mov ecx,edx
0f437dec cmovae edi,[ebp-0x14]
flags unused

8d048d00000000 lea eax,[ecx*4+0x0]
c1ef10 shr edi,0x10
8945e4 mov [ebp-0x1c],eax
01d0 add eax,edx
8945d8 mov [ebp-0x28],eax
897de8 mov [ebp-0x18],edi
31ff xor edi,edi

89c1 mov ecx,eax
8d343b lea esi,[ebx+edi*1]
83c101 add ecx,0x1
894df0 mov [ebp-0x10],ecx
7581 jne target

8b4de8 mov ecx,[ebp-0x18]
8b5dec mov ebx,[ebp-0x14]
8945d8 mov [ebp-0x28],eax
8955dc mov [ebp-0x24],edx
2b45e0 sub eax,[ebp-0x20]
1b55e4 sbb edx,[ebp-0x1c]
39c8 cmp eax,ecx
89d0 mov eax,edx

3e8d742600 lea esi,ds:[esi+eiz*1+0x0]
55 push ebp
89e5 mov ebp,esp
57 push edi
56 push esi
53 push ebx
89c3 mov ebx,eax

0fafce imul ecx,esi
0fafc2 imul eax,edx
894dec mov [ebp-0x14],ecx
8b4de8 mov ecx,[ebp-0x18]
0fafd1 imul edx,ecx
0faff1 imul esi,ecx
8955f0 mov [ebp-0x10],edx
8b55ec mov edx,[ebp-0x14]
flags unused

01c6 add esi,eax
89d1 mov ecx,edx
c1e910 shr ecx,0x10
01f1 add ecx,esi
8b75f0 mov esi,[ebp-0x10]
81c600000100 add esi,0x10000
39c1 cmp ecx,eax
0f4375f0 cmovae esi,[ebp-0x10]
flags unused

0fb7c2 movzx eax,dx
01f8 add eax,edi
31d2 xor edx,edx
8975f0 mov [ebp-0x10],esi
89ce mov esi,ecx
c1e610 shl esi,0x10
01f0 add eax,esi
8b75e4 mov esi,[ebp-0x1c]
flags unused

f390 pause
64ff05dce6e5c1 inc fs:0xc1e5e6dc
648b1db898e5c1 mov ebx,fs:0xc1e598b8
395df0 cmp [ebp-0x10],ebx
753a jne target

f7db neg ebx
83ec1c sub esp,0x1c
8945dc mov [ebp-0x24],eax
8b4508 mov eax,[ebp+0x8]
89c7 mov edi,eax
0fb7c0 movzx eax,ax
8945e0 mov [ebp-0x20],eax
flags unused

8db42600000000 lea esi,[esi+eiz*1+0x0]
6690 xchg ax,ax
8b45d8 mov eax,[ebp-0x28]
8b1498 mov edx,[eax+ebx*4]
8b45e0 mov eax,[ebp-0x20]
0fb7f2 movzx esi,dx
89c1 mov ecx,eax
c1ea10 shr edx,0x10
flags unused

03048a add eax,[edx+ecx*4]
89c2 mov edx,eax
0f92c0 setb al
03148f add edx,[edi+ecx*4]
0fb6c0 movzx eax,al
8d3c33 lea edi,[ebx+esi*1]
89148f mov [edi+ecx*4],edx
83d000 adc eax,0x0
flags unused

31c0 xor eax,eax
83ec08 sub esp,0x8
8b7508 mov esi,[ebp+0x8]
894df0 mov [ebp-0x10],ecx
89f1 mov ecx,esi
8d34b500000000 lea esi,[esi*4+0x0]
8d3c32 lea edi,[edx+esi*1]
f7d9 neg ecx

5b pop ebx
5e pop esi
5f pop edi

39f8 cmp eax,edi
0f92c2 setb dl
c1e910 shr ecx,0x10
89d7 mov edi,edx
8b55dc mov edx,[ebp-0x24]
flags unused

01d6 add esi,edx
8b55f0 mov edx,[ebp-0x10]
03049e add eax,[esi+ebx*4]
11cf adc edi,ecx
89049e mov [esi+ebx*4],eax
01d7 add edi,edx
83c301 add ebx,0x1
758a jne target

57 push edi
56 push esi
89d6 mov esi,edx
53 push ebx
83ec08 sub esp,0x8
894dec mov [ebp-0x14],ecx
8b4d08 mov ecx,[ebp+0x8]
8945f0 mov [ebp-0x10],eax
flags unused

8db42600000000 lea esi,[esi+eiz*1+0x0]
90 nop
8b7dec mov edi,[ebp-0x14]
8d0c1f lea ecx,[edi+ebx*1]
030491 add eax,[ecx+edx*4]
8b0c96 mov ecx,[esi+edx*4]
89c7 mov edi,eax
0f92c0 setb al
flags unused

29f9 sub ecx,edi
8b7df0 mov edi,[ebp-0x10]
0fb6c0 movzx eax,al
83d000 adc eax,0x0
01df add edi,ebx
890c97 mov [edi+edx*4],ecx
83c201 add edx,0x1
75da jne target

64ff0ddce6e5c1 dec fs:0xc1e5e6dc
7418 je target

895df0 mov [ebp-0x10],ebx
0faee8 lfence

19d8 sbb eax,ebx
72c0 jb target

83ec1c sub esp,0x1c
8945dc mov [ebp-0x24],eax
8b4508 mov eax,[ebp+0x8]
897df0 mov [ebp-0x10],edi
89c6 mov esi,eax
0fb7c0 movzx eax,ax
8945e0 mov [ebp-0x20],eax
8d048d00000000 lea eax,[ecx*4+0x0]

c1ee10 shr esi,0x10
8945e4 mov [ebp-0x1c],eax
01d0 add eax,edx
8945d8 mov [ebp-0x28],eax
8975e8 mov [ebp-0x18],esi
31f6 xor esi,esi
8db600000000 lea esi,[esi+0x0]
8b4df0 mov ecx,[ebp-0x10]

8b45d8 mov eax,[ebp-0x28]
8b5de0 mov ebx,[ebp-0x20]
8b7de8 mov edi,[ebp-0x18]
8b1488 mov edx,[eax+ecx*4]
89d8 mov eax,ebx
0fb7ca movzx ecx,dx
c1ea10 shr edx,0x10
0fafc1 imul eax,ecx

0fafda imul ebx,edx
0fafcf imul ecx,edi
0fafd7 imul edx,edi
89c7 mov edi,eax
0fb7c0 movzx eax,ax
c1ef10 shr edi,0x10
01d9 add ecx,ebx
8955ec mov [ebp-0x14],edx
flags unused

01f0 add eax,esi
c1e110 shl ecx,0x10
31db xor ebx,ebx
01c8 add eax,ecx
8b4de4 mov ecx,[ebp-0x1c]
39f0 cmp eax,esi
89d6 mov esi,edx
8b55dc mov edx,[ebp-0x24]

0f92c1 setb cl
c1e810 shr eax,0x10
flags unused

0f92c3 setb bl
c1ee10 shr esi,0x10
01ca add edx,ecx
8b4df0 mov ecx,[ebp-0x10]
8b0c8a mov ecx,[edx+ecx*4]
29c1 sub ecx,eax
8b45f0 mov eax,[ebp-0x10]
11f3 adc ebx,esi

55 push ebp
89e5 mov ebp,esp
57 push edi

8bb388010000 mov esi,[ebx+0x188]
8bbb8c010000 mov edi,[ebx+0x18c]

894de4 mov [ebp-0x1c],ecx
8b4d10 mov ecx,[ebp+0x10]

89d8 mov eax,ebx
e8e54a8a00 call target

56 push esi
89d6 mov esi,edx

85d2 test edx,edx
74ef je target

89c6 mov esi,eax
8b477c mov eax,[edi+0x7c]

8945e8 mov [ebp-0x18],eax
8955e4 mov [ebp-0x1c],edx

01ce add esi,ecx
31f2 xor edx,esi

8932 mov [edx],esi
8b75e4 mov esi,[ebp-0x1c]

3e8d742600 lea esi,ds:[esi+eiz*1+0x0]
55 push ebp

3e8d742600 lea esi,ds:[esi+eiz*1+0x0]
55 push ebp
89e5 mov ebp,esp
57 push edi

01d3 add ebx,edx
8b55e0 mov edx,[ebp-0x20]

85c0 test eax,eax
0f84d2000000 je target

c745e400000000 mov [ebp-0x1c],0x0
c745c400000000 mov [ebp-0x3c],0x0
c745c800000000 mov [ebp-0x38],0x0
c745dc00000000 mov [ebp-0x24],0x0

8b45f0 mov eax,[ebp-0x10]
89da mov edx,ebx

57 push edi
56 push esi

39c2 cmp edx,eax
750b jne target

85c0 test eax,eax
750d jne target

89f2 mov edx,esi
89d8 mov eax,ebx

89c1 mov ecx,eax
89d0 mov eax,edx

5d pop ebp
c3 ret

8945f0 mov [ebp-0x10],eax
89f8 mov eax,edi

5e pop esi
5f pop edi
5d pop ebp
c3 ret

8b13 mov edx,[ebx]
85d2 test edx,edx

8d0411 lea eax,[ecx+edx*1]
8b4dd8 mov ecx,[ebp-0x28]
31c3 xor ebx,eax

31f2 xor edx,esi
8b75e8 mov esi,[ebp-0x18]
`;
