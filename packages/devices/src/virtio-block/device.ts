/**
 * A disk on virtio (OASIS Virtual I/O Device 1.2, section 5.2).
 *
 * Requests are served in the order of the ring, one at a time. Storage that answers at once
 * completes them within the notification, so that the run of a machine depends on the guest alone.
 */
import type { BlockStorage } from '../block-storage.ts';
import { sectorBytes } from '../block-storage.ts';
import type { AccessSize, DeviceState, DmaMemory, Resettable, Saveable } from '../interfaces.ts';
import type { PciFunction } from '../pci/function.ts';
import { openState, saveState } from '../state-shape.ts';
import { VirtioPciTransport, type VirtioPciConnections } from '../virtio-pci/device.ts';
import { readSegments, segmentBytes, writeSegments } from '../virtio-pci/segments.ts';
import type { DescriptorChain, Virtqueue } from '../virtio-pci/virtqueue.ts';
import * as reg from './registers.ts';
import { virtioBlockShape } from './state.ts';

const stateVersion = 1;
const twoTo32 = 2 ** 32;

/** What a block device is connected to. */
export interface VirtioBlockOptions extends VirtioPciConnections {
  /** The sectors. */
  readonly storage: BlockStorage;
  /** What the driver reads as the disk's identity, at most 20 characters of ASCII. */
  readonly identity?: string;
}

/** A virtio disk. */
export class VirtioBlock implements PciFunction, Saveable, Resettable {
  readonly #storage: BlockStorage;
  readonly #memory: DmaMemory;
  readonly #identity: Uint8Array;
  readonly #transport: VirtioPciTransport;
  #buffer = new Uint8Array(0x2_0000);
  readonly #header = new Uint8Array(reg.blockHeaderBytes);
  /** The request that waits for the storage. */
  #active: DescriptorChain | undefined;
  /** Counts resets: completions for requests from before one are nobody's. */
  #epoch = 0;
  /** A request is with the storage, and the buffer too: it may be one from before a reset. */
  #busy = false;
  #serving = false;

