/** A driver of virtio devices over plain memory, for tests: what Linux does, in fifty lines. */
import type { DmaMemory, MmioDevice } from '../interfaces.ts';
import type { PciAddressSpace, PciFunction } from '../pci/function.ts';
import { ProbeLine } from '../test-fuzz.ts';
import type { VirtioPciConnections } from './device.ts';
import { commonField as field, descriptorFlag, virtioRegion as region } from './registers.ts';

/** Guest memory of a mebibyte; past it reads are ones and writes are lost. */
export class TestMemory implements DmaMemory {
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0x10_0000);
  readonly view: DataView = new DataView(this.bytes.buffer);

  read(physical: number, target: Uint8Array): void {
    target.fill(0xff);
    if (physical < this.bytes.length) {
      target.set(this.bytes.subarray(physical, physical + target.length));
    }
  }

  write(physical: number, source: Uint8Array): void {
    if (physical < this.bytes.length) {
      this.bytes.set(source.subarray(0, this.bytes.length - physical), physical);
    }
  }
}

/** A buffer of a chain: an address, a length, and whether the device writes it. */
export interface TestBuffer {
  readonly address: number;
  readonly bytes: number;
  readonly writes?: boolean;
}

const descriptors = 0x1000;
const driverArea = 0x3000;
const deviceArea = 0x4000;
const indirectTables = 0x8000;
const queueSpace = 0x4_0000;

/** Memory, an interrupt wire, messages and a driver for one device. */
export class TestDriver {
  readonly memory: TestMemory = new TestMemory();
  readonly irq: ProbeLine = new ProbeLine();
  readonly messages: number[][] = [];
  device: MmioDevice = { readMmio: () => 0, writeMmio: () => undefined };
  readonly #free: number[] = [];

  /** What a device under test is connected to. */
  connections(withMessages: boolean = false): VirtioPciConnections {
    const addressSpace: PciAddressSpace = {
      mapPorts: () => ({ release: () => undefined }),
      mapMemory: (_address, _size, device) => {
        this.device = device;
        return { release: () => undefined };
      },
    };
    const messages = {
      send: (address: number, data: number): void => void this.messages.push([address, data]),
    };
    const { memory, irq } = this;
    const place = { address: 0xfe80_0000, interruptLine: 11 };
    return { memory, addressSpace, irq, ...place, ...(withMessages ? { messages } : {}) };
  }

  read(offset: number, size: 1 | 2 | 4): number {
    return this.device.readMmio(offset, size);
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    this.device.writeMmio(offset, size, value);
  }

  /** Agrees on features and sets queues up (virtio 1.2, section 3.1.1); returns the status. */
  start(queues: number, lowFeatures: number, size: number = 16): number {
    this.write(field.status, 1, 0);
    this.write(field.status, 1, 1);
    this.write(field.status, 1, 3);
    this.write(field.driverFeatureSelect, 4, 0);
    this.write(field.driverFeature, 4, lowFeatures);
    this.write(field.driverFeatureSelect, 4, 1);
    this.write(field.driverFeature, 4, 1);
    this.write(field.status, 1, 0x0b);
    for (let queue = 0; queue < queues; queue += 1) {
      const base = queue * queueSpace;
      this.#free[queue] = 0;
      this.memory.bytes.fill(0, base + driverArea, base + indirectTables);
      this.write(field.queueSelect, 2, queue);
      this.write(field.queueSize, 2, size);
      this.write(field.descriptors, 4, base + descriptors);
      this.write(field.driverArea, 4, base + driverArea);
      this.write(field.deviceArea, 4, base + deviceArea);
      this.write(field.queueEnable, 2, 1);
    }
    this.write(field.status, 1, 0x0f);
    return this.read(field.status, 1);
  }

  /** Makes a chain available, as descriptors of the ring or behind an indirect one. */
  post(queue: number, buffers: readonly TestBuffer[], indirect: boolean = false): void {
    const base = queue * queueSpace;
    const first = this.#free[queue] ?? 0;
    if (indirect) {
      const table = base + indirectTables;
      this.#write(
        base + descriptors,
        first,
        table,
        16 * buffers.length,
        descriptorFlag.indirect,
        0,
      );
      this.#chain(table, 0, buffers);
      this.#free[queue] = first + 1;
    } else {
      this.#chain(base + descriptors, first, buffers);
      this.#free[queue] = first + buffers.length;
    }
    const { view } = this.memory;
    const index = view.getUint16(base + driverArea + 2, true);
    view.setUint16(base + driverArea + 4 + 2 * (index % 16), first, true);
    view.setUint16(base + driverArea + 2, index + 1, true);
  }

  notify(queue: number): void {
    this.write(region.notify + 4 * queue, 2, queue);
  }

  /** The lengths of the chains that the device has given back. */
  used(queue: number): number[] {
    const { view } = this.memory;
    const at = queue * queueSpace + deviceArea;
    const count = view.getUint16(at + 2, true);
    return Array.from({ length: count }, (_, entry) => {
      return view.getUint32(at + 8 + 8 * (entry % 16), true);
    });
  }

  #chain(table: number, first: number, buffers: readonly TestBuffer[]): void {
    for (const [at, { address, bytes, writes }] of buffers.entries()) {
      const next = at + 1 < buffers.length ? descriptorFlag.next : 0;
      const flags = next | (writes === true ? descriptorFlag.write : 0);
      this.#write(table, first + at, address, bytes, flags, first + at + 1);
    }
  }

  #write(
    table: number,
    index: number,
    address: number,
    bytes: number,
    flags: number,
    next: number,
  ): void {
    const { view } = this.memory;
    const at = table + 16 * index;
    view.setUint32(at, address, true);
    view.setUint32(at + 4, 0, true);
    view.setUint32(at + 8, bytes, true);
    view.setUint16(at + 12, flags, true);
    view.setUint16(at + 14, next, true);
  }
}

/** Walks the capability list of a function; returns the ids and kinds in order. */
export function capabilitiesOf(device: PciFunction): string[] {
  const found: string[] = [];
  for (let at = device.readConfig(0x34, 1); at !== 0 && found.length < 20;) {
    const id = device.readConfig(at, 1);
    found.push(id === 9 ? `virtio ${device.readConfig(at + 3, 1)}` : `0x${id.toString(16)}`);
    at = device.readConfig(at + 1, 1);
  }
  return found;
}
