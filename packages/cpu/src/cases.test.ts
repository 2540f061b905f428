/** Cases of the interpreter loop against the handler functions of the same instructions. */
import { assembleText } from '@ringfence/assembler';
import { CodeMode } from '@ringfence/memory';
import { hotCases, hotGroups, RecordField } from '@ringfence/translator';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeAddress, outcome, prepare, type Program, Random } from './test-cases.ts';
import { Word } from './state-view.ts';
import { makeCpu, type TestCpu } from './test-cpu.ts';

const flatMode = CodeMode.valid | CodeMode.code32 | CodeMode.stack32 | CodeMode.flat;

/** What stands behind each example: it sets all flags, and ends. */
const tail = assembleText('cmp esi, edi\nhlt', { bits: 32, origin: 0 });

/** Instructions that are cases alone. */
const singles = `
mov eax, [ebx + 8]; mov ecx, edx; add eax, ebx; mov [esi + 4], edi; cmp eax, edx; imul ecx, esi
shr eax, 3; sub edx, ecx; lea eax, [ebx + ecx * 4 + 9]; lea edi, [esi - 4]; cmp ebx, 0x12345
movzx eax, word [edi + 2]; movzx ebx, dx; add esi, 7; shl edx, 9; mov eax, [ebx + esi * 2 + 4]
mov ecx, 0x1234; mov [ebx], ax; xor edi, esi; push ebx; pop edi; sar ecx, 4; inc eax; setb cl
mov [ebx + ecx * 4], esi; mov al, [edx + ebx]; add ebx, 0x11223344; adc eax, edx; dec esi
cmovae eax, [ebx + 4]; cmp eax, [edi]; movzx eax, bl; and edx, esi; xor eax, [ebx + edi]; rol edx, 5
xor bl, [esi]; mov [ebx + esi], cl; add eax, [ebx + esi * 4]; test eax, ebx; test cl, dl; shr ebx, 1
sub edi, 3; dec dword [esi]; sbb ecx, edx; and ecx, [ebx]; not esi; shl eax, cl; mov dword [ebx], 77
adc ebx, 3; inc dword [edi]; ror ecx, 7; mov bl, cl; add [esi], edx; shr edx, cl; neg eax; mov dl, 9
cmovb eax, ecx; or eax, ebx; test byte [esi], 4; cmp cl, 3; and edi, 0xff0; sub eax, [ebx]
push dword [esi]; movsx eax, bl; cmp byte [esi], 9; sub dword [edi], 4; push 3; div dword [ebx]
xor eax, [esi]; cmpxchg [ebx], ecx; cmp al, cl; leave; scasb; sbb eax, [ebx]; add [edi], ecx
`
  .split(/[;\n]/)
  .map((line) => line.trim())
  .filter((line) => line !== '');

let stepped: TestCpu;
let free: TestCpu;

beforeAll(() => {
  stepped = makeCpu();
  free = makeCpu();
});

/** Runs one instruction at a time: handler functions only. */
function runStepped(): void {
  for (let step = 0; step < 1000 && !stepped.cpu.halted; step++) stepped.cpu.run(1);
}

/** Runs without a bound that cases would notice. */
function runFree(): void {
  for (let again = 0; again < 100 && !free.cpu.halted; again++) free.cpu.run(10_000);
}

function compare(name: string, program: Program, seeds: number): void {
  for (let seed = 0; seed < seeds; seed++) {
    prepare(stepped, program, seed);
    prepare(free, program, seed);
    const before = free.cpu.instructions - stepped.cpu.instructions;
    runStepped();
    runFree();
    expect(outcome(free), `${name}, seed ${seed}`).toEqual(outcome(stepped));
    expect(free.cpu.instructions - stepped.cpu.instructions, name).toBe(before);
  }
}

/** An example in a page of its own, with a branch in its end going over the two bytes behind it. */
function exampleProgram(code: readonly Uint8Array[], index: number): Program {
  const bytes = code.flatMap((each) => [...each]);
  const last = code.at(-1) ?? new Uint8Array();
  const at = bytes.length - last.length;
  const [first = 0, second = 0] = last;
  const isConditional = first === 0x0f && (second & 0xf0) === 0x80;
  if ((first & 0xf0) === 0x70 || first === 0xeb) bytes[at + 1] = 2;
  if (isConditional || first === 0xe8 || first === 0xe9) {
    bytes.splice(at + (isConditional ? 2 : 1), 4, 2, 0, 0, 0);
  }
  const address = codeAddress + 4096 * index;
  const program = Uint8Array.from([...bytes, 0xb0, 0x01, ...tail]);
  return { program, address, end: address + bytes.length };
}

