import { describe, expect, it } from 'vitest';
import { Flag } from './flags.ts';
import { Access, Location } from './form.ts';
import { TableError, parseRow } from './parse-row.ts';

describe('parseRow', () => {
  it('reads mnemonic, operands with roles, and encoding', () => {
    const [form] = parseRow('ADD | Ev:rw, Ibs | 83 /0 | lock | w:oszapc | 8086', 7);
    expect(form).toMatchObject({
      index: 7,
      mnemonic: 'ADD',
      map: 0,
      opcode: 0x83,
      digit: 0,
      hasModrm: true,
      lockable: true,
      feature: '8086',
    });
    expect(form?.operands.map(({ text, access }) => [text, access])).toEqual([
      ['Ev', Access.readWrite],
      ['Ibs', Access.read],
    ]);
  });

  it('makes sixteen forms of a row whose mnemonic ends in cc', () => {
    const forms = parseRow('Jcc | Jz | 0F 80+cc | f64 branch | r:cc | 386', 100);
    expect(forms).toHaveLength(16);
    expect(forms[5]).toMatchObject({
      index: 105,
      mnemonic: 'JNE',
      operation: 'Jcc',
      condition: 5,
      opcode: 0x85,
      encoding: '0F 85',
      flags: { read: Flag.zero },
    });
  });

  it('tells the opcode maps apart', () => {
    const maps = ['0F 05', '0F 38 F0 /r', '0F 3A 0F /r', '38 /r', '0F 01 C1'].map(
      (encoding) => parseRow(`X | | ${encoding} | | | Y`, 0)[0]?.map,
    );
    expect(maps).toEqual([1, 2, 3, 0, 1]);
  });

  it('reads a VEX prefix', () => {
    const [plain] = parseRow('ANDN | Gy:w, By, Ey | VEX.LZ.0F38 F2 /r | | | BMI1', 0);
    expect(plain).toMatchObject({ vex: 'LZ', prefix: 'NP', map: 2, opcode: 0xf2, hasModrm: true });
    expect(plain?.operands[1]?.location).toBe(Location.vexGpr);
    const [prefixed] = parseRow('RORX | Gy:w, Ey, Ib | VEX.LZ.F2.0F3A F0 /r | | | BMI2', 0);
    expect(prefixed).toMatchObject({ vex: 'LZ', prefix: 'F2', map: 3, opcode: 0xf0 });
    expect(parseRow('BSF | Gv:rw, Ev | 0F BC /r | | | 386', 0)[0]?.vex).toBe('');
  });

  it('takes a second opcode byte as a ModRM byte', () => {
    const [fixed] = parseRow('VMCALL | | NP 0F 01 C1 | | | VMX', 0);
    expect(fixed).toMatchObject({ opcode: 1, digit: 0, rm: 1, mod: 'register', prefix: 'NP' });
    const [free] = parseRow('FADD | ST0:rw, STi | D8 C0+i | | | FPU', 0);
    expect(free).toMatchObject({ opcode: 0xd8, digit: 0, rm: -1, mod: 'register' });
  });

  it('restricts mod to memory by an M operand and to registers by 11B', () => {
    expect(parseRow('LEA | Gv:w, M:n | 8D /r | | | 8086', 0)[0]?.mod).toBe('memory');
    expect(parseRow('LFENCE | | NP 0F AE /5 11B | | | SSE2', 0)[0]?.mod).toBe('register');
    expect(parseRow('MOV | Rn:w, Cn | 0F 20 /r | f64 priv | | 386', 0)[0]?.mod).toBe('ignored');
  });

  it('reads a register form and a memory form of different size', () => {
    const [form] = parseRow('SLDT | Rv/Mw:w | 0F 00 /0 | sens | | 286', 0);
    expect(form?.operands[0]).toMatchObject({
      location: Location.rmGpr,
      size: 'v',
      memorySize: 'w',
      access: Access.write,
    });
    expect(form?.class).toBe('sensitive');
  });

  it('reads every kind of flag effect', () => {
    const [form] = parseRow('X | | 90 | | r:c w:sz 0:o 1:d u:a ? | Y', 0);
    expect(form?.flags).toEqual({
      read: Flag.carry,
      written: Flag.sign | Flag.zero,
      cleared: Flag.overflow,
      set: Flag.direction,
      undefined: Flag.adjust,
      modified: Flag.sign | Flag.zero | Flag.overflow | Flag.direction | Flag.adjust,
      conditional: true,
    });
  });

  it.each([
    ['five columns', 'X | | 90 | | '],
    ['an unknown attribute', 'X | | 90 | fast | | Y'],
    ['an unknown flag', 'X | | 90 | | w:q | Y'],
    ['an unknown flag effect', 'X | | 90 | | z:o | Y'],
  ])('refuses %s', (_, row) => {
    expect(() => parseRow(row, 0)).toThrow(TableError);
  });

  it.each([
    ['an unknown operand', 'X | Kq | 90 | | | Y'],
    ['an unknown role', 'X | Ev:x | 90 | | | Y'],
    ['an unknown encoding token', 'X | | 90 /9 | | | Y'],
    ['an unknown VEX prefix', 'X | | VEX.L2.0F38 90 /r | | | Y'],
    ['a second opcode byte that is no register form', 'X | | D9 12 | | | Y'],
  ])('refuses %s in an operand or encoding', (_, row) => {
    expect(() => parseRow(row, 0)).toThrow(/^isa: /);
  });
});
