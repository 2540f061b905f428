import { CpuState } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { codeAddress, TestMachine, unmappedPage } from './test-machine.ts';

const numericError = 0x20;
const data = 0x9000;

/** A machine with CR0.PE and CR0.NE after FNINIT. */
function machine(): TestMachine {
  const m = new TestMachine();
  m.setWord(CpuState.cr, 1 | numericError);
  run(m, 'fninit');
  return m;
}

function run(m: TestMachine, ...lines: string[]): void {
  for (const line of lines) {
    m.execute(line);
    if (m.fault >= 0) throw new Error(`${line} faults with ${m.fault}`);
  }
}

/** ST(i) as sign and exponent, then significand, in hexadecimal. */
function st(m: TestMachine, number = 0): string {
  const top = (m.word(CpuState.fpuStatus) >> 11) & 7;
  const at = CpuState.fpu + 16 * ((top + number) & 7);
  const word = m.view
    .getUint16(at + 8, true)
    .toString(16)
    .padStart(4, '0');
  return `${word} ${m.view.getBigUint64(at, true).toString(16).padStart(16, '0')}`;
}

function setControl(m: TestMachine, value: number): void {
  m.ram.setUint16(data, value, true);
  run(m, `fldcw word ptr [${data}]`);
}

/** Pushes a double. */
function push(m: TestMachine, value: number): void {
  m.ram.setFloat64(data + 8, value, true);
  run(m, `fld qword ptr [${data + 8}]`);
}

function popDouble(m: TestMachine): number {
  run(m, `fstp qword ptr [${data + 8}]`);
  return m.ram.getFloat64(data + 8, true);
}

describe('x87 constants', () => {
  // Significands rounded to nearest, down, up and towards zero: SDM vol. 2A, FLDPI.
  const cases: [string, string[]][] = [
    ['fldpi', ['235', '234', '235', '234']],
    ['fldl2t', ['afe', 'afe', 'aff', 'afe']],
    ['fldl2e', ['0bc', '0bb', '0bc', '0bb']],
    ['fldlg2', ['799', '798', '799', '798']],
    ['fldln2', ['9ac', '9ab', '9ac', '9ab']],
    ['fld1', ['000', '000', '000', '000']],
  ];
  it.each(cases)('are rounded by RC: %s', (name, digits) => {
    const found = [0, 1, 2, 3].map((mode) => {
      const m = machine();
      setControl(m, 0x37f | (mode << 10));
      run(m, name);
      return st(m).slice(-3);
    });
    expect(found).toEqual(digits);
  });
});

describe('x87 arithmetic', () => {
  it('adds, subtracts, multiplies and divides doubles', () => {
    const m = machine();
    push(m, 10);
    push(m, 4);
    run(m, 'fdivp st(1), st');
    push(m, 0.5);
    run(m, 'fsubp st(1), st');
    run(m, 'fmul st, st(0)');
    push(m, 3);
    run(m, 'faddp st(1), st');
    expect(popDouble(m)).toBe(7);
  });

  it('rounds to the precision that PC asks for', () => {
    const thirds = [0, 2, 3].map((precision) => {
      const m = machine();
      setControl(m, 0x7f | (precision << 8));
      push(m, 1);
      push(m, 3);
      run(m, 'fdivp st(1), st');
      return st(m);
    });
    expect(thirds).toEqual([
      '3ffd aaaaab0000000000',
      '3ffd aaaaaaaaaaaaa800',
      '3ffd aaaaaaaaaaaaaaab',
    ]);
  });

  it('takes roots that are exact without the precision exception', () => {
    const m = machine();
    push(m, 1.0e10);
    run(m, 'fsqrt');
    expect(m.word(CpuState.fpuStatus) & 0x3f).toBe(0);
    expect(popDouble(m)).toBe(1.0e5);
  });
});

describe('transcendental instructions', () => {
  it('reduce by the 66-bit pi of processors', () => {
    const m = machine();
    run(m, 'fldpi', 'fsin');
    expect(st(m)).toBe('bfbf 8000000000000000');
  });

  it('give the constants of the processor', () => {
    const m = machine();
    push(m, 1);
    push(m, 10);
    run(m, 'fyl2x', 'fldl2t', 'fcompp', 'fnstsw ax');
    expect(m.get('eax') & 0x4500).toBe(0x4000);
    push(m, 1);
    run(m, 'fld1', 'fpatan', 'fldpi', 'fscale');
    push(m, 4);
    run(m, 'fmulp st(2), st', 'fldpi', 'fcomp st(2)', 'fnstsw ax');
    expect(m.get('eax') & 0x4500).toBe(0x4000);
  });

  it('set C2 and leave the operand beyond 2^63', () => {
    const m = machine();
    push(m, 2 ** 63);
    const before = st(m);
    run(m, 'fcos');
    expect(st(m)).toBe(before);
    expect(m.word(CpuState.fpuStatus) & 0x400).toBe(0x400);
  });

  it.each([0.001, 0.7, 1, 2.5, -3, 100, -1234.5, 1e6])('agree with the host at %d', (value) => {
    const m = machine();
    push(m, value);
    run(m, 'fsincos');
    expect(popDouble(m)).toBeCloseTo(Math.cos(value), 12);
    expect(popDouble(m)).toBeCloseTo(Math.sin(value), 12);
    push(m, 0.5);
    push(m, value);
    run(m, 'fpatan');
    expect(popDouble(m)).toBeCloseTo(Math.atan2(0.5, value), 14);
  });
});

