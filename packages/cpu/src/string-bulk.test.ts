/** Bulk string operations on pages that are traced: the host is told of what they write. */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { codeAddress, prepare } from './test-cases.ts';
import { Word } from './state-view.ts';
import { makeCpu, type TestCpu } from './test-cpu.ts';

/** Page tables of `prepare`, and the page that the tests' program reads. */
const tables = 0x1_1000;
const page = 0x30_0000;
const entry = tables + (page >> 12) * 4;

function run(source: string): TestCpu {
  const parts = makeCpu();
  const program = assembleText(`${source}\nhlt`, { bits: 32, origin: codeAddress });
  prepare(parts, { program, address: codeAddress, end: codeAddress }, 1);
  for (let more = 0; more < 100 && !parts.cpu.halted; more++) parts.cpu.run(10_000);
  expect(parts.cpu.halted).toBe(true);
  return parts;
}

const faulted = (parts: TestCpu): number => parts.machine.i32[Word.cr2] ?? 0;

describe('a repeated string instruction', () => {
  it('that clears page-table entries takes the mappings away', () => {
    const parts = run(`
        mov eax, [${page}]
        mov [${page + 4096}], eax
        xor eax, eax
        mov edi, ${entry}
        mov ecx, 2
        cld
        rep stosd
        mov ebx, [${page}]`);
    expect(faulted(parts)).toBe(page);
    expect(parts.physical.read32(entry)).toBe(0);
    expect(parts.physical.read32(entry + 4)).toBe(0);
  });

  it('that clears them downwards does so too', () => {
    const parts = run(`
        mov eax, [${page}]
        mov [${page + 4096}], eax
        xor eax, eax
        mov edi, ${entry + 4}
        mov ecx, 2
        std
        rep stosd
        mov ebx, [${page}]`);
    expect(faulted(parts)).toBe(page);
    expect(parts.physical.read32(entry + 4)).toBe(0);
  });

  it('that copies page-table entries maps what the copies say', () => {
    const parts = run(`
        mov dword [${page}], 0x11111111
        mov dword [${page + 0x4000}], 0x22222222
        mov esi, ${entry + 16}
        mov edi, ${entry}
        mov ecx, 1
        cld
        rep movsd
        mov ebx, [${page}]`);
    expect(parts.machine.i32[Word.gpr + 6]).toBe(0x2222_2222);
  });

  it('that writes over code that has run is seen by the code behind it', () => {
    const parts = run(`
        xor ebp, ebp
again:  mov ebx, 1
        inc ebp
        mov edi, again + 1
        mov eax, 0x07070707
        mov ecx, 4
        cld
        rep stosb
        cmp ebp, 2
        jb again`);
    expect(parts.machine.i32[Word.gpr + 6]).toBe(0x0707_0707);
  });

  it('that clears a page needs few calls of the host though the page is traced', () => {
    const parts = makeCpu();
    const program = assembleText(
      `mov eax, [${page}]
       xor eax, eax
       mov edi, ${tables + 0x800}
       mov ecx, 512
       cld
       rep stosd
       hlt`,
      { bits: 32, origin: codeAddress },
    );
    prepare(parts, { program, address: codeAddress, end: codeAddress }, 1);
    const { writeSlow } = parts.cpu.access;
    let writes = 0;
    parts.cpu.access.writeSlow = (linear, bytes, value) => {
      writes += 1;
      writeSlow.call(parts.cpu.access, linear, bytes, value);
    };
    parts.cpu.run(100);
    expect([parts.cpu.halted, writes]).toEqual([true, 0]);
    expect(parts.physical.read32(tables + 0xffc)).toBe(0);
  });
});
