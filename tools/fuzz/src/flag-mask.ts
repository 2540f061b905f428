/** Which flags a generated case leaves undefined. */
import { decodeInto, flagEffects, Instruction } from '@ringfence/decoder';
import type { GeneratedCase } from './cases.ts';

const arithmetic = 0x8d5;

/** EFLAGS bits that the manual does not define after the case's instruction. */
export function undefinedFlags({ code, mode }: GeneratedCase): number {
  const instruction = new Instruction();
  decodeInto(instruction, code, 0, code.length, /16|virtual/.test(mode) ? 16 : 32);
  return flagEffects(instruction).undefined & arithmetic;
}
