import { CpuState } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { TestMachine, unmappedPage } from './test-machine.ts';

const cr4 = CpuState.cr + 32;
const emulation = 4;
const taskSwitched = 8;
const osFxsr = 0x200;
const osXmmExceptions = 0x400;

const invalidOpcode = 6;
const deviceNotAvailable = 7;
const generalProtection = 13;
const simdException = 19;

describe('availability', () => {
  const cases: readonly (readonly [string, number, number, number])[] = [
    ['addps xmm0, xmm1', 1 | emulation, osFxsr, invalidOpcode],
    ['addps xmm0, xmm1', 1, 0, invalidOpcode],
    ['addps xmm0, xmm1', 1 | taskSwitched, osFxsr, deviceNotAvailable],
    ['addps xmm0, xmm1', 1 | taskSwitched | emulation, osFxsr, invalidOpcode],
    ['paddb mm0, mm1', 1 | emulation, 0, invalidOpcode],
    ['paddb mm0, mm1', 1 | taskSwitched, 0, deviceNotAvailable],
    ['paddb mm0, mm1', 1, 0, -1],
    ['cvtpi2ps xmm0, mm1', 1, 0, invalidOpcode],
    ['ldmxcsr [0x2000]', 1, 0, invalidOpcode],
    ['fxsave [0x2000]', 1 | taskSwitched, osFxsr, deviceNotAvailable],
    ['popcnt eax, ebx', 1 | taskSwitched | emulation, 0, -1],
    ['crc32 eax, ebx', 1 | taskSwitched | emulation, 0, -1],
    ['movnti [0x2000], eax', 1 | taskSwitched | emulation, 0, -1],
  ];
  it.each(cases)('%s with CR0 %i and CR4 %i ends in fault %i', (text, cr0, control, fault) => {
    const machine = new TestMachine();
    machine.setWord(CpuState.cr, cr0);
    machine.setWord(cr4, control);
    machine.execute(text);
    expect(machine.fault).toBe(fault);
  });

  it('raises #MF for a pending x87 exception before an MMX instruction', () => {
    const machine = new TestMachine();
    machine.setWord(CpuState.fpuStatus, 0x80);
    machine.execute('paddb mm0, mm1');
    expect(machine.fault).toBe(16);
  });
});

describe('memory operands', () => {
  const aligned = [
    'addps xmm0, [0x2008]',
    'movaps xmm0, [0x2001]',
    'movdqa [0x2008], xmm0',
    'pshufd xmm0, [0x2004], 0',
  ];
  it.each(aligned)('%s must be aligned', (text) => {
    const machine = new TestMachine();
    machine.execute(text);
    expect(machine.fault).toBe(generalProtection);
  });

  const free = [
    'movups xmm0, [0x2001]',
    'movdqu [0x2003], xmm0',
    'lddqu xmm0, [0x2005]',
    'pcmpistri xmm0, [0x2007], 0',
    'addss xmm0, [0x2001]',
    'cvtps2pd xmm0, [0x2001]',
  ];
  it.each(free)('%s may be misaligned', (text) => {
    const machine = new TestMachine();
    machine.execute(text);
    expect(machine.fault).toBe(-1);
  });

  it('that cross into a missing page leave the destination', () => {
    const machine = new TestMachine();
    machine.setXmm(0, '1');
    machine.set('ebx', unmappedPage - 8);
    machine.execute('movups xmm0, [ebx]');
    expect([machine.fault, machine.word(CpuState.cr + 16), machine.xmm(0).slice(-1)]).toEqual([
      14,
      unmappedPage,
      '1',
    ]);
  });

  it('of loads clear the rest of the register, between registers they keep it', () => {
    const machine = new TestMachine();
    machine.setXmm(0, '11111111 22222222 33333333 44444444');
    machine.setXmm(1, '55555555 66666666 77777777 88888888');
    machine.execute('movss xmm0, xmm1');
    expect(machine.xmm(0)).toBe('11111111222222223333333388888888');
    machine.ram.setUint32(0x2000, 0x99999999, true);
    machine.execute('movss xmm0, [0x2000]');
    expect(machine.xmm(0)).toBe('00000000000000000000000099999999');
  });
});

describe('MMX registers', () => {
  it('are the significands of the x87 registers and leave them valid, TOP 0', () => {
    const machine = new TestMachine();
    machine.setWord(CpuState.fpuStatus, 3 << 11);
    machine.setWord(CpuState.fpuTags, 0);
    machine.set('eax', 0x12345678);
    machine.execute('movd mm2, eax');
    const at = CpuState.fpu + 32;
    expect(machine.word(at)).toBe(0x12345678);
    expect([machine.word(at + 4), machine.view.getUint16(at + 8, true)]).toEqual([0, 0xffff]);
    expect([machine.word(CpuState.fpuStatus), machine.word(CpuState.fpuTags)]).toEqual([0, 0xff]);
    machine.execute('emms');
    expect(machine.word(CpuState.fpuTags)).toBe(0);
  });
});

