/**
 * The guest-physical address space: which page is RAM, ROM, video memory, MMIO or nothing.
 *
 * Each of the 2^20 pages below 4 GiB has three facts: where reads are backed in linear memory,
 * where writes are backed, and which MMIO handler takes what is not backed. The chipset's
 * shadow-RAM registers (read from ROM, write to RAM) are then nothing special.
 *
 *     read backing   write backing   handler    what it is
 *     address        same address    none       RAM, video memory
 *     address        0               none       ROM: writes are ignored
 *     address        other address   none       shadow RAM being filled from the ROM over it
 *     0              0               handler    MMIO
 *     address        0               handler    flash: reads are memory, writes are commands
 *     0              0               none       hole: reads all ones, writes are ignored
 *
 * The A20 gate clears bit 20 of an address before the map is consulted; `canonical` does the same
 * to page numbers. Everything that is kept per physical page is kept by canonical page.
 *
 * Every write here fires the traces of what it touches, after the bytes are written.
 *
 * Hot: the accessors, as the slow path of generated code. Measured in physical-memory.bench.ts.
 */
import { Layout, pageBytes, tracedPages } from './layout.ts';
import type { MachineMemory } from './machine-memory.ts';
import { MemoryError } from './memory-error.ts';
import { MmioRegions, type MmioHandler } from './mmio-regions.ts';
import { TraceTable, WriteSource } from './trace-table.ts';

/** What stands at a range of guest-physical pages. */
export interface Region {
  /** Linear-memory address (page-aligned) that reads of the first page go to. */
  readonly read?: number;
  /** Linear-memory address (page-aligned) that writes to the first page go to. */
  readonly write?: number;
  /** Who takes the reads and writes that are not backed. */
  readonly handler?: MmioHandler;
  /** The guest-physical address that `handler` counts offsets from. Default: the range's start. */
  readonly origin?: number;
}

/** Who must know that the map has changed. */
export interface MapObserver {
  /** What stands at pages `first .. first + count - 1` (canonical) has changed. */
  remapped(first: number, count: number): void;
  /** The A20 gate has moved: linear and physical addresses now reach other canonical pages. */
  gateChanged(): void;
}

/** Guest-physical memory: the map, its accessors, and the traces on it. */
export class PhysicalMemory {
  /** The linear memory that backs RAM, ROM and video memory. */
  readonly machine: MachineMemory;
  /** The write traces. */
  readonly traces: TraceTable;
  /** The high half of the last `read64`. */
  high = 0;
  private readonly u8: Uint8Array;
  private readonly view: DataView;
  private readonly readBacking = new Int32Array(tracedPages);
  private readonly writeBacking = new Int32Array(tracedPages);
  private readonly regionOf = new Uint16Array(tracedPages);
  private readonly regions = new MmioRegions();
  private readonly observers: MapObserver[] = [];
  private pageMask = tracedPages - 1;

  constructor(machine: MachineMemory) {
    this.machine = machine;
    this.traces = new TraceTable(machine);
    this.u8 = machine.u8;
    this.view = machine.view;
  }

  /** Adds an observer of changes to the map. */
  addObserver(observer: MapObserver): void {
    this.observers.push(observer);
  }

  /** Makes a range RAM or other memory backed at the linear-memory address `address`. */
  mapRam(physical: number, bytes: number, address: number): void {
    this.map(physical, bytes, { read: address, write: address });
  }

  /** Makes a range ROM: backed at the linear-memory address `address`, writes ignored. */
  mapRom(physical: number, bytes: number, address: number): void {
    this.map(physical, bytes, { read: address });
  }

  /** Makes a range MMIO, of which `handler` takes every access. */
  mapMmio(physical: number, bytes: number, handler: MmioHandler): void {
    this.map(physical, bytes, { handler });
  }

  /** Makes a range a hole. */
  unmap(physical: number, bytes: number): void {
    this.map(physical, bytes, {});
  }

  /**
   * Says what stands at a range of guest-physical memory, replacing what was there.
   *
   * `physical` and `bytes` are multiples of 4096 and end at or below 4 GiB. Observers are told of
   * the pages whose backing or handler changes; nothing is told if nothing does.
   *
   * @throws MemoryError `bad-range`, `too-many-regions`.
   */
  map(physical: number, bytes: number, region: Region): void {
    const { read = 0, write = 0, handler, origin = physical } = region;
    this.checkRange(physical, bytes, read, write);
    const first = physical / pageBytes;
    const count = bytes / pageBytes;
    const id = handler === undefined ? 0 : this.regions.add(handler, origin);
    let changedFirst = -1;
    let changedLast = -1;
    for (let page = first; page < first + count; page += 1) {
      const offset = (page - first) * pageBytes;
      const newRead = read === 0 ? 0 : (read + offset) | 0;
      const newWrite = write === 0 ? 0 : (write + offset) | 0;
      if (!this.setPage(page, newRead, newWrite, id)) continue;
      if (changedFirst < 0) changedFirst = page;
      changedLast = page;
    }
    this.regions.release(id);
    if (changedFirst < 0) return;
    const changed = changedLast - changedFirst + 1;
    for (const observer of this.observers) observer.remapped(changedFirst, changed);
  }

