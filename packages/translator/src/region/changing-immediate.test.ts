import { assembleText } from '@ringfence/assembler';
import { decodeInto, Instruction } from '@ringfence/decoder';
import { CodeMode } from '@ringfence/memory';
import { FunctionBody } from '@ringfence/wasm';
import { describe, expect, it } from 'vitest';
import { explainedSource } from '../inspect/explain.ts';
import { irText } from '../inspect/ir-text.ts';
import { variantOf } from '../semantics/variant.ts';
import { immediateOf } from './changing-immediate.ts';
import { layOut } from './layout.ts';
import { PromotedRegisters } from './promoted-registers.ts';
import { blockIr } from './region-ir.ts';

const mode = CodeMode.valid | CodeMode.code32 | CodeMode.stack32 | CodeMode.flat;

function decoded(text: string): Instruction {
  const code = assembleText(text, { bits: 32 });
  const instruction = new Instruction();
  expect(decodeInto(instruction, code, 0, code.length, 32)).toBe(code.length);
  return instruction;
}

describe('the immediate at the end of an instruction', () => {
  it.each([
    ['mov ebx, 0x12345678', 4, 'i32.load'],
    ['mov bx, 0x1234', 2, 'i32.load16_s'],
    ['mov bl, 0x12', 1, 'i32.load8_u'],
    ['add ebx, 0x12', 1, 'i32.load8_s'],
    ['mov dword [0x9000], 5', 4, 'i32.load'],
    ['imul ebx, ecx, 0x12345678', 4, 'i32.load'],
    ['ret 8', 2, 'i32.load16_u'],
    ['pshufd xmm0, xmm1, 27', 1, 'i32.load8_u'],
    ['rol byte [eax], 0', 1, 'i32.load8_u'],
  ])('is read where %s stands', (text, bytes, load) => {
    const instruction = decoded(text);
    expect(immediateOf(instruction, variantOf(instruction, mode))).toEqual({ bytes, load });
  });

  it.each(['mov ebx, ecx', 'jmp $ + 0x1234', 'enter 8, 2', 'shl ebx, 3', 'mov eax, [0x9000]'])(
    'is none of %s, or not alone, or what the code is chosen by',
    (text) => {
      const instruction = decoded(text);
      expect(immediateOf(instruction, variantOf(instruction, mode))).toBeUndefined();
    },
  );

  it('comes from the page that its code-page block names', () => {
    const code = assembleText('mov ebx, 0x12345678\n ret', { bits: 32 });
    const [block] = layOut(explainedSource(code, 32), [0]);
    if (block === undefined) throw new Error('there is no block');
    const instructions = block.instructions.map((found, number) =>
      number === 0 ? { ...found, changing: { bytes: 4, load: 'i32.load' as const } } : found,
    );
    const registers = new PromotedRegisters(new FunctionBody(['i32', 'i32']));
    const text = irText(blockIr({ ...block, instructions }, registers));
    expect(text).toContain('code.block');
    expect(text).not.toContain('0x12345678');
  });
});
