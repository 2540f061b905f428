import { assembleText } from '@ringfence/assembler';
import { FunctionBody } from '@ringfence/wasm';
import { describe, expect, it } from 'vitest';
import { explainedSource } from '../inspect/explain.ts';
import { layOut } from './layout.ts';
import { PromotedRegisters } from './promoted-registers.ts';
import { blockIr } from './region-ir.ts';

const source = `
  mov eax, [ebx]
  mov ecx, [ebp - 8]
  add eax, [ebx + 4]
  add ecx, [ebp - 4]
  hlt`;

/** Bytes of the group that each access of the code is in, undefined for one that is in none. */
function groups(isApart: (base: number) => boolean, text: string = source): (number | undefined)[] {
  const bytes = assembleText(text, { bits: 32, origin: 0 });
  const [block] = layOut(explainedSource(bytes, 32), [0]);
  if (block === undefined) throw new Error('no block');
  const instructions = block.instructions.map((found) => {
    return { ...found, isApart: isApart(found.instruction.base) };
  });
  const registers = new PromotedRegisters(new FunctionBody(['i32', 'i32']));
  const ir = blockIr({ ...block, instructions }, registers);
  return ir.filter(({ op }) => op === 'guest.load').map(({ group }) => group?.bytes);
}

describe('accesses of a block', () => {
  it('share a look-up with those near them by the same register', () => {
    expect(groups(() => false)).toEqual([8, 8, 8, 8]);
  });

  it('go on to share it where those by another register do not', () => {
    expect(groups((base) => base === 3)).toEqual([undefined, 8, undefined, 8]);
  });

  it('of a small table are a group, in one page or by a register that stays', () => {
    const text = (address: string): string => `
      mov ecx, eax
      and ecx, 63
      movzx edx, bl
      mov eax, [${address}]
      hlt`;
    const table = (address: string): unknown => groups(() => false, text(address));
    expect(table('ecx * 4 + 0x3000')).toEqual([256]);
    expect(table('edx * 4 + 0x3c00')).toEqual([1024]);
    expect(table('edx * 4 + 0x3c04')).toEqual([undefined]);
    expect(table('edi + ecx * 4 + 8')).toEqual([256]);
    expect(table('edi + edx * 8')).toEqual([undefined]);
    expect(table('edx + ecx * 4')).toEqual([511]);
    expect(table('edi + esi * 4')).toEqual([undefined]);
  });
});
