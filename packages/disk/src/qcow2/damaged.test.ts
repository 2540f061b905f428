import { describe, expect, it } from 'vitest';
import { DiskError } from '../error.ts';
import type { DiskImage } from '../image.ts';
import { MemoryStore } from '../memory-store.ts';
import { openImage } from '../open-image.ts';
import { runNow } from '../steps.ts';
import { TestRandom } from '../test-random.ts';
import { checkQcow } from './check.ts';
import { createQcow } from './create.ts';
import { field } from './layout.ts';

function sound(): Uint8Array {
  const store = new MemoryStore();
  runNow(createQcow(store, { bytes: 8 << 20, clusterBytes: 4096 }));
  const image = runNow(openImage(store));
  const random = new TestRandom(1);
  for (let at = 0; at < 40; at += 1) {
    runNow(image.write(512 * random.below(16000), random.bytes(6000 & ~511)));
  }
  runNow(image.close());
  return store.bytes();
}

const image = sound();

function faultOf(change: (view: DataView) => void, use?: (disk: DiskImage) => void): string {
  const bytes = image.slice();
  change(new DataView(bytes.buffer));
  try {
    const disk = runNow(openImage(new MemoryStore({ name: 'x', contents: bytes })));
    use?.(disk);
  } catch (error) {
    return error instanceof DiskError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'none';
}

describe('a damaged image', () => {
  it.each<[string, (view: DataView) => void, string]>([
    [
      'clusters',
      (view) => view.setUint32(field.clusterBits, 31),
      'bad-image: x: qcow2: cluster_bits 31 outside 9..21 at byte 20',
    ],
    ['version', (view) => view.setUint32(field.version, 4), 'version 4 outside 2..3 at byte 4'],
    [
      'L1 table',
      (view) => view.setUint32(field.l1Offset + 4, 0x1234),
      'L1 table at byte 40: expected a multiple of 4096, found 4660',
    ],
    [
      'L1 table past the end',
      (view) => view.setUint32(field.l1Offset, 1),
      'L1 table at byte 40: expected an end within',
    ],
    ['L1 size', (view) => view.setUint32(field.l1Entries, 0), 'L1 entries 0 outside 4..4194304'],
    [
      'refcount table',
      (view) => view.setUint32(field.refcountTableOffset + 4, 0),
      'refcount table at byte 48',
    ],
    [
      'backing name',
      (view) => {
        view.setUint32(field.backingOffset + 4, 0x10_0000);
        view.setUint32(field.backingBytes, 5);
      },
      'backing name at byte 8: expected within 104..4096, found 1048576',
    ],
    [
      'unknown feature',
      (view) => view.setUint32(field.incompatible + 4, 0x40),
      'unsupported: x: qcow2: feature bit 6 (byte 72) is not served',
    ],
    [
      'encryption',
      (view) => view.setUint32(field.encryption, 1),
      'unsupported: x: qcow2: encryption 1 (byte 32)',
    ],
    [
      'mark of damage',
      (view) => view.setUint32(field.incompatible + 4, 2),
      'is marked as damaged or not closed (byte 72): repair it first',
    ],
  ])('is refused for its %s with the place that is wrong', (_label, change, message) => {
    expect(faultOf(change)).toContain(message);
  });

  it('is refused for an L1 entry inside a cluster, and for two tables in one place', () => {
    const l1 = new DataView(image.buffer).getUint32(field.l1Offset + 4);
    expect(faultOf((view) => view.setUint32(l1 + 4, 0x200))).toContain('entry 0 of the L1 table');
    expect(faultOf((view) => view.setUint32(l1 + 4, 0x1000))).toContain('holds two tables');
  });

  it('never has a guest write over its tables', () => {
    const l1 = new DataView(image.buffer).getUint32(field.l1Offset + 4);
    const change = (view: DataView): void => {
      const l2 = view.getUint32(l1 + 4);
      view.setUint32(l2, 0x8000_0000);
      view.setUint32(l2 + 4, l1);
    };
    const fault = faultOf(change, (disk) => {
      runNow(disk.write(0, new Uint8Array(512)));
    });
    expect(fault).toContain('holds a table, and is to hold data');
  });

  it('stands on others only where somebody opens them, and not on itself without end', () => {
    const store = new MemoryStore({ name: 'loop' });
    runNow(createQcow(store, { bytes: 512, backing: { name: 'loop', format: 'qcow2' } }));
    const open = (openBacking?: () => MemoryStore) =>
      runNow(openImage(store, openBacking === undefined ? {} : { openBacking }));
    expect(() => open()).toThrow('it stands on "loop", and nothing here opens that');
    expect(() => open(() => store)).toThrow('more than 16 images stand on each other');
  });

  it('is told from a sound one by a check, and repaired', () => {
    const store = new MemoryStore({ contents: image.slice() });
    const view = new DataView(image.buffer);
    const table = view.getUint32(field.refcountTableOffset + 4);
    const block = view.getUint32(table + 4);
    store.write(block, Uint8Array.of(0, 0));
    store.write(block + 2 * 2000, Uint8Array.of(0, 1));
    expect(runNow(checkQcow(store))).toMatchObject({ errors: 1, leaks: 1, repaired: 0 });
    expect(runNow(checkQcow(store, true))).toMatchObject({ repaired: 2 });
    expect(runNow(checkQcow(store))).toMatchObject({ errors: 0, leaks: 0, findings: [] });
  });

  it('at random places is refused or read and written, and nothing else', () => {
    const random = new TestRandom(77);
    for (let round = 0; round < 250; round += 1) {
      const bytes = image.slice();
      for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
        const isHeader = random.below(2) === 0;
        const at = isHeader ? random.below(112) : random.below(bytes.length);
        bytes[at] = random.below(3) === 0 ? 0xff : random.below(256);
      }
      const contents = round % 5 === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
      const store = new MemoryStore({ contents, mostBytes: 1 << 24 });
      try {
        const disk = runNow(openImage(store, { format: 'qcow2' }));
        const part = random.bytes(4096);
        const offset = 512 * random.below(Math.min(disk.bytes, 8 << 20) / 512 - 8);
        runNow(disk.read(offset, new Uint8Array(4096)));
        runNow(disk.write(offset, part));
        runNow(disk.flush());
        const back = new Uint8Array(4096);
        runNow(disk.read(offset, back));
        expect(Buffer.compare(back, part)).toBe(0);
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError);
      }
      try {
        runNow(checkQcow(store, round % 3 === 0));
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError);
      }
    }
  });
});
