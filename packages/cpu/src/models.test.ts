/** CPU models: what CPUID shows, instructions, MSRs and bits of CR4 agree. */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { cpuModels } from './model.ts';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const data = 0x6000;
const gates = 0x2000;
const table = 0x3000;
/** Where each vector leads: a HLT of its own. */
const handlers = 0x4000;
const undefinedOpcode = 6;
const generalProtection = 13;

/** A bit of CPUID. */
interface Bit {
  readonly leaf: number;
  readonly subleaf?: number;
  readonly register: 'eax' | 'ebx' | 'ecx' | 'edx';
  readonly bit: number;
}

const edx = (bit: number): Bit => ({ leaf: 1, register: 'edx', bit });
const ecx = (bit: number): Bit => ({ leaf: 1, register: 'ecx', bit });
const ebx7 = (bit: number): Bit => ({ leaf: 7, register: 'ebx', bit });
const ecx7 = (bit: number): Bit => ({ leaf: 7, register: 'ecx', bit });
const extended = (register: 'ecx' | 'edx', bit: number): Bit => ({
  leaf: 0x8000_0001,
  register,
  bit,
});
const save = (bit: number): Bit => ({ leaf: 13, subleaf: 1, register: 'eax', bit });

const instructions: readonly (readonly [text: string, needs: Bit])[] = [
  ['rdtsc', edx(4)],
  ['mov ecx, 0x10\nrdmsr', edx(5)],
  [`cmpxchg8b [${data}]`, edx(8)],
  ['sysenter', edx(11)],
  ['cmovz eax, ebx', edx(15)],
  [`clflush [${data}]`, edx(19)],
  ['emms', edx(23)],
  ['paddb mm0, mm1', edx(23)],
  [`fxsave [${data}]`, edx(24)],
  [`fxrstor [${data}]`, edx(24)],
  ['addps xmm0, xmm1', edx(25)],
  ['pavgb mm0, mm1', edx(25)],
  ['addpd xmm0, xmm1', edx(26)],
  ['paddq mm0, mm1', edx(26)],
  ['haddps xmm0, xmm1', ecx(0)],
  ['pclmulqdq xmm0, xmm1, 0', ecx(1)],
  ['pshufb xmm0, xmm1', ecx(9)],
  ['pmulld xmm0, xmm1', ecx(19)],
  ['pcmpgtq xmm0, xmm1', ecx(20)],
  ['crc32 eax, bl', ecx(20)],
  ['xor ecx, ecx\nmonitor', ecx(3)],
  ['xor ecx, ecx\nmwait', ecx(3)],
  [`movbe eax, [${data}]`, ecx(22)],
  ['popcnt eax, ebx', ecx(23)],
  ['aesenc xmm0, xmm1', ecx(25)],
  ['xor ecx, ecx\nxgetbv', ecx(26)],
  ['rdrand eax', ecx(30)],
  ['rdtscp', extended('edx', 27)],
  ['invpcid ecx, [0x6000]', ebx7(10)],
  ['rdseed eax', ebx7(18)],
  ['clac', ebx7(20)],
  ['andn eax, ebx, ecx', ebx7(3)],
  ['blsr eax, ebx', ebx7(3)],
  ['mulx eax, ebx, ecx', ebx7(8)],
  ['rorx eax, ebx, 3', ebx7(8)],
  ['sha1rnds4 xmm0, xmm1, 2', ebx7(29)],
  ['sha256msg1 xmm0, xmm1', ebx7(29)],
  [`clflushopt [${data}]`, ebx7(23)],
  [`clwb [${data}]`, ebx7(24)],
  ['extrq xmm0, xmm1', extended('ecx', 6)],
  [`movntss [${data}], xmm1`, extended('ecx', 6)],
  ['adcx eax, ebx', ebx7(19)],
  ['adox eax, ebx', ebx7(19)],
  ['rdpid eax', ecx7(22)],
  [`mov eax, ${data}\nclzero`, { leaf: 0x8000_0008, register: 'ebx', bit: 0 }],
  [`xsaveopt [${data}]`, save(0)],
  [`xsavec [${data}]`, save(1)],
  [`xsaves [${data}]`, save(3)],
];

