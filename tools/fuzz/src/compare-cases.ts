/** Runs generated cases here and elsewhere and tells where they differ: see main.ts. */
import { runBochs } from './bochs.ts';
import { undefinedFlags } from './flag-mask.ts';
import { caseImage } from './case-kernel.ts';
import { recordWords } from './case-layout.ts';
import type { GeneratedCase } from './cases.ts';
import {
  caseModes,
  generateCase,
  localDescriptor,
  localEntries,
  nativeModes,
  randomDescriptors,
} from './cases.ts';
import { runQemu, runRingfence } from './executors.ts';
import { runNative } from './native.ts';

/** Who else runs cases: QEMU, Bochs, or a process on the processor of this machine. */
export type CaseSource = 'qemu' | 'bochs' | 'native';

/** What a case did: the words of its record. */
export type CaseRecord = readonly number[];

const names =
  'number vector error eip cs eflags edi esi ebp esp ebx edx ecx eax es ds fs gs ss cr2 sum'.split(
    ' ',
  );

/** Splits the output of a run into records. */
export function recordsOf(output: Uint8Array): CaseRecord[] {
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const count = Math.floor(output.byteLength / (4 * recordWords));
  return Array.from({ length: count }, (_, index) =>
    Array.from({ length: recordWords }, (_unused, word) =>
      view.getUint32(4 * (index * recordWords + word), true),
    ),
  );
}

/** The fields in which two records differ, leaving out what the manual leaves undefined. */
export function differences(
  one: CaseRecord,
  other: CaseRecord,
  generated: GeneratedCase,
  source: CaseSource,
): string[] {
  const mask = undefinedFlags(generated);
  if (source === 'bochs' && bochsDiffers(generated)) return [];
  if (source === 'qemu' && (isKnownDifference(one, other) || qemuDiffers(generated))) return [];
  return names.flatMap((name, index) => {
    // QEMU never saves RF, and keeps VIF and VIP that an IRET at CPL 1 to 3 has set.
    // A process cannot clear NT and ID between two cases.
    const keep = name === 'eflags' ? ~(mask | 0x39_4200) : -1;
    const left = ((one[index] ?? 0) & keep) >>> 0;
    const right = ((other[index] ?? 0) & keep) >>> 0;
    return left === right ? [] : [`${name} ${left.toString(16)} ${right.toString(16)}`];
  });
}

/** The result of comparing one batch. */
export interface BatchResult {
  readonly cases: readonly GeneratedCase[];
  readonly interpreter: readonly CaseRecord[];
  readonly other: readonly CaseRecord[];
  readonly ends: readonly string[];
}

/** Runs the cases of `count` seeds from `seed` on. */
export async function runBatch(
  seed: number,
  count: number,
  other: CaseSource,
): Promise<BatchResult> {
  const modes = other === 'native' ? nativeModes : caseModes;
  const cases = Array.from({ length: count }, (_, index) => generateCase(seed + index, modes));
  const entries = localEntries(seed);
  const image = caseImage(
    cases.map(({ bytes }) => bytes),
    randomDescriptors(seed),
    [[0, 0], ...entries.map(localDescriptor)],
  );
  const here = await runRingfence(image, 'interpreter', { cpu: 'max' });
  const run = other === 'bochs' ? runBochs : runQemu;
  const there = other === 'native' ? runNative(cases, entries) : run(image);
  return {
    cases,
    interpreter: recordsOf(here.output),
    other: recordsOf(there.output),
    ends: [here.end, there.end],
  };
}

const generalProtection = 13;
const stackFault = 12;
const pageFault = 14;

/**
 * What QEMU's TCG does differently everywhere: it looks at no segment limit, and a read that is to
 * be followed by a write is a read to it.
 */
function isKnownDifference(one: CaseRecord, other: CaseRecord): boolean {
  const [, vector = 0, error = 0] = one;
  const [, otherVector = 0, otherError = 0] = other;
  if ((vector === generalProtection || vector === stackFault) && error === 0) {
    return otherVector !== vector || otherError !== 0;
  }
  return vector === pageFault && otherVector === pageFault && (error ^ otherError) === 2;
}

/**
 * Instructions that QEMU 7.2 does in another way than processors: MOVBE of 16 bits in 16-bit code,
 * BSWAP of 16 bits, TEST by F6 /1; FCOMI leaves AF, SF and OF; stores of an empty x87 register.
 */
function qemuDiffers({ form, mode }: GeneratedCase): boolean {
  const { mnemonic } = form;
  if (/^(FU?COMIP?|FI?STT?P?|FBSTP|FISTTP|BSWAP)$/.test(mnemonic)) return true;
  if (mnemonic === 'TEST') return form.digit === 1;
  return mnemonic === 'MOVBE' && /16|virtual/.test(mode);
}

/**
 * What Bochs 2.7 does as some processors do and this project as others: PUSH of a segment register
 * writes 16 bits only, near CALL writes its return address before its target is looked at.
 */
function bochsDiffers({ form }: GeneratedCase): boolean {
  const { mnemonic, operands } = form;
  if (mnemonic === 'CALL') return true;
  return mnemonic === 'PUSH' && operands.some(({ text }) => /^[CDEFGS]S$/.test(text));
}
