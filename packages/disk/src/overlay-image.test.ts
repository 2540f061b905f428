import { describe, expect, it } from 'vitest';

import { DiskError } from './error.ts';
import { MemoryStore } from './memory-store.ts';
import { OverlayImage } from './overlay-image.ts';
import { RawImage } from './raw-image.ts';
import { runNow } from './steps.ts';

function baseOf(fill: number): { store: MemoryStore; image: RawImage } {
  const store = new MemoryStore({ contents: new Uint8Array(0x3_0200).fill(fill) });
  return { store, image: new RawImage(store) };
}

function bytesAt(image: OverlayImage, offset: number, length: number): number[] {
  const target = new Uint8Array(length);
  runNow(image.read(offset, target));
  return [...target];
}

describe('an overlay in memory', () => {
  it('reads what was written and, around it, its base, which stays as it was', () => {
    const { store, image } = baseOf(1);
    const overlay = runNow(OverlayImage.open(image));
    runNow(overlay.write(0xfffe, Uint8Array.of(7, 7, 7, 7)));
    expect(bytesAt(overlay, 0xfffc, 8)).toEqual([1, 1, 7, 7, 7, 7, 1, 1]);
    expect(bytesAt(overlay, 0x2_0000, 2)).toEqual([1, 1]);
    expect(bytesAt(overlay, 0x1_fffe, 0x202).slice(0, 4)).toEqual([1, 1, 1, 1]);
    const raw = new Uint8Array(4);
    void store.read(0xfffe, raw);
    expect([...raw]).toEqual([1, 1, 1, 1]);
  });

  it('writes the last part of a disk that is no whole piece', () => {
    const overlay = runNow(OverlayImage.open(baseOf(2).image));
    runNow(overlay.write(0x3_0000, new Uint8Array(0x200).fill(9)));
    expect(bytesAt(overlay, 0x2_fffe, 4)).toEqual([2, 2, 9, 9]);
    expect(bytesAt(overlay, 0x3_01fe, 2)).toEqual([9, 9]);
  });

  it('gives its changes to another one on the same base', () => {
    const overlay = runNow(OverlayImage.open(baseOf(3).image));
    runNow(overlay.write(0x1_2345, Uint8Array.of(5)));
    const other = runNow(OverlayImage.open(baseOf(3).image));
    runNow(other.write(0, Uint8Array.of(6)));
    expect(other.changes.base).toBe(overlay.changes.base);
    other.changes.restore(overlay.changes.save());
    expect(bytesAt(other, 0x1_2344, 3)).toEqual([3, 5, 3]);
    expect(bytesAt(other, 0, 1)).toEqual([3]);
  });

  it('tells a base with other contents by its name, and refuses changes that do not fit', () => {
    const overlay = runNow(OverlayImage.open(baseOf(3).image));
    const other = runNow(OverlayImage.open(baseOf(4).image));
    expect(other.changes.base).not.toBe(overlay.changes.base);
    const odd = { offsets: [0x4_0000], pieces: new Uint8Array(0x1_0000) };
    expect(() => {
      overlay.changes.restore(odd);
    }).toThrow(DiskError);
  });
});
