import {
  Code,
  Decoder,
  Formatter,
  FormatterSyntax,
  Instruction as IcedInstruction,
  MemorySizeOptions,
} from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { decodeInto } from './decode-into.ts';
import { formatAtt } from './format-att.ts';
import { formatIntel } from './format-intel.ts';
import { Instruction } from './instruction.ts';
import { structuredBatches } from './test-batches.ts';
import { ICED_OPTIONS, STRIDE } from './test-iced.ts';

type Rule = readonly [pattern: RegExp, replacement: string];

/**
 * Instructions whose text differs for the reasons in test-differences.ts, or is a matter of taste.
 */
const SKIPPED: readonly RegExp[] = [
  // Decoding differs, see test-differences.ts.
  /^(Reservednop|Prefetchit|Cldemote|Rdssp|Pause|Vmgexit|(VEX_V)?Pcmpestr[im]64)/i,
  /^(P?blendv|Sha256rnds2)/i,
  // iced-x86 shows the word of a register that is decoded as 32 or 64 bits wide.
  /^(Arpl|Mov_Sreg|Lldt|Ltr|Verr|Verw|Lmsw|Lar|Lsl)_/,
  // The multi-byte no-operation 66 90 is shown as the exchange that it also is.
  /^Nop[wdq]$/,
  // Ten bytes in 64-bit code: SDM vol. 2B, LGDT, m16&64.
  /^[LS][gi]dt_m1664$/,
  // We keep the manual's name of the undocumented alias.
  /^Sal_/,
  // iced-x86 shows the 32-bit name of a register that it decodes as 64 bits wide.
  /^(VEX_V)?(movmskp[sd]|pinsr[bw]|pextr[bw]|pmovmskb|extractps)_.*r64/i,
  // The override of the implied address has no place in the operands.
  /^(VEX_V)?maskmov(q|dqu)_/i,
  /^Clzero/,
  // iced-x86 has short names for AAM and AAD with 10, and none for D9 D8 in AT&T syntax.
  /^(Aam|Aad|Fstpnce)_/,
];

/** Prefixes without effect, and 66 and 67 where they show otherwise; branch hints. */
const COMMON: readonly Rule[] = [
  [/^((data|addr)(16|32|64) |rex\.w |bnd |notrack |xacquire |xrelease |hint-(not-)?taken )+/, ''],
  [/^(\.byte 0x66; )/, ''],
  [/^rep (ret|call|jmp)/, '$1'],
  [/,p[nt]\b/, ''],
  [/^fwait$/, 'wait'],
  [/^prefetch(w?)_(reserved|exclusive) /, 'prefetch$1 '],
  // The manual of AMD gives these no operands.
  [/^(vmrun|vmload|vmsave|skinit|invlpga) .*/, '$1'],
  // An override that has no effect: that of the destination of a string, of LEA.
  [/\bes:(?=\[[er]?di\](, |$))/, ''],
  [/%es:(?=\(%[er]?di\)(, |$))/, ''],
];

const INTEL: readonly Rule[] = [
  ...COMMON,
  // Areas of the x87 have no size word.
  [/fpu(env|state)\d+ ptr /, ''],
  [/^(fst|fstp|fstpnce) (st\(\d\)), st$/, '$1 $2'],
  [/^ret far/, 'retf'],
  [/far (0x\w+), (0x\w+)/, 'far $2:$1'],
  [/^xlat /, 'xlatb '],
  // The manual writes x87 instructions with a memory operand without ST.
  [/^(fi?\w+) st, (\w+ ptr)/, '$1 $2'],
  [/^(f\w+ \w+ ptr .*\]), st$/, '$1'],
  [/^(fi?st\w*|fbstp) (.*\]), st$/, '$1 $2'],
  [/^fld st, st/, 'fld st'],
];