  /** Opens (`true`) or closes the A20 gate; closed, bit 20 of every address reads as zero. */
  setA20(open: boolean): void {
    const mask = open ? tracedPages - 1 : (tracedPages - 1) & ~0x100;
    if (mask === this.pageMask) return;
    this.pageMask = mask;
    for (const observer of this.observers) observer.gateChanged();
  }

  /** Whether the A20 gate is open. */
  get a20(): boolean {
    return this.pageMask === tracedPages - 1;
  }

  /** Returns the page that a page number reaches through the A20 gate. */
  canonical(page: number): number {
    return page & this.pageMask;
  }

  /** Returns the linear-memory address that reads of a page go to, -1 if they are not backed. */
  backing(page: number): number {
    const address = this.readBacking[page & this.pageMask] ?? 0;
    return address === 0 ? -1 : address >>> 0;
  }

  /** Returns the linear-memory address that writes to a page go to, -1 if they are not backed. */
  writeTarget(page: number): number {
    const address = this.writeBacking[page & this.pageMask] ?? 0;
    return address === 0 ? -1 : address >>> 0;
  }

  /** Returns what `map` has put at a page, whatever the A20 gate, so that it can be put back. */
  region(page: number): Region {
    const read = (this.readBacking[page] ?? 0) >>> 0;
    const write = (this.writeBacking[page] ?? 0) >>> 0;
    return { read, write, ...this.regions.find(this.regionOf[page] ?? 0) };
  }

  /** Returns whether generated code may write the page without asking: backed and not traced. */
  writable(page: number): boolean {
    const index = page & this.pageMask;
    return (this.writeBacking[index] ?? 0) !== 0 && !this.traces.has(index);
  }

  /** Reads a byte, unsigned. */
  read8(physical: number): number {
    const page = (physical >>> 12) & this.pageMask;
    const address = this.readBacking[page] ?? 0;
    if (address !== 0) return this.u8[(address >>> 0) + (physical & 4095)] ?? 0;
    return this.regions.read(this.regionOf[page] ?? 0, (page << 12) | (physical & 4095), 1) & 0xff;
  }

  /** Reads 16 bits, unsigned. */
  read16(physical: number): number {
    const offset = physical & 4095;
    if (offset > 4094) return this.read8(physical) | (this.read8(physical + 1) << 8);
    const page = (physical >>> 12) & this.pageMask;
    const address = this.readBacking[page] ?? 0;
    if (address !== 0) return this.view.getUint16((address >>> 0) + offset, true);
    return (
      this.regions.read(this.regionOf[page] ?? 0, (page << 12) | (physical & 4095), 2) & 0xffff
    );
  }

  /** Reads 32 bits, as an int32. */
  read32(physical: number): number {
    const offset = physical & 4095;
    if (offset > 4092) return this.read16(physical) | (this.read16(physical + 2) << 16);
    const page = (physical >>> 12) & this.pageMask;
    const address = this.readBacking[page] ?? 0;
    if (address !== 0) return this.view.getInt32((address >>> 0) + offset, true);
    return this.regions.read(this.regionOf[page] ?? 0, (page << 12) | (physical & 4095), 4) | 0;
  }

  /** Reads 64 bits: returns the low half as an int32 and leaves the high half in `high`. */
  read64(physical: number): number {
    const low = this.read32(physical);
    this.high = this.read32(physical + 4);
    return low;
  }

  /** Writes the low byte of `value`. */
  write8(physical: number, value: number): void {
    const page = (physical >>> 12) & this.pageMask;
    const address = this.writeBacking[page] ?? 0;
    if (address === 0) {
      this.regions.write(
        this.regionOf[page] ?? 0,
        (page << 12) | (physical & 4095),
        1,
        value & 0xff,
      );
      return;
    }
    const at = (address >>> 0) + (physical & 4095);
    const isSame = this.u8[at] === (value & 0xff);
    this.u8[at] = value;
    this.traces.notify((page << 12) | (physical & 4095), 1, isSame);
  }

