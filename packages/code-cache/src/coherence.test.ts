import { Layout, MachineMemory, PhysicalMemory, TraceOwnerId } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { BlockField, RecordField, recordBytes } from './code-block.ts';
import { CodeCache } from './code-cache.ts';

const pages = 24;
const modes = [1, 3, 9];

/**
 * A make-believe instruction set: the first byte says the length, 1 to 15. A record carries a copy
 * of the bytes it was decoded from at +8, so that any record that is not stale can be checked.
 */
class Model {
  readonly machine = new MachineMemory({ ramBytes: 1 << 20 });
  readonly physical = new PhysicalMemory(this.machine);
  readonly cache = new CodeCache(this.physical, { blocks: 20, chunks: 160 });
  /** What an exec leaf would hold: the block of each page, until revoked. */
  readonly entries = new Map<number, number>();
  /** Records that were handed out since `collect`. */
  readonly handedOut = new Set<number>();
  full = 0;
  private state: number;

  constructor(seed: number) {
    this.state = seed;
    this.physical.mapRam(0, 1 << 20, Layout.ram);
    this.cache.attach({ revokeExec: (page) => void this.entries.delete(page) });
    const ram = this.machine.u8.subarray(Layout.ram, Layout.ram + pages * 4096);
    for (let index = 0; index < ram.length; index += 1) ram[index] = this.random(256);
  }

  random(bound: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % bound;
  }

  /** A random page; one of them is written and run far more than the others. */
  private page(): number {
    return this.random(3) > 0 ? 0 : this.random(pages);
  }

  /** Runs from a random place: decodes up to 40 instructions or until known code is met. */
  execute(): void {
    const page = this.page();
    const mode = modes[this.random(modes.length)] ?? 1;
    const block = this.cache.block(page, mode);
    if (block === 0) {
      this.full += 1;
      this.collect();
      return;
    }
    this.entries.set(page, block);
    let offset = this.random(4096);
    let previous = 0;
    for (let count = this.random(40); count >= 0 && offset < 4096; count -= 1) {
      if (this.cache.lookup(block, offset) !== 0) return;
      const address = this.cache.allocate(block, offset);
      if (address === 0) {
        this.full += 1;
        this.collect();
        return;
      }
      const place = previous !== 0 && address !== previous + recordBytes ? previous + 32 : 0;
      expect(this.handedOut.has(address)).toBe(false);
      expect(this.handedOut.has(place)).toBe(false);
      this.handedOut.add(address);
      if (place !== 0) this.handedOut.add(place);
      offset += this.decode(block, page, offset, address);
      previous = address;
    }
  }

  private decode(block: number, page: number, offset: number, address: number): number {
    const length = 1 + (this.physical.read8(page * 4096 + offset) % 15);
    const { u8, view } = this.machine;
    for (let index = 0; index < length && offset + index < 4096; index += 1) {
      u8[address + 8 + index] = this.physical.read8(page * 4096 + offset + index);
    }
    view.setUint16(address + RecordField.handler, 1 + this.random(1000), true);
    this.cache.link(block, offset, address, length);
    return length;
  }

  /** A guest store: direct where nothing is traced, as generated code does it. */
  store(): void {
    const size = 1 << this.random(4);
    const at = this.page() * 4096 + this.random(4097 - size);
    if (!this.physical.writable(at >>> 12)) {
      if (size === 1) this.physical.write8(at, this.random(256));
      else if (size === 2) this.physical.write16(at, this.random(65536));
      else if (size === 4) this.physical.write32(at, this.random(0x7fff_ffff));
      else this.physical.write64(at, this.random(0x7fff_ffff), this.random(0x7fff_ffff));
      return;
    }
    for (let index = 0; index < size; index += 1) {
      this.machine.u8[Layout.ram + at + index] = this.random(256);
    }
  }