describe('floating-point exceptions', () => {
  const setUp = (mxcsr: number, control = osFxsr | osXmmExceptions): TestMachine => {
    const machine = new TestMachine();
    machine.setWord(cr4, control);
    machine.setWord(CpuState.mxcsr, mxcsr);
    machine.setXmm(0, '3f800000');
    machine.setXmm(1, '0');
    return machine;
  };

  it('that are masked set their flag and give the default result', () => {
    const machine = setUp(0x1f80);
    machine.execute('divss xmm0, xmm1');
    expect(machine.xmm(0).slice(-8)).toBe('7f800000');
    expect(machine.word(CpuState.mxcsr)).toBe(0x1f84);
  });

  it('that are not masked set their flag, keep the destination and raise #XM', () => {
    const machine = setUp(0x1d80);
    machine.execute('divss xmm0, xmm1');
    expect([machine.fault, machine.xmm(0).slice(-8)]).toEqual([simdException, '3f800000']);
    expect(machine.word(CpuState.mxcsr)).toBe(0x1d84);
  });

  it('raise #UD where the system does not support #XM', () => {
    const machine = setUp(0x1d80, osFxsr);
    machine.execute('divss xmm0, xmm1');
    expect(machine.fault).toBe(invalidOpcode);
  });

  it('keep EFLAGS when a comparison raises them', () => {
    const machine = setUp(0x1f00);
    machine.setXmm(1, '7f800001');
    machine.flags = 0x8d7;
    machine.execute('comiss xmm0, xmm1');
    expect([machine.fault, machine.flags]).toEqual([simdException, 0x8d7]);
  });

  it('refuse reserved bits of MXCSR', () => {
    const machine = setUp(0x1f80);
    machine.ram.setUint32(0x2000, 0x1_1f80, true);
    machine.execute('ldmxcsr [0x2000]');
    expect([machine.fault, machine.word(CpuState.mxcsr)]).toEqual([generalProtection, 0x1f80]);
  });
});

describe('FXSAVE and FXRSTOR', () => {
  it('store registers from the top of the stack on and load them back', () => {
    const machine = new TestMachine();
    machine.setWord(CpuState.fpuStatus, 2 << 11);
    machine.setWord(CpuState.fpuTags, 0x04);
    machine.setWord(CpuState.fpu + 32, 0x1234);
    machine.setXmm(3, 'abcd');
    machine.execute('fxsave [0x2000]');
    expect(machine.ram.getUint32(0x2000 + 32, true)).toBe(0x1234);
    machine.setWord(CpuState.fpu + 32, 0);
    machine.setWord(CpuState.fpuStatus, 0);
    machine.setXmm(3, '0');
    machine.execute('fxrstor [0x2000]');
    expect(machine.word(CpuState.fpu + 32)).toBe(0x1234);
    expect([machine.word(CpuState.fpuStatus), machine.word(CpuState.fpuTags)]).toEqual([
      2 << 11,
      4,
    ]);
    expect(machine.xmm(3).slice(-4)).toBe('abcd');
  });

  it.each([
    [0, 0, 0x0043_0104],
    [0, 0x80, 0x0043_0104],
    [1, 0, 0],
    [1, 0x80, 0x0043_0104],
  ])('show pointers, with XSaveErPtr (%i) only beside an exception (status %i)', (...row) => {
    const [byError, status, shown] = row;
    const machine = new TestMachine();
    machine.setWord(CpuState.pointersByError, byError);
    machine.setWord(CpuState.fpuStatus, status);
    machine.setWord(CpuState.fpuOpcode, 0x104);
    machine.setWord(CpuState.fpuIp, 0x43);
    machine.execute('fxsave [0x2000]');
    const opcode = machine.ram.getUint16(0x2006, true);
    expect((machine.ram.getUint16(0x2008, true) << 16) | opcode).toBe(shown);
  });

  it('change nothing when the image ends on a missing page', () => {
    const machine = new TestMachine();
    machine.set('ebx', unmappedPage - 256);
    machine.ram.setUint32(unmappedPage - 256, 0x55555555, true);
    machine.execute('fxsave [ebx]');
    expect([machine.fault, machine.ram.getUint32(unmappedPage - 256, true)]).toEqual([
      14, 0x55555555,
    ]);
  });
});
