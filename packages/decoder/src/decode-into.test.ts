import { FORMS } from '@ringfence/isa';
import { describe, expect, it } from 'vitest';
import { decodeInto } from './decode-into.ts';
import {
  BASE_RIP,
  INVALID,
  INVALID_LOCK,
  Instruction,
  NEED_MORE,
  NO_FORM,
  OperandKind,
  Prefix,
  TOO_LONG,
} from './instruction.ts';

type Bits = 16 | 32 | 64;

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (byte) => parseInt(byte, 16));
}

function decoded(text: string, bits: Bits): Instruction {
  const bytes = bytesOf(text);
  const instruction = new Instruction();
  expect(decodeInto(instruction, bytes, 0, bytes.length, bits)).toBe(bytes.length);
  return instruction;
}

function resultOf(text: string, bits: Bits): number {
  const bytes = bytesOf(text);
  return decodeInto(new Instruction(), bytes, 0, bytes.length, bits);
}

describe('decodeInto', () => {
  it('fills registers, immediate and sizes of a plain instruction', () => {
    const instruction = decoded('81 c3 78 56 34 92', 32);
    expect(FORMS[instruction.form]?.encoding).toBe('81 /0');
    expect(instruction).toMatchObject({
      length: 6,
      operandSize: 32,
      addressSize: 32,
      operandCount: 2,
      immediate: 0x92345678 | 0,
    });
    expect([...instruction.operandKind]).toEqual([OperandKind.gpr32, OperandKind.immediate, 0, 0]);
    expect(instruction.operandRegister[0]).toBe(3);
    expect(instruction.operandBytes[0]).toBe(4);
  });

  it('reads base, index, scale and displacement from SIB', () => {
    expect(decoded('8b 84 b3 10 00 00 80', 32)).toMatchObject({
      base: 3,
      index: 6,
      scale: 2,
      displacement: 0x80000010 | 0,
      segment: 3,
    });
  });

  it('takes SS by default for EBP and ESP, and DS without a base', () => {
    expect(decoded('8b 45 04', 32).segment).toBe(2);
    expect(decoded('8b 04 24', 32).segment).toBe(2);
    expect(decoded('8b 04 2d 00 00 00 00', 32).segment).toBe(3);
  });

  it('reads 16-bit addressing, the bare displacement zero-extended', () => {
    expect(decoded('8b 42 fe', 16)).toMatchObject({ base: 5, index: 6, displacement: -2 });
    expect(decoded('8b 06 fe ff', 16)).toMatchObject({ base: -1, displacement: 0xfffe });
  });

  it('uses RIP as a base in 64-bit code only', () => {
    expect(decoded('8b 05 10 00 00 00', 64).base).toBe(BASE_RIP);
    expect(decoded('8b 05 10 00 00 00', 32).base).toBe(-1);
  });

  it('tells AH from SPL by the REX prefix', () => {
    const high = decoded('88 e0', 64);
    expect([high.operandKind[1], high.operandRegister[1]]).toEqual([OperandKind.gpr8High, 0]);
    const low = decoded('40 88 e0', 64);
    expect([low.operandKind[1], low.operandRegister[1]]).toEqual([OperandKind.gpr8, 4]);
  });

  it('forgets a REX prefix that another prefix follows', () => {
    expect(decoded('48 66 89 c8', 64)).toMatchObject({ operandSize: 16, rex: 0 });
  });

  it('keeps both halves of a 64-bit immediate', () => {
    expect(decoded('48 b8 ef cd ab 89 67 45 23 01', 64)).toMatchObject({
      immediate: 0x89abcdef | 0,
      immediateHigh: 0x01234567,
    });
  });

  it('sign-extends 32-bit immediates of 64-bit instructions', () => {
    expect(decoded('48 c7 c0 ff ff ff ff', 64)).toMatchObject({ immediate: -1, immediateHigh: -1 });
  });

  it('keeps level and size of ENTER apart, and selector and offset of a far pointer', () => {
    expect(decoded('c8 10 20 03', 32)).toMatchObject({ immediate: 0x2010, immediate2: 3 });
    expect(decoded('ea 34 12 00 f0', 16)).toMatchObject({ immediate: 0x1234, immediate2: 0xf000 });
  });

  it('lets the last of F2 and F3 count', () => {
    expect(decoded('f2 f3 a4', 32).prefixes).toBe(Prefix.rep);
    expect(decoded('f3 f2 a4', 32).prefixes).toBe(Prefix.repne);
  });

  it('ignores CS, DS, ES and SS overrides in 64-bit code', () => {
    expect(decoded('64 2e 8b 00', 64).segment).toBe(4);
    expect(decoded('2e 8b 00', 64).segment).toBe(3);
    expect(decoded('2e 8b 00', 32).segment).toBe(1);
  });

  it('decodes NOP, PAUSE and XCHG from 90', () => {
    const names = ['90', 'f3 90', '41 90'].map((text) => FORMS[decoded(text, 64).form]?.mnemonic);
    expect(names).toEqual(['NOP', 'PAUSE', 'XCHG']);
  });

  it('takes C4 for VEX where it cannot be LES, whose W, B and upper bit of vvvv do nothing', () => {
    for (const text of ['c4 e2 70 f2 c2', 'c4 c2 70 f2 c2', 'c4 e2 f0 f2 c2', 'c4 e2 30 f2 c2']) {
      const instruction = decoded(text, 32);
      expect(FORMS[instruction.form]?.mnemonic).toBe('ANDN');
      expect([...instruction.operandRegister]).toEqual([0, 1, 2, 0]);
      expect([...instruction.operandBytes]).toEqual([4, 4, 4, 0]);
    }
    expect(FORMS[decoded('c4 42 70', 32).form]?.mnemonic).toBe('LES');
    const wide = decoded('c4 42 b0 f2 c2', 64);
    expect([...wide.operandRegister]).toEqual([8, 9, 10, 0]);
    expect(wide.operandSize).toBe(64);
  });

  it('takes forms for what a processor takes them for', () => {
    const number = (mnemonic: string): number =>
      FORMS.findIndex((form) => form.mnemonic === mnemonic);
    const forms = Int16Array.from(FORMS, ({ index }) => index);
    forms[number('TZCNT')] = number('BSF');
    forms[number('POPCNT')] = NO_FORM;
    const nameOf = (text: string): string | undefined => {
      const bytes = bytesOf(text);
      const instruction = new Instruction();
      decodeInto(instruction, bytes, 0, bytes.length, 32, forms);
      return FORMS[instruction.form]?.mnemonic;
    };
    expect(['f3 0f bc c1', '0f bc c1', 'f3 0f b8 c1'].map(nameOf)).toEqual([
      'BSF',
      'BSF',
      undefined,
    ]);
    expect(FORMS[decoded('f3 0f bc c1', 32).form]?.mnemonic).toBe('TZCNT');
    const [bytes, absent] = [bytesOf('f3 0f b8 c1'), new Instruction()];
    expect(decodeInto(absent, bytes, 0, 4, 32, forms)).toBe(INVALID);
    expect(decodeInto(absent, bytes, 0, 3, 32, forms)).toBe(NEED_MORE);
  });

  it.each([
    ['0f ff', 32, NEED_MORE],
    ['0f a6 c0', 32, INVALID],
    ['c5 f8 77', 32, 3],
    ['c5 f0 77', 32, INVALID],
    // Gathers without SIB, with 16-bit addresses, with one register for index, mask, destination.
    ['c4 e2 69 90 0c 03', 32, 6],
    ['c4 e2 69 90 0b', 32, INVALID],
    ['67 c4 e2 69 90 0c', 32, INVALID],
    ['c4 e2 69 90 0c 0b', 32, INVALID],
    ['c4 e2 69 90 0c 13', 32, INVALID],
    ['c4 e2 69 90 14 03', 32, INVALID],
    // VEX.L, each forbidden prefix, maps 0 and 4, vvvv of an instruction without it, /0 of a group.
    ['c4 e2 74 f2 c2', 32, INVALID],
    ['66 c4 e2 70 f2 c2', 32, INVALID],
    ['f3 c4 e2 70 f2 c2', 32, INVALID],
    ['f2 c4 e2 70 f2 c2', 32, INVALID],
    ['f0 c4 e2 70 f2 c2', 32, INVALID],
    ['48 c4 e2 70 f2 c2', 64, INVALID],
    ['c4 e0 70 f2 c2', 32, INVALID],
    ['c4 e4 70 f2 c2', 32, INVALID],
    ['c4 e3 3b f0 c2 03', 32, INVALID],
    ['c4 e3 73 f0 c2 03', 32, INVALID],
    ['c4 e2 70 f3 c2', 32, INVALID],
    ['c4 e2 70 f2', 32, NEED_MORE],
    ['c4', 32, NEED_MORE],
    ['62 f1 7c 48 28 c0', 32, INVALID],
    ['8d c0', 32, INVALID],
    ['8e c8', 32, INVALID],
    ['8c f0', 32, INVALID],
    ['0f 20 c8', 32, INVALID],
    ['0f 20 e8', 32, INVALID],
    ['44 0f 21 c0', 64, INVALID],
    ['06', 64, INVALID],
    ['d6', 64, INVALID],
    ['66 0f c3 00', 32, INVALID],
    ['fe f8', 32, INVALID],
    ['ff f8', 32, INVALID],
    ['8f c8', 32, INVALID],
  ] as const)('says of %s in %i-bit code %i', (text, bits, result) => {
    expect(resultOf(text, bits)).toBe(result);
  });

  it('accepts LOCK only for lockable instructions that write memory', () => {
    expect(resultOf('f0 01 08', 32)).toBe(3);
    expect(resultOf('f0 01 c8', 32)).toBe(INVALID_LOCK);
    expect(resultOf('f0 8b 00', 32)).toBe(INVALID_LOCK);
    expect(resultOf('f0 0f c7 08', 32)).toBe(4);
  });

  it('asks for more until the last byte is there, and never reads past the end', () => {
    const whole = bytesOf('66 64 81 84 b3 10 00 00 80 34 12');
    for (let end = 0; end < whole.length; end++) {
      expect(decodeInto(new Instruction(), whole, 0, end, 32)).toBe(NEED_MORE);
      expect(decodeInto(new Instruction(), whole.slice(0, end), 0, end, 32)).toBe(NEED_MORE);
    }
    expect(decodeInto(new Instruction(), whole, 0, whole.length, 32)).toBe(whole.length);
  });

  it('allows fifteen bytes and not sixteen', () => {
    const fifteen = `${'66 '.repeat(14)}90`;
    expect(resultOf(fifteen, 32)).toBe(15);
    expect(resultOf(`66 ${fifteen}`, 32)).toBe(TOO_LONG);
    expect(resultOf('66 '.repeat(20).trim(), 32)).toBe(TOO_LONG);
  });

  it('says that bytes are missing, not too many, while the end hides which', () => {
    expect(resultOf('66 '.repeat(10).trim(), 32)).toBe(NEED_MORE);
    expect(resultOf('66 '.repeat(14).trim(), 32)).toBe(NEED_MORE);
  });

  it('resets a record that it uses again', () => {
    const used = decoded('f0 48 0f b1 84 b3 10 00 00 80', 64);
    const bytes = bytesOf('90');
    decodeInto(used, bytes, 0, 1, 64);
    const fresh = decoded('90', 64);
    expect({ ...used }).toEqual({ ...fresh });
  });

  it('leaves no form behind when it fails', () => {
    const instruction = decoded('90', 32);
    for (const text of ['0f a6 c0', 'f0 90', '0f', `${'66 '.repeat(15)}90`, '0f 20 c8']) {
      const bytes = bytesOf(text);
      expect(decodeInto(instruction, bytes, 0, bytes.length, 32)).toBeLessThanOrEqual(0);
      expect(instruction.form).toBe(NO_FORM);
    }
  });
});