const registers: readonly (readonly [number: number, needs: Bit])[] = [
  [0x10, edx(4)],
  [0x00, edx(7)],
  [0x01, edx(7)],
  [0x1b, edx(9)],
  [0x8b, edx(15)],
  [0x1d9, edx(15)],
  [0x1a0, edx(26)],
  [0x174, edx(11)],
  [0xfe, edx(12)],
  [0x2ff, edx(12)],
  [0x179, edx(14)],
  [0x17a, edx(14)],
  [0x277, edx(16)],
  [0xc000_0080, extended('edx', 20)],
  [0xc000_0081, extended('edx', 11)],
  [0xc000_0103, extended('edx', 27)],
  [0x3b, ebx7(1)],
  [0xda0, save(3)],
];

const controlBits: readonly (readonly [bit: number, needs: Bit])[] = [
  [0, edx(1)],
  [1, edx(1)],
  [2, edx(4)],
  [3, edx(2)],
  [4, edx(3)],
  [5, edx(6)],
  [6, edx(7)],
  [7, edx(13)],
  [9, edx(24)],
  [10, edx(25)],
  [11, ecx7(2)],
  [17, ecx(17)],
  [18, ecx(26)],
  [20, ebx7(7)],
  [21, ebx7(20)],
  [22, ecx7(3)],
];
/** LA57, VMXE, SMXE, FSGSBASE and those of no meaning: no model has them. */
const absentControlBits = [12, 13, 14, 15, 16, 19, 23, 24, 31];

/** Values that a write of a register takes or refuses, high half and low. */
const writes: readonly (readonly [number: number, high: number, low: number, taken: boolean])[] = [
  [0x277, 0x0007_0406, 0x0001_0506, true],
  [0x277, 0, 0x0002_0000, false],
  [0x277, 0x0300_0000, 0, false],
  [0x277, 0, 0x08, false],
  [0x2ff, 0, 0xc06, true],
  [0x2ff, 0, 0x1c06, false],
  [0x2ff, 0, 0xc02, false],
  [0x2ff, 0, 0x007, false],
  [0x2ff, 1, 0, false],
  [0x250, 0x0006_0501, 0x0400_0606, true],
  [0x250, 0, 0x0300, false],
  [0x26f, 0x0700_0000, 0, false],
  [0x200, 0, 0xf000_0006, true],
  [0x200, 0, 0xf000_0106, false],
  [0x200, 0, 0x0000_0002, false],
  [0x200, 1 << 20, 0, false],
  [0x201, 0, 0xf000_0800, true],
  [0x201, 0, 0xf000_0c00, false],
  [0x20f, 1 << 20, 0, false],
];

function prepare({ physical }: TestCpu): void {
  const vectors = Array.from({ length: 32 }, (_, vector) => [vector, handlers + vector] as const);
  for (const [, handler] of vectors) physical.write(handler, Uint8Array.of(0xf4));
  writeTables(physical, { gates, table }, vectors);
}

/** Runs a program at CPL 0; returns the vector of what it ended with, -1 for its own HLT. */
function run(parts: TestCpu, text: string): number {
  const { cpu, physical, machine } = parts;
  physical.write(code, assembleText(`${text}\nhlt`, { bits: 32, origin: code }));
  cpu.start({
    ...flatState(code, 0x9000),
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0xff },
  });
  let end = cpu.run(5000);
  for (let more = 0; more < 8 && end === 'budget'; more++) end = cpu.run(5000);
  expect(end).toBe('halt');
  const eip = (machine.i32[Word.rip] ?? 0) - 1;
  return eip >= handlers && eip < handlers + 32 ? eip - handlers : -1;
}

/** With OSFXSR, OSXMMEXCPT and OSXSAVE as far as the model has them. */
function withStates(parts: TestCpu, text: string): number {
  const bits =
    (has(parts, edx(24)) ? 0x200 : 0) |
    (has(parts, edx(25)) ? 0x400 : 0) |
    (has(parts, ecx(26)) ? 0x4_0000 : 0);
  return run(parts, bits === 0 ? text : `mov eax, ${bits}\nmov cr4, eax\n${text}`);
}