  /** Writes the low 16 bits of `value`. */
  write16(physical: number, value: number): void {
    const offset = physical & 4095;
    if (offset > 4094) {
      this.write8(physical, value);
      this.write8(physical + 1, value >>> 8);
      return;
    }
    const page = (physical >>> 12) & this.pageMask;
    const address = this.writeBacking[page] ?? 0;
    if (address === 0) {
      this.regions.write(
        this.regionOf[page] ?? 0,
        (page << 12) | (physical & 4095),
        2,
        value & 0xffff,
      );
      return;
    }
    const at = (address >>> 0) + offset;
    const isSame = this.view.getUint16(at, true) === (value & 0xffff);
    this.view.setUint16(at, value, true);
    this.traces.notify((page << 12) | offset, 2, isSame);
  }

  /** Writes 32 bits. */
  write32(physical: number, value: number): void {
    const offset = physical & 4095;
    if (offset > 4092) {
      this.write16(physical, value);
      this.write16(physical + 2, value >>> 16);
      return;
    }
    const page = (physical >>> 12) & this.pageMask;
    const address = this.writeBacking[page] ?? 0;
    if (address === 0) {
      this.regions.write(
        this.regionOf[page] ?? 0,
        (page << 12) | (physical & 4095),
        4,
        value >>> 0,
      );
      return;
    }
    const at = (address >>> 0) + offset;
    const isSame = this.view.getInt32(at, true) === (value | 0);
    this.view.setInt32(at, value, true);
    this.traces.notify((page << 12) | offset, 4, isSame);
  }

  /** Writes 64 bits given as two halves; traces are told once, after both. */
  write64(physical: number, low: number, high: number): void {
    const offset = physical & 4095;
    const page = (physical >>> 12) & this.pageMask;
    const address = this.writeBacking[page] ?? 0;
    if (offset > 4088 || address === 0) {
      this.write32(physical, low);
      this.write32(physical + 4, high);
      return;
    }
    this.view.setInt32((address >>> 0) + offset, low, true);
    this.view.setInt32((address >>> 0) + offset + 4, high, true);
    this.traces.notify((page << 12) | offset, 8);
  }

  /**
   * Fills `target` from guest memory, as a bus-mastering device or the host reads it.
   *
   * What is not backed, MMIO too, reads as all ones: a device that a guest points at registers (its
   * own, say) must not come back into itself. Addresses at and above 4 GiB are holes.
   */
  read(physical: number, target: Uint8Array): void {
    let done = 0;
    while (done < target.length) {
      const from = physical + done;
      const part = Math.min(target.length - done, pageBytes - (from % pageBytes));
      const address = from < 2 ** 32 ? this.backing(Math.floor(from / pageBytes)) : -1;
      if (address < 0) {
        target.fill(0xff, done, done + part);
      } else {
        const start = address + (from % pageBytes);
        target.set(this.u8.subarray(start, start + part), done);
      }
      done += part;
    }
  }

  /**
   * Copies `source` to guest memory, as a bus-mastering device or the host writes it.
   *
   * What is not backed, ROM and MMIO too, ignores it. Traces are told page by page.
   */
  write(physical: number, source: Uint8Array): void {
    let done = 0;
    while (done < source.length) {
      const to = physical + done;
      const part = Math.min(source.length - done, pageBytes - (to % pageBytes));
      const page = Math.floor(to / pageBytes) & this.pageMask;
      const address = to < 2 ** 32 ? this.writeTarget(page) : -1;
      if (address >= 0) {
        const offset = to % pageBytes;
        this.u8.set(source.subarray(done, done + part), address + offset);
        this.traces.source = WriteSource.device;
        this.traces.notify((page << 12) | offset, part);
        this.traces.source = WriteSource.guest;
      }
      done += part;
    }
  }

  private setPage(page: number, read: number, write: number, id: number): boolean {
    const old = this.regionOf[page] ?? 0;
    const sameBacking = this.readBacking[page] === read && this.writeBacking[page] === write;
    if (sameBacking && this.regions.same(old, id)) return false;
    this.readBacking[page] = read;
    this.writeBacking[page] = write;
    this.regionOf[page] = id;
    this.regions.hold(id);
    this.regions.release(old);
    return true;
  }

  private checkRange(physical: number, bytes: number, read: number, write: number): void {
    const aligned = [physical, bytes, read, write].every(
      (value) => Number.isInteger(value) && value >= 0 && value % pageBytes === 0,
    );
    if (!aligned || bytes === 0 || physical + bytes > 2 ** 32) {
      throw new MemoryError(
        'bad-range',
        `memory: expected whole pages below 4 GiB, found ${bytes} bytes at ` +
          `0x${physical.toString(16)} backed at ${read}, ${write}`,
      );
    }
    for (const backing of [read, write]) {
      if (backing === 0) continue;
      if (backing < Layout.ram || backing + bytes > this.u8.length) {
        throw new MemoryError(
          'bad-range',
          `memory: backing ${backing} of ${bytes} bytes outside ${Layout.ram}..${this.u8.length}`,
        );
      }
    }
  }
}
