import { describe, expect, it } from 'vitest';
import { decodeRecipe, encodeRecipe, entriesOf, type RegionRecipe } from './region-recipe.ts';

const recipe: RegionRecipe = {
  blocks: Int32Array.of(4, 7, -4096, -4091),
  offsets: Int32Array.of(4, 6, -4096),
  marks: Int32Array.of(0, 5, 0x101),
  entries: Int32Array.of(0, 4, 77, 300),
  imports: Int32Array.of(-1),
  handlers: Int32Array.of(77, 300, -3, 12),
  words: Int32Array.of(0x2000, -9),
  gaps: Int32Array.of(0x2004),
  bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
};

describe('a recipe as bytes', () => {
  it('comes back as it was, wherever the bytes lie', () => {
    const encoded = encodeRecipe(recipe);
    const shifted = new Uint8Array(encoded.length + 1);
    shifted.set(encoded, 1);
    for (const bytes of [encoded, shifted.subarray(1)]) expect(decodeRecipe(bytes)).toEqual(recipe);
    expect(entriesOf(recipe)).toEqual([{ block: 0, offset: 4, variant: 77, fallback: 300 }]);
  });

  it('is none where bytes are missing or too many', () => {
    const encoded = encodeRecipe(recipe);
    for (let length = 0; length < encoded.length; length++) {
      expect(decodeRecipe(encoded.subarray(0, length))).toBeUndefined();
    }
    expect(decodeRecipe(Uint8Array.of(...encoded, 0))).toBeUndefined();
  });

  it('is none where its parts do not go together', () => {
    const broken: readonly Partial<RegionRecipe>[] = [
      { blocks: Int32Array.of(4, 7) },
      { blocks: Int32Array.of(7, 4, -4096, -4085) },
      { offsets: Int32Array.of(4, 6) },
      { entries: Int32Array.of(2, 4, 77, 300) },
      { entries: Int32Array.of(1, 4, 77, 300) },
      { entries: Int32Array.of(0, 4, 77) },
      { handlers: Int32Array.of(77) },
    ];
    for (const parts of broken) {
      expect(decodeRecipe(encodeRecipe({ ...recipe, ...parts }))).toBeUndefined();
    }
  });

  it('throws at no bytes', () => {
    const encoded = encodeRecipe(recipe);
    for (let at = 0; at < encoded.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const bytes = encoded.slice();
        bytes[at] = value;
        expect(() => decodeRecipe(bytes)).not.toThrow();
      }
    }
  });
});