function cpuid(parts: TestCpu, leaf: number, subleaf: number): Record<Bit['register'], number> {
  expect(run(parts, `mov eax, ${leaf}\nmov ecx, ${subleaf}\ncpuid`)).toBe(-1);
  const [eax, ecx, edx, ebx] = [0, 2, 4, 6].map((word) => parts.machine.i32[Word.gpr + word] ?? 0);
  return { eax: eax ?? 0, ecx: ecx ?? 0, edx: edx ?? 0, ebx: ebx ?? 0 };
}

/** Whether the guest sees a bit; leaves beyond the highest have none. */
function has(parts: TestCpu, { leaf, subleaf = 0, register, bit }: Bit): boolean {
  const highest = cpuid(parts, leaf & 0x8000_0000, 0).eax >>> 0;
  if (highest < leaf >>> 0 || (leaf >>> 31 !== 0 && highest >>> 31 === 0)) return false;
  return ((cpuid(parts, leaf, subleaf)[register] >>> bit) & 1) !== 0;
}

describe.each(cpuModels.map(({ name }) => name))('the model %s', (name) => {
  const parts = makeCpu(1 << 20, 'interpreter', name);
  prepare(parts);

  it('has the instructions that CPUID shows, and no others', () => {
    for (const [text, needs] of instructions) {
      const isUndefined = withStates(parts, text) === undefinedOpcode;
      expect(isUndefined, text).toBe(!has(parts, needs));
    }
  });

  it('has LZCNT and TZCNT if CPUID shows them, else BSR and BSF', () => {
    const counts = (text: string): number | undefined => {
      expect(run(parts, `mov ecx, 0x50\n${text} eax, ecx`)).toBe(-1);
      return parts.machine.i32[Word.gpr];
    };
    expect(counts('lzcnt')).toBe(has(parts, extended('ecx', 5)) ? 25 : 6);
    expect(run(parts, 'xor ecx, ecx\nmov eax, 7\ntzcnt eax, ecx')).toBe(-1);
    expect(parts.machine.i32[Word.gpr]).toBe(has(parts, ebx7(3)) ? 32 : 7);
  });

  it('has WBINVD under F3, with WBNOINVD or without', () => {
    expect(run(parts, 'db 0xf3, 0x0f, 0x09')).toBe(-1);
  });

  it('has FFXSR of EFER if CPUID shows it', () => {
    if (!has(parts, extended('edx', 20))) return;
    const set = (bit: number): number =>
      run(parts, `mov ecx, 0xc0000080\nmov eax, ${1 << bit}\nxor edx, edx\nwrmsr`);
    expect(set(14)).toBe(has(parts, extended('edx', 25)) ? -1 : generalProtection);
    expect(set(15)).toBe(generalProtection);
  });

  it('has the registers that CPUID shows, and no others', () => {
    const missing = has(parts, edx(5)) ? generalProtection : undefinedOpcode;
    for (const [number, needs] of registers) {
      const expected = has(parts, needs) ? -1 : missing;
      expect(run(parts, `mov ecx, ${number}\nrdmsr`), number.toString(16)).toBe(expected);
    }
    // IA32_MCG_CTL is there with a bit of IA32_MCG_CAP only, which is clear.
    for (const number of [0x17b, 0x4000, 0x1234_5678, 0xc000_0500]) {
      expect(run(parts, `mov ecx, ${number}\nrdmsr`)).toBe(missing);
      expect(run(parts, `mov ecx, ${number}\nxor eax, eax\ncdq\nwrmsr`)).toBe(missing);
    }
  });

  it('names its vendor again with the extended leaves, as AMD does', () => {
    const { eax, ...vendor } = cpuid(parts, 0, 0);
    const { eax: highest, ...again } = cpuid(parts, 0x8000_0000, 0);
    const isAmd = vendor.ebx === 0x6874_7541;
    expect(highest >>> 31, `after ${eax}`).toBe(isAmd ? 1 : 0);
    if (isAmd) expect(again).toEqual(vendor);
  });

  it('has performance counters that do not count where the vendor always has them', () => {
    const isAmd = cpuid(parts, 0, 0).ebx === 0x6874_7541;
    for (const number of [0xc001_0000, 0xc001_0003, 0xc001_0004, 0xc001_0007]) {
      const text = `mov ecx, ${number}\nmov eax, 0x1234\nxor edx, edx\nwrmsr\nrdmsr`;
      const missing = has(parts, edx(5)) ? generalProtection : undefinedOpcode;
      expect(run(parts, text)).toBe(isAmd ? -1 : missing);
      if (isAmd) expect(parts.machine.i32[Word.gpr]).toBe(0);
    }
    if (!isAmd) return;
    for (const [number, expected] of [
      [3, -1],
      [4, generalProtection],
      [0x8000_0000, generalProtection],
    ]) {
      expect(run(parts, `mov ecx, ${number}\nmov eax, 5\nmov edx, 5\nrdpmc`)).toBe(expected);
      const [eax, edxValue] = [0, 4].map((word) => parts.machine.i32[Word.gpr + word] ?? 0);
      expect([eax, edxValue]).toEqual(expected === -1 ? [0, 0] : [5, 5]);
    }
  });

  it('has the bits of the debug control that such processors have', () => {
    const write = (low: number): number =>
      run(parts, `mov ecx, 0x1d9\nmov eax, ${low}\nxor edx, edx\nwrmsr`);
    const refused = has(parts, edx(5)) ? generalProtection : undefinedOpcode;
    const taken = has(parts, edx(15)) ? -1 : refused;
    // LBR, BTF and the pins; neither branch trace messages nor what came with RTM.
    expect([0x3f, 0x40, 0x8000, 0].map(write)).toEqual([taken, refused, refused, taken]);
  });

  it('refuses memory types and bits that are reserved in MTRRs and the PAT', () => {
    for (const [number, high, low, taken] of writes) {
      const text = `mov ecx, ${number}\nmov eax, ${low}\nmov edx, ${high}\nwrmsr\nrdmsr`;
      const isThere = has(parts, edx(number === 0x277 ? 16 : 12));
      const missing = has(parts, edx(5)) ? generalProtection : undefinedOpcode;
      const end = run(parts, text);
      const words = `${number.toString(16)} ${high.toString(16)} ${low.toString(16)}`;
      expect(end, words).toBe(isThere && taken ? -1 : missing);
      if (end !== -1) continue;
      const [eax, edxValue] = [0, 4].map((word) => parts.machine.i32[Word.gpr + word] ?? 0);
      expect([edxValue, eax], words).toEqual([high | 0, low | 0]);
    }
  });

  it('drops what SYSENTER does not use, and keeps the microcode level', () => {
    const missing = has(parts, edx(5)) ? generalProtection : undefinedOpcode;
    const results = [0x174, 0x175, 0x176].map((number) => {
      const text = `mov ecx, ${number}\nmov eax, 0x12345678\nmov edx, -1\nwrmsr\nrdmsr`;
      const end = run(parts, text);
      const [eax, high] = [0, 4].map((word) => parts.machine.i32[Word.gpr + word] ?? 0);
      return end === -1 ? [eax, high] : end;
    });
    expect(results).toEqual(Array(3).fill(has(parts, edx(11)) ? [0x1234_5678, 0] : missing));
    const level = (text: string): number =>
      run(parts, `mov ecx, 0x8b\n${text}\nrdmsr`) === -1 ? (parts.machine.i32[Word.gpr] ?? 0) : -1;
    expect(level('xor eax, eax\ncdq\nwrmsr')).toBe(level(''));
    expect(level('mov eax, 1\nxor edx, edx\nwrmsr')).toBe(-1);
  });

  it('has none of the registers of long mode', () => {
    const missing = has(parts, edx(5)) ? generalProtection : undefinedOpcode;
    for (const number of [0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0100, 0xc000_0102]) {
      expect(run(parts, `mov ecx, ${number}\nrdmsr`)).toBe(missing);
      expect(run(parts, `mov ecx, ${number}\nxor eax, eax\ncdq\nwrmsr`)).toBe(missing);
    }
  });

  it('has the bits of CR4 that CPUID shows, and no others', () => {
    const set = (bit: number): number => run(parts, `mov eax, ${2 ** bit}\nmov cr4, eax`);
    for (const [bit, needs] of controlBits) {
      expect(set(bit), `bit ${bit}`).toBe(has(parts, needs) ? -1 : generalProtection);
    }
    for (const bit of absentControlBits) expect(set(bit), `bit ${bit}`).toBe(generalProtection);
  });
});