const ATT: readonly Rule[] = [
  ...COMMON,
  // A SIB byte without index.
  [/\((%\w+),\)/, '($1)'],
  // An index without a base.
  [/\(,(%\w+)\)/, '(,$1,1)'],
  // Letters of the areas of the x87, and of descriptor tables.
  [/^(fldenv|fnstenv|fnsave|frstor)[sl] /, '$1 '],
  [/^([ls][gi]dt)[wl] /, '$1 '],
  [/^mov(s|z)xw /, 'mov$1ww '],
  [/^xlatb /, 'xlat '],
  // The manual's name says the size already.
  [/\b(lods|scas) (.*), %(al|ax|eax|rax)$/, '$1 $2'],
  [/\bstos %(al|ax|eax|rax), /, 'stos '],
];

/** Letters that we always write and iced-x86 writes for other than the default size only. */
const UNSIZED =
  /\b(stos|lods|scas|popf|pushf|pusha|popa|iret|lret|lcall|ljmp|sysret|sysexit)[bwlq]\b/;

interface TextDifference {
  readonly code: string;
  readonly ours: string;
  readonly theirs: string;
}

function newFormatter(syntax: FormatterSyntax): Formatter {
  const formatter = new Formatter(syntax);
  formatter.hexPrefix = '0x';
  formatter.hexSuffix = '';
  formatter.uppercaseHex = false;
  formatter.spaceAfterOperandSeparator = true;
  formatter.smallHexNumbersInDecimal = false;
  formatter.addLeadingZeroToHexNumbers = false;
  formatter.branchLeadingZeros = false;
  formatter.usePseudoOps = false;
  formatter.ripRelativeAddresses = true;
  formatter.showBranchSize = false;
  if (syntax === FormatterSyntax.Intel) formatter.memorySizeOptions = MemorySizeOptions.Always;
  return formatter;
}

function normalize(text: string, rules: readonly Rule[]): string {
  return rules.reduce(
    (result, [pattern, replacement]) => result.replace(pattern, replacement),
    text,
  );
}

/** Compares one text in 16 of a structured run. */
function compareTexts(
  bits: 16 | 32 | 64,
  syntax: FormatterSyntax,
  ourText: (instruction: Instruction, ip: bigint) => string,
  rules: readonly Rule[],
): { differences: TextDifference[]; compared: number } {
  const differences: TextDifference[] = [];
  const formatter = newFormatter(syntax);
  const ours = new Instruction();
  const iced = new IcedInstruction();
  let compared = 0;
  structuredBatches(7 + bits, bits, (data) => {
    const decoder = new Decoder(bits, data, ICED_OPTIONS);
    for (let offset = 0; offset < data.length; offset += STRIDE * 3) {
      if (decodeInto(ours, data, offset, data.length, bits) <= 0) continue;
      decoder.position = offset;
      decoder.ip = 0x1000n;
      decoder.decodeOut(iced);
      const code = Code[iced.code] ?? '';
      if (iced.isInvalid || SKIPPED.some((pattern) => pattern.test(code))) continue;
      compared++;
      const left = normalize(ourText(ours, 0x1000n), COMMON).replace(UNSIZED, '$1');
      const right = normalize(formatter.format(iced), rules).replace(UNSIZED, '$1');
      if (left !== right && differences.length < 40) {
        differences.push({ code, ours: left, theirs: right });
      }
    }
    decoder.free();
  });
  iced.free();
  formatter.free();
  return { differences, compared };
}

describe.each([16, 32, 64] as const)('text of %i-bit instructions', (bits) => {
  it('in Intel syntax is that of iced-x86', () => {
    const result = compareTexts(bits, FormatterSyntax.Intel, formatIntel, INTEL);
    expect(result.differences).toEqual([]);
    expect(result.compared).toBeGreaterThan(80_000);
  });

  it('in AT&T syntax is that of iced-x86', () => {
    const result = compareTexts(bits, FormatterSyntax.Gas, formatAtt, ATT);
    expect(result.differences).toEqual([]);
    expect(result.compared).toBeGreaterThan(80_000);
  });
});
