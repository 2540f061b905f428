/** An IDE controller with its ports, memory and a driver that issues commands, for tests. */
import type { BlockStorage } from '../block-storage.ts';
import { ManualClock } from '../manual-clock.ts';
import type { PciAddressSpace } from '../pci/function.ts';
import { mapPciPorts } from '../pci/port-space.ts';
import { PortBus } from '../port-bus.ts';
import { ProbeLine } from '../test-fuzz.ts';
import { TestMemory } from '../virtio-pci/test-driver.ts';
import { IdePiix3, type IdeDriveOptions } from './device.ts';

/** A disk in memory; with `late` completions wait until `finish`. */
export class TestDisk implements BlockStorage {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly bytes: number;
  readOnly = false;
  flushes = 0;
  fails = false;
  late = false;
  readonly #waiting: (() => void)[] = [];

  constructor(bytes: number) {
    this.bytes = bytes;
    this.content = Uint8Array.from({ length: bytes }, (_, index) => (index >> 9) + (index & 3));
  }

  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void {
    this.#end(done, () => {
      target.set(this.content.subarray(offset, offset + target.length));
    });
  }

  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void {
    this.#end(done, () => {
      this.content.set(source, offset);
    });
  }

  flush(done: (ok: boolean) => void): void {
    this.#end(done, () => (this.flushes += 1));
  }

  /** Completes what waits. */
  finish(): void {
    for (const end of this.#waiting.splice(0)) end();
  }

  #end(done: (ok: boolean) => void, action: () => void): void {
    const end = (): void => {
      if (!this.fails) action();
      done(!this.fails);
    };
    if (this.late) this.#waiting.push(end);
    else end();
  }
}

const base = 0x1f0;
const masterBase = 0xc000;
const table = 0x2000;

/** A controller and what drives it. */
export class IdeRig {
  readonly clock: ManualClock;
  readonly memory: TestMemory = new TestMemory();
  readonly irqs: readonly [ProbeLine, ProbeLine] = [new ProbeLine(), new ProbeLine()];
  readonly bus: PortBus = new PortBus();
  readonly ide: IdePiix3;

  constructor(
    drives: readonly (IdeDriveOptions | undefined)[],
    clock: ManualClock = new ManualClock(),
  ) {
    this.clock = clock;
    const addressSpace: PciAddressSpace = {
      mapPorts: (first, count, device) => mapPciPorts(this.bus, first, count, device),
      mapMemory: () => ({ release: () => undefined }),
    };
    const { memory, irqs } = this;
    const parts = { clock, timers: clock, memory, irqs, addressSpace, base: masterBase };
    this.ide = new IdePiix3({ ...parts, drives });
    this.bus.attach(this.ide);
  }

  /** Writes task file registers 1 to 6. */
  task(...values: readonly number[]): void {
    for (const [index, value] of values.entries()) this.bus.writePort(base + 1 + index, 1, value);
  }

  /** Issues a command and lets it take its time. */
  command(code: number): void {
    this.bus.writePort(base + 7, 1, code);
    this.wait();
  }

  wait(): void {
    this.clock.advance(1e6);
  }

  /** Reads the status, which answers the interrupt. */
  get status(): number {
    return this.bus.readPort(base + 7, 1);
  }

  register(index: number): number {
    return this.bus.readPort(base + index, 1);
  }

  read(bytes: number): Uint8Array {
    const data = new DataView(new ArrayBuffer(bytes));
    for (let at = 0; at < bytes; at += 2) data.setUint16(at, this.bus.readPort(base, 2), true);
    this.wait();
    return new Uint8Array(data.buffer);
  }

  send(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 2) {
      this.bus.writePort(base, 2, (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
    }
    this.wait();
  }

  /** Sets a descriptor table up and starts the bus master. */
  startMaster(
    pieces: readonly (readonly [address: number, bytes: number])[],
    toMemory: boolean,
  ): void {
    for (const [index, [address, bytes]] of pieces.entries()) {
      const last = index + 1 === pieces.length ? 0x8000_0000 : 0;
      this.memory.view.setUint32(table + 8 * index, address, true);
      this.memory.view.setUint32(table + 8 * index + 4, (bytes & 0xffff) | last, true);
    }
    this.bus.writePort(masterBase, 1, 0);
    this.bus.writePort(masterBase + 2, 1, 0x06);
    this.bus.writePort(masterBase + 4, 4, table);
    this.bus.writePort(masterBase, 1, toMemory ? 9 : 1);
    this.wait();
  }

  get masterStatus(): number {
    return this.bus.readPort(masterBase + 2, 1);
  }

  /** Sends a packet command; `dma` says where its data goes. */
  packet(bytes: readonly number[], dma = false, limit = 0xfffe): void {
    this.task(dma ? 1 : 0, 0, 0, limit & 0xff, limit >> 8, 0xa0);
    this.command(0xa0);
    this.send(Uint8Array.from({ length: 12 }, (_, index) => bytes[index] ?? 0));
  }
}
