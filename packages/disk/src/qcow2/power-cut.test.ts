/**
 * Power cuts: what reaches the medium is everything up to some flush and any part of what was
 * written after it. The image must be sound, and hold what the last answered flush promised.
 */
import { expect, it } from 'vitest';
import type { ByteStore } from '../byte-store.ts';
import { MemoryStore } from '../memory-store.ts';
import { openImage } from '../open-image.ts';
import { runNow } from '../steps.ts';
import { TestRandom } from '../test-random.ts';
import { checkQcow } from './check.ts';
import { createQcow } from './create.ts';

type Operation = 'flush' | { readonly offset: number; readonly bytes: Uint8Array };

/** A store that remembers the order of what was done to it. */
class RecordingStore implements ByteStore {
  readonly name = 'recorded';
  readonly readOnly = false;
  readonly operations: Operation[] = [];
  readonly #inner = new MemoryStore();

  get size(): number {
    return this.#inner.size;
  }

  read(offset: number, target: Uint8Array): undefined {
    this.#inner.read(offset, target);
  }

  write(offset: number, source: Uint8Array): undefined {
    this.operations.push({ offset, bytes: source.slice() });
    this.#inner.write(offset, source);
  }

  flush(): undefined {
    this.operations.push('flush');
  }

  close(): undefined {
    // Nothing to let go of.
  }
}

/** What the medium holds when the power goes after a number of operations. */
function cut(operations: readonly Operation[], count: number, random: TestRandom): MemoryStore {
  const done = operations.slice(0, count);
  const lastFlush = done.lastIndexOf('flush');
  const store = new MemoryStore();
  for (const [index, operation] of done.entries()) {
    if (operation === 'flush') continue;
    if (index < lastFlush || random.below(2) === 0) store.write(operation.offset, operation.bytes);
  }
  return store;
}

const sector = 512;
const disk = 2 << 20;

it.each([
  ['small clusters', 512, undefined],
  ['clusters of 4 KiB over a base', 4096, 'base'],
  ['clusters of 64 KiB', 0x1_0000, undefined],
])('an image with %s stays sound and keeps what was flushed', (_label, clusterBytes, name) => {
  const random = new TestRandom(clusterBytes);
  const store = new RecordingStore();
  const base = random.bytes(disk / 2);
  const openBacking = () => new MemoryStore({ contents: base, readOnly: true });
  const backing = name === undefined ? {} : { backing: { name, format: 'raw' as const } };
  runNow(createQcow(store, { bytes: disk, clusterBytes, ...backing }));
  const image = runNow(openImage(store, { openBacking }));
  const copy = new Uint8Array(disk);
  if (name !== undefined) copy.set(base);
  const flushes = [{ at: store.operations.length, copy: copy.slice() }];
  const writes: { at: number; offset: number; bytes: number }[] = [];
  for (let round = 0; round < 300; round += 1) {
    const bytes = random.bytes(sector * (1 + random.below(40)));
    const offset = sector * random.below((disk - bytes.length) / sector);
    writes.push({ at: store.operations.length, offset, bytes: bytes.length });
    runNow(image.write(offset, bytes));
    copy.set(bytes, offset);
    if (random.below(12) === 0) {
      runNow(image.flush());
      flushes.push({ at: store.operations.length, copy: copy.slice() });
    }
  }
  const first = flushes[0]?.at ?? 0;
  for (let round = 0; round < 150; round += 1) {
    const count = first + random.below(store.operations.length - first);
    const medium = cut(store.operations, count, random);
    expect(runNow(checkQcow(medium)).errors, `cut at ${String(count)}`).toBe(0);
    const promised = flushes.filter(({ at }) => at <= count).at(-1);
    const later = writes.filter(({ at }) => at >= (promised?.at ?? 0) && at < count);
    const found = new Uint8Array(disk);
    runNow(runNow(openImage(medium, { openBacking })).read(0, found));
    const expected = promised?.copy.slice() ?? new Uint8Array(disk);
    for (const { offset, bytes } of later) {
      expected.set(found.subarray(offset, offset + bytes), offset);
    }
    expect(Buffer.compare(found, expected), `cut at ${String(count)}`).toBe(0);
  }
});
