/** Writes to pages of which some chunks are traced: only those to traced chunks need the host. */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { codeAddress, prepare } from './test-cases.ts';
import { Word } from './state-view.ts';
import { makeCpu, type TestCpu } from './test-cpu.ts';

/** Page tables of `prepare`, and a page whose entry is in their chunk 48. */
const tables = 0x1_1000;
const page = 0x30_0000;
const entry = tables + (page >> 12) * 4;
const elsewhere = tables + 0x8c0;

interface Ran extends TestCpu {
  /** Addresses of the writes that the host was asked to do. */
  readonly slow: readonly number[];
}

function run(source: string): Ran {
  const parts = makeCpu();
  const program = assembleText(`${source}\nhlt`, { bits: 32, origin: codeAddress });
  prepare(parts, { program, address: codeAddress, end: codeAddress }, 1);
  // SSE instructions (CR4.OSFXSR).
  parts.cpu.control.write(4, 0x600);
  const { access } = parts.cpu;
  const slow: number[] = [];
  const writeSlow = access.writeSlow.bind(access);
  access.writeSlow = (linear, bytes, value) => {
    slow.push(linear);
    writeSlow(linear, bytes, value);
  };
  for (let more = 0; more < 100 && !parts.cpu.halted; more++) parts.cpu.run(10_000);
  expect(parts.cpu.halted).toBe(true);
  return { ...parts, slow };
}

describe('a write to a page with traces', () => {
  // The first write finds no entry, or the one from before the trace.
  const begin = `mov eax, [${page}]\nmov dword [${elsewhere}], 1\n`;

  it('beside the traced chunks is done without the host, in every width', () => {
    const { physical, slow } = run(`${begin}
        mov byte [${elsewhere + 4}], 0x11
        mov word [${elsewhere + 6}], 0x2233
        mov dword [${elsewhere + 9}], 0x44556677
        add dword [${elsewhere}], 5
        movd xmm0, dword [${elsewhere}]
        movups [${elsewhere + 16}], xmm0
        movq [${elsewhere + 32}], xmm0`);
    expect(slow.filter((linear) => linear !== elsewhere)).toEqual([]);
    expect(slow.length).toBeLessThanOrEqual(1);
    expect(physical.read32(elsewhere)).toBe(6);
    expect(physical.read16(elsewhere + 6)).toBe(0x2233);
    expect(physical.read32(elsewhere + 9)).toBe(0x4455_6677);
    expect(physical.read32(elsewhere + 16)).toBe(6);
    expect(physical.read32(elsewhere + 32)).toBe(6);
  });

  it('into a traced chunk, or across its border, is told', () => {
    const { machine, physical, slow } = run(`${begin}
        mov dword [${entry - 66}], 0
        mov dword [${(entry & ~63) - 2}], 0
        mov dword [${entry}], 0
        mov ebx, [${page}]`);
    expect(slow).toContain((entry & ~63) - 2);
    expect(slow).toContain(entry);
    expect(physical.read32(entry)).toBe(0);
    expect(machine.i32[Word.cr2]).toBe(page);
  });

  it('that holds code leaves what stands beside the code to generated code', () => {
    const { machine, slow } = run(`
        jmp start
        align 64
beside: dd 0
        align 64
start:  mov ecx, 5
next:   inc dword [beside]
        dec ecx
        jnz next
        mov byte [patched + 1], 7
patched: mov al, 0
        mov ebx, [beside]`);
    expect(machine.i32[Word.gpr + 6]).toBe(5);
    expect((machine.i32[Word.gpr] ?? 0) & 0xff).toBe(7);
    expect(slow.length).toBeLessThanOrEqual(2);
  });

  it('faults as any where the page may not be written', () => {
    const { machine, physical } = run(`${begin}
        and dword [${tables + (tables >> 12) * 4}], 0xfffffffd
        mov dword [${elsewhere + 8}], 9`);
    expect(machine.i32[Word.cr2]).toBe(elsewhere + 8);
    expect(physical.read32(elsewhere + 8)).not.toBe(9);
  });
});