function assembled(source: string): Program {
  const program = assembleText(source, { bits: 32, origin: codeAddress });
  return { program, address: codeAddress, end: codeAddress };
}

function handlerAt({ cpu, machine }: TestCpu, address: number): number {
  const record = cpu.cache.lookup(cpu.cache.block(address >>> 12, flatMode), address & 4095);
  return record === 0 ? 0 : machine.view.getUint16(record + RecordField.handler, true);
}

describe('a case of the loop', () => {
  it.each(singles)('does what the handler function does: %s', (line) => {
    compare(line, assembled(`${line}\ncmp esi, edi\nhlt`), 8);
  });

  it('does what the handler functions of its instructions do, for each of the table', () => {
    hotGroups().forEach(({ code }, index) => {
      compare(`group ${index}`, exampleProgram(code, index), 8);
    });
  });

  it('is found where an example of it stands', () => {
    const cases = hotCases();
    const alone = cases.filter(({ instructions, withoutFlags }) => {
      return instructions.length === 1 && !withoutFlags;
    }).length;
    // In fresh pages: records that are to be adjacent may not be at the end of a chunk of them.
    const fresh = makeCpu();
    hotGroups().forEach(({ code }, index) => {
      const program = exampleProgram(code, index);
      prepare(fresh, program, 1);
      fresh.cpu.run(1);
      const handler = handlerAt(fresh, program.address);
      expect(handler, `group ${index}`).toBeGreaterThanOrEqual(2 + alone);
    });
  });
});

/** A loop of groups with loads, stores, flags that are used and flags that are not. */
const loop = `
  mov ecx, 9
again:
  mov eax, [esi]
  mov edx, eax
  add eax, ebx
  shr edx, 16
  add edx, eax
  cmp edx, eax
  mov [esi + 4], edx
  setb bl
  add eax, [edi]
  adc edx, 0
  sub ebx, eax
  mov [edi], ebx
  add ecx, -1
  jne again
  hlt`;

describe('a budget', () => {
  it('that ends anywhere in a case leaves the state of that many instructions', () => {
    const program = assembled(loop);
    const random = new Random(5);
    for (let seed = 0; seed < 12; seed++) {
      prepare(stepped, program, seed);
      prepare(free, program, seed);
      const ahead = stepped.cpu.instructions - free.cpu.instructions;
      while (!free.cpu.halted) {
        free.cpu.run(1 + random.below(30));
        while (stepped.cpu.instructions - free.cpu.instructions < ahead) stepped.cpu.run(1);
        // A fault retires nothing; it is delivered in the step after.
        if (stepped.machine.i32[Word.rip] !== free.machine.i32[Word.rip]) stepped.cpu.run(1);
        if (free.cpu.halted) runStepped();
        expect(stepped.cpu.instructions - free.cpu.instructions).toBe(ahead);
        expect(outcome(free)).toEqual(outcome(stepped));
      }
    }
  });
});

/** Runs a program and returns EAX. */
function result(source: string, parts: TestCpu, run: () => void): number {
  prepare(parts, assembled(source), 3);
  run();
  expect(parts.cpu.halted).toBe(true);
  return parts.machine.i32[Word.gpr] ?? 0;
}

describe('code that changes behind the first instruction of a case', () => {
  it('is seen by the case, also where it only set the flags that the case leaves alone', () => {
    // Each round, the instruction behind ADD is one that keeps CF or one that clears it.
    const source = `
        mov ecx, 6
        xor edi, edi
      round:
        xor eax, eax
        mov edx, -1
        jmp body
      body:
        add edx, 2
        mov ebx, edx
      changed:
        xor ebp, ebp
        adc eax, 0
        add edi, eax
        mov eax, [changed]
        xor eax, 0x2000
        mov [changed], eax
        dec ecx
        jne round
        mov eax, edi
        hlt`;
    // 31 ED is XOR EBP, EBP; 31 CD is XOR EBP, ECX: 11 ED would be ADC.
    const expected = result(source.replace('0x2000', '0x20'), stepped, () => runStepped());
    expect(result(source.replace('0x2000', '0x20'), free, () => runFree())).toBe(expected);
  });
});
