import { FORMS, Location } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import type { Bits } from './addressing.ts';
import { assembleText } from './assembler.ts';
import { encodeForm, operandSizes } from './encode.ts';
import { AssemblerError } from './error.ts';
import { bytesAt } from './fixup.ts';
import { VARIANTS, sampleOperands } from './test-samples.ts';

const ADDRESS = 0x1000;

/** Disassembles one instruction as NASM writes it. */
function disassemble(bytes: Uint8Array, bits: Bits): string {
  const options = DecoderOptions.NoMPFX_0FBC | DecoderOptions.NoMPFX_0FBD;
  const decoder = new Decoder(bits, bytes, options);
  decoder.ip = BigInt(ADDRESS);
  const instruction = decoder.decode();
  const formatter = new Formatter(FormatterSyntax.Nasm);
  formatter.hexPrefix = '0x';
  formatter.hexSuffix = '';
  const text = formatter.format(instruction);
  const whole = instruction.length === bytes.length ? text : `${text} and more`;
  formatter.free();
  instruction.free();
  decoder.free();
  return whole;
}

describe.each([16, 32, 64] as const)('text of %i-bit code as iced-x86 writes it', (bits) => {
  it('assembles to an instruction with the same text', () => {
    const wrong = new Set<string>();
    for (const form of FORMS) {
      if (isWrittenOtherwise(form)) continue;
      for (const operandSize of operandSizes(form, bits)) {
        for (let variant = 0; variant < VARIANTS; variant += 3) {
          const sample = sampleOperands(form, bits, operandSize, variant);
          const bytes = bytesAt(encodeForm(form, sample.operands, sample), ADDRESS);
          const text = bytes === undefined ? 'does not fit' : disassemble(bytes, bits);
          wrong.add(problem(text, bits));
        }
      }
    }
    wrong.delete('');
    expect([...wrong]).toEqual([]);
  });
});

function problem(text: string, bits: Bits): string {
  try {
    const again = disassemble(assembleText(text, { bits, origin: ADDRESS }), bits);
    return again === text ? '' : `${text} became ${again}`;
  } catch (error) {
    if (!(error instanceof AssemblerError)) throw error;
    return `${text}: ${error.message}`;
  }
}

/** Forms that NASM's syntax writes in a way of its own. */
function isWrittenOtherwise(form: Form): boolean {
  for (const { location, memorySize, size } of form.operands) {
    // Branches are relaxed, and far pointers have size words; both have tests of their own.
    if (location === Location.relative || location === Location.farPointer) return true;
    if (memorySize === 'p' && form.flow !== 'next') return true;
    // `mov ss, ax` and `mov ss, eax` are one instruction to us, without a prefix.
    if (memorySize === 'w' && size === 'v') return true;
  }
  // `fadd to st0` for the form that writes ST(i).
  if (/^F(ADD|SUBR?|MUL|DIVR?)$/.test(form.mnemonic) && form.opcode === 0xdc) return true;
  // Two operands of reserved no-operations, `pcmpestri64`, registers of INVLPGA, aliases of SHL,
  // `o64 sysret`, the order of XCHG.
  return OWN_SYNTAX.has(form.mnemonic);
}

const OWN_SYNTAX: ReadonlySet<string> = new Set(
  'NOP PCMPESTRI PCMPESTRM VPCMPESTRI VPCMPESTRM INVLPGA SAL SYSRET SYSEXIT XCHG'.split(' '),
);