describe('x87 exceptions', () => {
  it('are reported by the next waiting instruction when CR0.NE is set', () => {
    const m = machine();
    setControl(m, 0x37b);
    run(m, 'fldz', 'fld1');
    run(m, 'fdiv st, st(1)');
    expect(st(m)).toBe('3fff 8000000000000000');
    expect(m.word(CpuState.fpuStatus) & 0x8084).toBe(0x8084);
    m.execute('fld1');
    expect(m.fault).toBe(16);
    m.execute('fnstsw ax');
    expect(m.fault).toBe(-1);
  });

  it('are reported to WAIT and to MMX instructions too', () => {
    for (const text of ['wait', 'paddb mm0, mm1']) {
      const m = machine();
      setControl(m, 0x37b);
      run(m, 'fldz', 'fld1', 'fdiv st, st(1)');
      m.execute(text);
      expect(m.fault).toBe(16);
      expect(m.eip).toBe(codeAddress);
    }
  });

  it('keep the stack as it is when a store overflows without a mask', () => {
    const m = machine();
    setControl(m, 0x377);
    push(m, 1e300);
    m.ram.setUint32(data + 16, 0x1234_5678, true);
    run(m, `fstp dword ptr [${data + 16}]`);
    expect(m.ram.getUint32(data + 16, true)).toBe(0x1234_5678);
    expect(m.word(CpuState.fpuStatus)).toBe(0xb888);
  });
});

describe('FFREE and FFREEP', () => {
  it.each(['ffree st(3)', 'ffreep st(3)'])('clear C1: %s (dd c3 on an AMD EPYC)', (text) => {
    const m = machine();
    // The ninth load overflows the stack.
    run(m, ...Array.from({ length: 9 }, () => 'fldz'));
    expect(m.word(CpuState.fpuStatus) & 0x4740).toBe(0x0240);
    run(m, text);
    expect(m.word(CpuState.fpuStatus) & 0x4740).toBe(0x0040);
  });
});

describe('x87 faults', () => {
  it.each([
    [4, 'EM'],
    [8, 'TS'],
  ])('are #NM with CR0 bit %d (%s)', (bit) => {
    const m = machine();
    m.setWord(CpuState.cr, 1 | bit);
    m.execute('fadd st, st(1)');
    expect(m.fault).toBe(7);
  });

  it('of a store leave status and stack alone', () => {
    const m = machine();
    push(m, 1 / 3);
    const before = m.word(CpuState.fpuStatus);
    m.execute(`fstp dword ptr [${unmappedPage}]`);
    expect(m.fault).toBe(14);
    expect(m.word(CpuState.fpuStatus)).toBe(before);
    expect(m.word(CpuState.fpuTags)).toBe(0x80);
  });
});

describe('x87 pointers', () => {
  it('name the last instruction and its operand', () => {
    const m = machine();
    push(m, 1);
    expect(m.word(CpuState.fpuIp)).toBe(codeAddress);
    expect(m.word(CpuState.fpuDp)).toBe(data + 8);
    run(m, 'fadd st, st(3)');
    expect(m.word(CpuState.fpuOpcode)).toBe(0x0c3);
    expect(m.word(CpuState.fpuDp)).toBe(data + 8);
  });

  // Opcode registers of an AMD EPYC: the first byte's low three bits and ModRM.
  it.each([
    ['fld dword ptr [0x9000]', 0x105],
    ['fld dword ptr [ebx]', 0x103],
    ['fld dword ptr [ebx + 8]', 0x143],
    ['fld dword ptr [ebx + 0x1000]', 0x183],
    ['fadd qword ptr [esp]', 0x404],
    ['fstp tbyte ptr [ebp + ebx]', 0x37c],
  ])('show how %s names its operand', (text, opcode) => {
    const m = machine();
    m.set('ebx', data);
    m.set('ebp', 0);
    m.set('esp', data);
    run(m, 'fldz', text);
    expect(m.word(CpuState.fpuOpcode).toString(16)).toBe(opcode.toString(16));
  });

  it('are left alone by control instructions', () => {
    const m = machine();
    run(m, 'fld1');
    const opcode = m.word(CpuState.fpuOpcode);
    run(m, 'fnclex', 'fnstsw ax');
    expect(m.word(CpuState.fpuOpcode)).toBe(opcode);
  });
});
