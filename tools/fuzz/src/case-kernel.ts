/**
 * A multiboot kernel that runs many small cases, each in its own mode and with its own registers,
 * and writes one record for each to the debug console: what happened, and the state then.
 *
 *     case:    0 EIP   4 CS   8 EFLAGS  12 ESP  16 SS  20 ES  24 DS  28 FS  32 GS
 *              36 EDI ESI EBP EBX EDX ECX EAX (seven words)   64 code, 32 bytes
 *     record:  number, vector, error code, EIP, CS, EFLAGS, EDI ESI EBP ESP EBX EDX ECX EAX,
 *              ES DS FS GS SS (a word each, 0 for an inner stack's), CR2, sum over the data
 *
 * Code runs in the 64 KiB at `codeBase`, full of INT3; data and stack are the 64 KiB at `dataBase`,
 * the same before each case, as are the descriptor tables. User-mode code is kept in by paging,
 * code of other levels by the limits of its segments.
 */
import { Assembler } from '@ringfence/assembler';
import { loopText, setupText, trapText } from './case-kernel-text.ts';
import { caseBytes, codeBase, dataBase, ldtEntries, recordWords } from './case-layout.ts';

/** Selectors of segments that cases run with, the RPL included. */
export const CaseSelector = {
  /** 32-bit and 16-bit code with base `codeBase`, for levels 0 to 3. */
  code32: [0x30, 0x39, 0x42, 0x4b],
  code16: [0x50, 0x59, 0x62, 0x6b],
  /** Data with base `dataBase`, for levels 0 to 3. */
  data: [0x70, 0x79, 0x82, 0x8b],
  /** Flat segments for level 3. */
  flatCode3: 0x1b,
  flatData3: 0x23,
  /** Local descriptors: 32-bit code, 16-bit code and data of level 3, bases as above. */
  localCode32: 0x0f,
  localCode16: 0x17,
  localData: 0x1f,
  /** The first of the entries that differ from run to run, and how many there are. */
  random: 0xa0,
  randomCount: 32,
} as const;

const origin = 0x10_0000;

/** A descriptor as two words. */
export type Descriptor = readonly [low: number, high: number];

function descriptor(base: number, limit: number, access: number, flags: number): Descriptor {
  return [
    ((limit & 0xffff) | (base << 16)) >>> 0,
    (((base >>> 16) & 0xff) |
      (access << 8) |
      (((limit >>> 16) & 15) << 16) |
      (flags << 20) |
      (base & 0xff00_0000)) >>>
      0,
  ];
}

function fixedDescriptors(): Descriptor[] {
  const rows: Descriptor[] = [
    [0, 0],
    descriptor(0, 0xfffff, 0x9b, 0xc),
    descriptor(0, 0xfffff, 0x93, 0xc),
    descriptor(0, 0xfffff, 0xfb, 0xc),
    descriptor(0, 0xfffff, 0xf3, 0xc),
    [0x67, 0x8900],
  ];
  for (let level = 0; level < 4; level++) {
    rows.push(descriptor(codeBase, 0xffff, 0x9b | (level << 5), 0x4));
  }
  for (let level = 0; level < 4; level++) {
    rows.push(descriptor(codeBase, 0xffff, 0x9b | (level << 5), 0));
  }
  for (let level = 0; level < 4; level++) {
    rows.push(descriptor(dataBase, 0xffff, 0x93 | (level << 5), 0x4));
  }
  rows.push([0x67, 0x8900], [ldtEntries * 8 - 1, 0x8200]);
  return rows;
}

/** Assembles an image that runs the cases, whose random descriptors are the same for all. */
export function caseImage(
  cases: readonly Uint8Array[],
  random: readonly Descriptor[],
  local: readonly Descriptor[],
): Uint8Array {
  const table = [...fixedDescriptors(), ...random];
  const assembler = new Assembler({ bits: 32, origin });
  assembler.text(`
        bits 32
header: dd 0x1badb002, 0x10000, ${-(0x1badb002 + 0x10000) >>> 0}
        dd header, header, cases, cases, start
${setupText.replaceAll('TABLE_WORDS', String(table.length * 2))}
${loopText.replaceAll('CASE_COUNT', String(cases.length))}
${trapText}
${vectors()}
        align 16
pristine:
${table.map((row) => ` dd ${row.join(', ')}`).join('\n')}
        align 16
local:
${local.map((row) => ` dd ${row.join(', ')}`).join('\n')}
${tables(table.length)}
        align 16
cases:  dd 0
`);
  const head = assembler.assemble();
  const image = new Uint8Array(head.length - 4 + cases.length * caseBytes);
  image.set(head.subarray(0, head.length - 4));
  cases.forEach((one, index) => {
    image.set(one, head.length - 4 + index * caseBytes);
  });
  // The load end of the header covers the cases.
  new DataView(image.buffer).setUint32(20, origin + image.length, true);
  new DataView(image.buffer).setUint32(24, origin + image.length, true);
  return image;
}

const withError: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21]);

function vectors(): string {
  const entries = Array.from({ length: 256 }, (_, vector) => {
    const error = withError.has(vector) ? '' : 'push 0';
    return `        align 16\n        ${error}\n        push ${vector}\n        jmp near trap`;
  });
  return `        align 16\nstubs:\n${entries.join('\n')}`;
}

function tables(entries: number): string {
  return `
gdtr:   dw ${entries * 8 - 1}
        dd gdt
        align 8
idtr:   dw 2047
        dd idt
        align 8
tss:    dd 0, stackTop, 0x10
        times 22 dd 0
        dw 0, 104
doubleTss: times 7 dd 0
        dd pageDirectory, doubleTask, 2, 0, 0, 0, 0, doubleStack, 0, 0, 0
        dd 0x10, 8, 0x10, 0x10, 0x10, 0x10, 0
        dw 0, 104
        times 256 dd 0
doubleStack: dd 0
initialMxcsr: dd 0x1f80
number: dd 0
record: times ${recordWords} dd 0
        align 16
gdt:    times ${entries * 2} dd 0
        align 8
idt:    times 512 dd 0
ldt:    times ${ldtEntries * 2} dd 0
        times 1024 dd 0
stackTop: dd 0
        align 4096
pageDirectory: times 1024 dd 0
pageTable: times 1024 dd 0`;
}
