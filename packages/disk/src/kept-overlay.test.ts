import { describe, expect, it } from 'vitest';

import { KeptOverlay } from './kept-overlay.ts';
import { MemoryStore } from './memory-store.ts';
import { RawImage } from './raw-image.ts';
import { runNow } from './steps.ts';

const bytes = 0x3_0200;

function base(fill: number = 1, length: number = bytes): RawImage {
  return new RawImage(new MemoryStore({ contents: new Uint8Array(length).fill(fill) }));
}

function bytesAt(image: KeptOverlay, offset: number, length: number): number[] {
  const target = new Uint8Array(length);
  runNow(image.read(offset, target));
  return [...target];
}

describe('an overlay that is kept', () => {
  it('holds for the next one what was written before a flush, at the end of the disk too', () => {
    const store = new MemoryStore();
    const one = runNow(KeptOverlay.open(base(), store));
    runNow(one.write(0xfffe, Uint8Array.of(7, 7, 7, 7)));
    runNow(one.write(bytes - 2, Uint8Array.of(9, 9)));
    expect(one.isAhead).toBe(true);
    runNow(one.flush());
    expect(one.isAhead).toBe(false);
    const next = runNow(KeptOverlay.open(base(), store));
    expect(bytesAt(next, 0xfffd, 6)).toEqual([1, 7, 7, 7, 7, 1]);
    expect(bytesAt(next, bytes - 3, 3)).toEqual([1, 9, 9]);
    expect(next.changes.save().offsets).toEqual([0, 0x1_0000, 0x3_0000]);
  });

  it('takes over changes, and keeps them with the next flush, what they leave out as well', () => {
    const store = new MemoryStore();
    const one = runNow(KeptOverlay.open(base(), store));
    runNow(one.write(0, Uint8Array.of(5)));
    const saved = one.changes.save();
    runNow(one.write(0, Uint8Array.of(6)));
    runNow(one.write(0x2_0000, Uint8Array.of(6)));
    runNow(one.flush());
    one.changes.restore(saved);
    runNow(one.flush());
    const next = runNow(KeptOverlay.open(base(), store));
    expect([...bytesAt(next, 0, 2), ...bytesAt(next, 0x2_0000, 2)]).toEqual([5, 1, 1, 1]);
  });

  it('begins anew where it was cut off before there was anything', () => {
    const store = new MemoryStore({ contents: new Uint8Array(0x3_0000) });
    const one = runNow(KeptOverlay.open(base(), store));
    expect(bytesAt(one, 0, 2)).toEqual([1, 1]);
  });

  it('refuses what was kept of another disk, and what is no image', () => {
    const store = new MemoryStore({ name: 'kept' });
    runNow(KeptOverlay.open(base(), store));
    const open = (image: RawImage, from: MemoryStore) => () =>
      runNow(KeptOverlay.open(image, from));
    expect(open(base(1, 0x1_0000), store)).toThrow(/kept: it is of another disk: 65536 bytes/);
    const other = new MemoryStore({ name: 'kept', contents: new Uint8Array(70_000).fill(3) });
    expect(open(base(), other)).toThrow(/kept: qcow2: .* at byte 0/);
  });
});
