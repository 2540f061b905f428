/** The state of AVX: XCR0, what CPUID says of it, and the XSAVE family (SDM 1 chapter 13). */
import { assembleText } from '@ringfence/assembler';
import { CpuState } from '@ringfence/memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const gates = 0x2000;
const table = 0x3000;
const handlers = 0x4000;
const area = 0x8000;
const generalProtection = 13;

let parts: TestCpu;

beforeEach(() => {
  parts = makeCpu(1 << 20, 'interpreter', 'max');
  const vectors = Array.from({ length: 32 }, (_, vector) => [vector, handlers + vector] as const);
  for (const [, handler] of vectors) parts.physical.write(handler, Uint8Array.of(0xf4));
  writeTables(parts.physical, { gates, table }, vectors);
});

const setControl = (components: number): string =>
  `mov eax, 0x40600\nmov cr4, eax\nmov eax, ${components}\nxor edx, edx\nxor ecx, ecx\nxsetbv\n`;

/** Runs a program at CPL 0; returns the vector of what it ended with, -1 for its own HLT. */
function run(text: string): number {
  const { cpu, physical, machine } = parts;
  physical.write(code, assembleText(`${text}\nhlt`, { bits: 32, origin: code }));
  cpu.start({
    ...flatState(code, 0x7000),
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0xff },
  });
  expect(cpu.run(5000)).toBe('halt');
  const eip = (machine.i32[Word.rip] ?? 0) - 1;
  return eip >= handlers && eip < handlers + 32 ? eip - handlers : -1;
}

function cpuid(text: string, leaf: number, subleaf: number): number[] {
  expect(run(`${text}\nmov eax, ${leaf}\nmov ecx, ${subleaf}\ncpuid`)).toBe(-1);
  return [0, 6, 2, 4].map((word) => parts.machine.i32[Word.gpr + word] ?? 0);
}

const word = (address: number): number => parts.physical.read32(address) >>> 0;

describe('the state of AVX', () => {
  it.each([
    [1, -1],
    [3, -1],
    [7, -1],
    [5, generalProtection],
    [6, generalProtection],
    [15, generalProtection],
  ])('can be enabled as XCR0 %i or not', (components, end) => {
    expect(run(setControl(components))).toBe(end);
  });

  it('is in CPUID with its place, and in the size of the area while it is enabled', () => {
    expect(cpuid('', 13, 0)).toEqual([7, 576, 832, 0]);
    expect(cpuid(setControl(3), 13, 0)).toEqual([7, 576, 832, 0]);
    expect(cpuid(setControl(7), 13, 0)).toEqual([7, 832, 832, 0]);
    expect(cpuid(setControl(7), 13, 1).slice(1)).toEqual([832, 0, 0]);
    expect(cpuid('', 13, 2)).toEqual([256, 576, 0, 0]);
    expect(cpuid('', 13, 3)).toEqual([0, 0, 0, 0]);
  });

  it.each(['xsave', 'xsaveopt', 'xsavec', 'xsaves'])('is saved by %s and restored', (name) => {
    const restore = name === 'xsaves' ? 'xrstors' : 'xrstor';
    const text = `${setControl(7)}
      vpcmpeqd ymm5, ymm5, ymm5
      vpcmpeqd xmm6, xmm6, xmm6
      mov eax, 7
      xor edx, edx
      ${name} [${area}]
      vzeroall
      ${restore} [${area}]`;
    expect(run(text)).toBe(-1);
    expect(word(area + 512)).toBe(6);
    expect([word(area + 576 + 80), word(area + 576 + 96)]).toEqual([0xffff_ffff, 0]);
    const high = (number: number): number =>
      parts.machine.i32[(CpuState.ymmHigh + 16 * number) >> 2] ?? 0;
    expect([high(5), high(6), high(0)]).toEqual([-1, 0, 0]);
    expect(parts.machine.i32[(CpuState.xmm + 96) >> 2]).toBe(-1);
  });

  it('is initial where the area does not have it, and MXCSR comes with it', () => {
    const text = `${setControl(7)}
      mov eax, 4
      xor edx, edx
      vpcmpeqd ymm5, ymm5, ymm5
      mov dword [${area} + 24], 0x3f80
      xrstor [${area}]
      stmxcsr [${area} + 1024]`;
    expect(run(text)).toBe(-1);
    expect(parts.machine.i32[(CpuState.ymmHigh + 80) >> 2]).toBe(0);
    expect(parts.machine.i32[(CpuState.xmm + 80) >> 2]).toBe(-1);
    expect(word(area + 1024)).toBe(0x3f80);
  });

  it('is in use, as XGETBV says, until VZEROUPPER', () => {
    const text = `${setControl(7)}
      fninit
      vpcmpeqd ymm5, ymm5, ymm5
      mov ecx, 1
      xgetbv
      mov ebx, eax
      vzeroupper
      xgetbv`;
    expect(run(text)).toBe(-1);
    expect([parts.machine.i32[Word.gpr + 6], parts.machine.i32[Word.gpr]]).toEqual([6, 2]);
  });
});
