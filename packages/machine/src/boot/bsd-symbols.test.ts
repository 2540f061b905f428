import { describe, expect, it } from 'vitest';

import { MachineError } from '../error.ts';
import { xenElf } from '../test-xen-elf.ts';
import { bsdSymbols } from './bsd-symbols.ts';
import { ImageView } from './image-view.ts';
import { loadPvhKernel, paravirtualImage } from './kernel.ts';
import { TestLoaderMemory } from './test-images.ts';

const wantsSymbols = 11;
const base = 0x10_0000;
/** Sizes of the symbols, which are 1s, and of the strings, which are 2s. */
const sizes = { symbols: 32, strings: 7 } as const;

/** A kernel with a table of symbols (section 2) and its strings (section 3). */
function kernel(wants: string, link = 3): Uint8Array {
  const elf = xenElf('entry: jmp $', base, (addressOf) => [
    [1, addressOf('entry')],
    [3, 0],
    [18, addressOf('entry')],
    [wantsSymbols, wants],
  ]);
  const at = elf.length;
  const table = at + sizes.symbols + sizes.strings;
  const file = new Uint8Array(table + 4 * 40);
  file.set(elf);
  file.fill(1, at, at + sizes.symbols);
  file.fill(2, at + sizes.symbols, table);
  const view = new DataView(file.buffer);
  view.setUint32(32, table, true);
  view.setUint16(46, 40, true);
  view.setUint16(48, 4, true);
  const section = (index: number, words: readonly number[]): void => {
    for (const [place, word] of words.entries()) {
      view.setUint32(table + index * 40 + place * 4, word, true);
    }
  };
  section(2, [9, 2, 0, 0, at, sizes.symbols, link, 1, 4, 16]);
  section(3, [17, 3, 0, 0, at + sizes.symbols, sizes.strings, 0, 0, 1, 0]);
  return file;
}

const symbolsOf = (bytes: Uint8Array) => bsdSymbols(new ImageView('kernel', bytes));
const words = (bytes: Uint8Array, at: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_nothing, index) =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + index * 4, true),
  );

describe('symbols behind a kernel', () => {
  it('are an ELF file with three sections', () => {
    const bytes = symbolsOf(kernel('yes')) ?? new Uint8Array(0);
    expect([bytes.length, ...words(bytes, 0, 2)]).toEqual([300, 295, 0x464c_457f]);
    // e_phoff, e_shoff; e_ehsize to e_shstrndx.
    expect(words(bytes, 4 + 28, 2)).toEqual([0, 64]);
    expect(words(bytes, 4 + 40, 3)).toEqual([52, 40 << 16, 3]);
    expect(words(bytes, 68, 10)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(words(bytes, 108, 10)).toEqual([9, 2, 0, 0, 256, 32, 2, 1, 4, 16]);
    expect(words(bytes, 148, 10)).toEqual([17, 3, 0, 0, 288, 7, 0, 0, 1, 0]);
    expect([...bytes.subarray(260)]).toEqual([...Array(32).fill(1), ...Array(7).fill(2), 0]);
  });

  it('have nothing between the parts', () => {
    const bytes = symbolsOf(kernel('yes')) ?? new Uint8Array(0);
    expect([...bytes.subarray(56, 68), ...bytes.subarray(188, 260)].every((one) => one === 0)).toBe(
      true,
    );
  });

  it('are not there where the file has none, and are within it', () => {
    expect(symbolsOf(kernel('yes', 1))).toBeUndefined();
    expect(symbolsOf(kernel('yes', 77))).toBeUndefined();
    const cut = kernel('yes');
    new DataView(cut.buffer).setUint32(cut.length - 80 + 20, 0x7fff_ffff, true);
    expect(() => symbolsOf(cut)).toThrow(MachineError);
  });

  it('stand behind a kernel that asks for them, and no other', () => {
    const [wanting, other] = ['yes', 'no'].map((wants) =>
      paravirtualImage({ kernel: kernel(wants), kind: 'kernel' }),
    );
    const [load, symbols] = wanting?.segments ?? [];
    expect(other?.segments.length).toBe(1);
    expect(symbols?.virtual).toBe((load?.virtual ?? 0) + (load?.memoryBytes ?? 0));
    expect(symbols?.bytes.length).toBe(300);
    const memory = new TestLoaderMemory(4 << 20);
    const map = [{ base: 0, bytes: 4 << 20, type: 1 }];
    loadPvhKernel({ kernel: kernel('yes'), kind: 'kernel' }, memory, { map, rsdp: 0 });
    expect(memory.u32(symbols?.virtual ?? 0)).toBe(295);
  });
});