  /** Makes a disk. */
  constructor(options: VirtioBlockOptions) {
    const { storage, memory, identity = 'ringfence' } = options;
    this.#storage = storage;
    this.#memory = memory;
    this.#identity = new Uint8Array(reg.identityBytes);
    for (let at = 0; at < Math.min(identity.length, reg.identityBytes); at += 1) {
      this.#identity[at] = identity.charCodeAt(at) & 0x7f;
    }
    const { segments, blockSize, flush, readOnly } = reg.blockFeature;
    this.#transport = new VirtioPciTransport(
      {
        type: reg.blockType,
        classCode: reg.blockClass,
        features: segments | blockSize | flush | (storage.readOnly ? readOnly : 0),
        queues: 1,
        configuration: configurationOf(storage),
        notified: () => {
          this.#serve();
        },
        forgotten: () => {
          this.#epoch += 1;
          this.#active = undefined;
        },
      },
      options,
    );
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    return this.#transport.readConfig(offset, size);
  }

  /** Writes configuration space. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    this.#transport.writeConfig(offset, size, value);
  }

  /** Returns to the state after reset; what is under way is forgotten. */
  reset(): void {
    this.#transport.reset();
  }

  /** Returns a copy of the registers; a request under way counts as not begun. */
  save(): DeviceState {
    const transport = this.#transport.saveRegisters();
    const [queue] = transport.queues;
    if (this.#active !== undefined && queue !== undefined) {
      const availableIndex = (queue.availableIndex - 1) & 0xffff;
      transport.queues = [{ ...queue, availableIndex }];
    }
    return saveState('virtio-block', stateVersion, this.#shape(), { transport });
  }

  /** Takes over saved registers and begins the requests that wait. */
  restore(state: unknown): void {
    const { transport } = openState(state, 'virtio-block', stateVersion, this.#shape());
    this.#transport.restoreRegisters(transport);
    this.#serve();
  }

  #shape(): ReturnType<typeof virtioBlockShape> {
    return virtioBlockShape((value, path) => this.#transport.shape(value, path));
  }

  #serve(): void {
    const [queue] = this.#transport.queues;
    if (queue === undefined || this.#serving || this.#busy || !this.#transport.running) return;
    this.#serving = true;
    queue.look();
    while (!this.#busy) {
      const chain = queue.pop();
      if (chain === undefined) break;
      this.#active = chain;
      this.#busy = true;
      this.#begin(queue, chain);
    }
    this.#serving = false;
    if (!this.#busy) queue.rest();
    this.#transport.finish(0);
  }

  #begin(queue: Virtqueue, chain: DescriptorChain): void {
    const epoch = this.#epoch;
    const { readable, writable } = chain;
    // The last byte that the device may write is the status (section 5.2.6).
    const space = segmentBytes(writable) - 1;
    const over = (status: number, written: number): void => {
      this.#busy = false;
      if (epoch === this.#epoch) {
        this.#active = undefined;
        if (space >= 0) writeSegments(this.#memory, writable, space, Uint8Array.of(status));
        queue.push(chain, space < 0 ? 0 : status === reg.blockStatus.ok ? written + 1 : 1);
      }
      if (!this.#serving) this.#serve();
    };
    const sent = segmentBytes(readable) - reg.blockHeaderBytes;
    if (space < 0 || sent < 0) {
      over(reg.blockStatus.failed, 0);
      return;
    }
    readSegments(this.#memory, readable, 0, this.#header);
    const view = new DataView(this.#header.buffer);
    const sector = view.getUint32(12, true) * twoTo32 + view.getUint32(8, true);
    switch (view.getUint32(0, true)) {
      case reg.blockRequest.read:
        this.#read(chain, sector, space, over);
        break;
      case reg.blockRequest.write:
        this.#write(chain, sector, sent, over);
        break;
      case reg.blockRequest.flush:
        this.#storage.flush((ok) => {
          over(ok ? reg.blockStatus.ok : reg.blockStatus.failed, 0);
        });
        break;
      case reg.blockRequest.identity: {
        const part = this.#identity.subarray(0, space);
        writeSegments(this.#memory, writable, 0, part);
        over(reg.blockStatus.ok, part.length);
        break;
      }
      default:
        over(reg.blockStatus.unsupported, 0);
    }
  }

  #read(
    chain: DescriptorChain,
    sector: number,
    bytes: number,
    over: (status: number, written: number) => void,
  ): void {
    if (!this.#isOnDisk(sector, bytes)) {
      over(reg.blockStatus.failed, 0);
      return;
    }
    const epoch = this.#epoch;
    const buffer = this.#space(bytes);
    this.#storage.read(sector * sectorBytes, buffer, (ok) => {
      if (ok && epoch === this.#epoch) writeSegments(this.#memory, chain.writable, 0, buffer);
      over(ok ? reg.blockStatus.ok : reg.blockStatus.failed, bytes);
    });
  }

  #write(
    chain: DescriptorChain,
    sector: number,
    bytes: number,
    over: (status: number, written: number) => void,
  ): void {
    if (this.#storage.readOnly || !this.#isOnDisk(sector, bytes)) {
      over(reg.blockStatus.failed, 0);
      return;
    }
    const buffer = this.#space(bytes);
    readSegments(this.#memory, chain.readable, reg.blockHeaderBytes, buffer);
    const end = (ok: boolean): void => {
      over(ok ? reg.blockStatus.ok : reg.blockStatus.failed, 0);
    };
    this.#storage.write(sector * sectorBytes, buffer, (ok) => {
      // A driver that cannot flush relies on each write (section 5.2.6.2).
      if (ok && !this.#transport.took(reg.blockFeature.flush)) this.#storage.flush(end);
      else end(ok);
    });
  }

  #isOnDisk(sector: number, bytes: number): boolean {
    const isWhole = bytes % sectorBytes === 0 && bytes <= reg.maximumRequestBytes;
    return isWhole && sector * sectorBytes + bytes <= this.#storage.bytes;
  }

  /** Returns the buffer of the one request. */
  #space(bytes: number): Uint8Array {
    if (this.#buffer.length < bytes) this.#buffer = new Uint8Array(bytes);
    return this.#buffer.subarray(0, bytes);
  }
}

function configurationOf(storage: BlockStorage): Uint8Array {
  const configuration = new Uint8Array(0x24);
  const view = new DataView(configuration.buffer);
  const sectors = storage.bytes / sectorBytes;
  view.setUint32(0x00, sectors % twoTo32, true);
  view.setUint32(0x04, Math.floor(sectors / twoTo32), true);
  view.setUint32(0x0c, reg.mostSegments, true);
  view.setUint32(0x14, sectorBytes, true);
  view.setUint8(0x20, 1);
  view.setUint16(0x22, 1, true);
  return configuration;
}