  transfer(): void {
    const bytes = Uint8Array.from({ length: this.random(6000) }, () => this.random(256));
    this.physical.write(this.random(pages) * 4096 + this.random(4096), bytes);
  }

  remap(): void {
    const page = this.random(pages);
    const other = this.random(2) === 0 ? page : 100 + page;
    this.physical.mapRam(page * 4096, 4096, Layout.ram + other * 4096);
  }

  collect(): void {
    this.cache.collect();
    this.handedOut.clear();
  }

  check(): void {
    const { i32, view } = this.machine;
    const covered = Array.from({ length: pages }, () => new Set<number>());
    for (const [page, block] of this.entries) {
      expect(i32[(block + BlockField.page) >>> 2]).toBe(page);
      expect(this.cache.entry(page)).toBe(block);
    }
    for (let page = 0; page < pages; page += 1) {
      // Every block of the page is looked at: each mode becomes current once.
      for (const mode of modes) this.checkBlock(page, mode, covered[page] ?? new Set());
    }
    for (const address of this.handedOut) {
      const offset = view.getUint16(address + RecordField.offset, true);
      expect(offset).toBeLessThan(4096);
    }
    for (let page = 0; page < pages; page += 1) {
      for (let chunk = 0; chunk < 64; chunk += 1) {
        const half = this.physical.traces.mask(TraceOwnerId.code, page, chunk >>> 5);
        const traced = (half & (1 << (chunk & 31))) !== 0;
        if (traced === covered[page]?.has(chunk)) continue;
        throw new Error(`page ${page} chunk ${chunk}: traced ${traced}`);
      }
    }
  }

  private checkBlock(page: number, mode: number, covered: Set<number>): void {
    const block = this.blockOf(page, mode);
    if (block === 0) return;
    const { i32, u8, view } = this.machine;
    for (let offset = 0; offset < 4096; offset += 1) {
      const address = i32[(block + BlockField.index + offset * 4) >>> 2] ?? 0;
      if (address === 0) continue;
      const fresh = view.getUint16(address + RecordField.handler, true) !== 0;
      if (!fresh || view.getUint16(address + RecordField.offset, true) !== offset) {
        throw new Error(`page ${page} offset ${offset}: the index leads to another record`);
      }
      const length = u8[address + RecordField.length] ?? 0;
      for (let index = 0; index < length && offset + index < 4096; index += 1) {
        covered.add((offset + index) >>> 6);
        const now = this.physical.read8(page * 4096 + offset + index);
        if (u8[address + 8 + index] !== now) {
          throw new Error(`page ${page} offset ${offset}: byte ${index} is not what was decoded`);
        }
      }
    }
  }

  /** Finds a block without making one, by the addresses that were seen. */
  private blockOf(page: number, mode: number): number {
    const { i32 } = this.machine;
    for (let index = 0; index < 20; index += 1) {
      const block = Layout.codePool + index * 16400;
      if (i32[block >>> 2] === mode && i32[(block + BlockField.page) >>> 2] === page) return block;
    }
    return 0;
  }
}

describe('decoded code under random writes, remaps and evictions', () => {
  it('is always what memory holds, with traces on exactly its chunks', () => {
    let evictions = 0;
    let rebuilds = 0;
    for (let seed = 1; seed <= 4; seed += 1) {
      const model = new Model(seed * 7919);
      for (let step = 0; step < 5000; step += 1) {
        const kind = model.random(100);
        if (kind < 45) model.execute();
        else if (kind < 96) model.store();
        else if (kind === 96 && model.random(8) === 0) model.transfer();
        else if (kind === 97 && model.random(4) === 0) model.remap();
        else if (kind === 98 && model.cache.needsCollect) model.collect();
        if (step % 200 === 0) model.check();
      }
      evictions += model.cache.statistics.evictions;
      rebuilds += model.cache.statistics.rebuilds;
    }
    expect(evictions).toBeGreaterThan(0);
    expect(rebuilds).toBeGreaterThan(0);
  });
});
