/** ELF files of small kernels for Xen, written with the assembler for tests. */
import { Assembler } from '@ringfence/assembler';

const headerBytes = 0x100;
const imageBytes = 0x1_0000;

/** A note of the owner Xen: its type, and a number or a text. */
export type XenTestNote = readonly [type: number, value: number | string];

/**
 * Builds an ELF file of text that begins at `base`, with a label `entry` and notes that may depend
 * on its labels.
 */
export function xenElf(
  text: string,
  base: number,
  notesOf: (addressOf: (label: string) => number) => readonly XenTestNote[],
): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin: base });
  assembler.text(text);
  const code = assembler.assemble();
  if (code.length > imageBytes) throw new Error('the test kernel is too long');
  const notes = notesOf((label) => assembler.addressOf(label)).flatMap(noteBytes);
  const file = new Uint8Array(headerBytes + code.length + notes.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, ...ascii('ELF'), 1, 1, 1]);
  const halves = [2, 3];
  for (const [index, half] of halves.entries()) view.setUint16(16 + index * 2, half, true);
  const words = [1, assembler.addressOf('entry'), 52, 0, 0];
  for (const [index, value] of words.entries()) view.setUint32(20 + index * 4, value, true);
  for (const [index, half] of [52, 32, 2, 40, 0, 0].entries()) {
    view.setUint16(40 + index * 2, half, true);
  }
  // A kernel in the upper half stands at the beginning of its memory.
  const physical = base < 0x4000_0000 ? base : 0;
  const load = [1, headerBytes, base, physical, code.length, imageBytes, 7, 4096];
  const notesAt = headerBytes + code.length;
  const described = [4, notesAt, 0, 0, notes.length, notes.length, 4, 4];
  for (const [index, value] of [...load, ...described].entries()) {
    view.setUint32(52 + index * 4, value, true);
  }
  file.set(code, headerBytes);
  file.set(notes, notesAt);
  return file;
}

const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));
const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

function noteBytes([type, value]: XenTestNote): number[] {
  const bytes = typeof value === 'number' ? word(value) : [...ascii(value), 0];
  const padding = Array.from({ length: (4 - (bytes.length % 4)) % 4 }, () => 0);
  const head = [...word(4), ...word(bytes.length), ...word(type)];
  return [...head, ...ascii('Xen'), 0, ...bytes, ...padding];
}
