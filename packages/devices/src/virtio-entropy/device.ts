/** A source of randomness on virtio (OASIS Virtual I/O Device 1.2, section 5.4). */
import type { AccessSize, DeviceState, DmaMemory, Resettable, Saveable } from '../interfaces.ts';
import type { PciFunction } from '../pci/function.ts';
import { openState, saveState } from '../state-shape.ts';
import { VirtioPciTransport, type VirtioPciConnections } from '../virtio-pci/device.ts';
import { segmentBytes, writeSegments } from '../virtio-pci/segments.ts';
import * as reg from './registers.ts';
import { virtioEntropyShape } from './state.ts';

const stateVersion = 1;

/** What an entropy device is connected to. */
export interface VirtioEntropyOptions extends VirtioPciConnections {
  /** Returns 32 random bits. */
  readonly random32: () => number;
}

/** A virtio entropy device. */
export class VirtioEntropy implements PciFunction, Saveable, Resettable {
  readonly #random32: () => number;
  readonly #memory: DmaMemory;
  readonly #transport: VirtioPciTransport;

  /** Makes an entropy device. */
  constructor(options: VirtioEntropyOptions) {
    this.#random32 = options.random32;
    this.#memory = options.memory;
    this.#transport = new VirtioPciTransport(
      {
        type: reg.entropyType,
        classCode: reg.entropyClass,
        features: 0,
        queues: 1,
        configuration: new Uint8Array(0),
        notified: () => {
          this.#fill();
        },
        forgotten: () => undefined,
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

  /** Returns to the state after reset. */
  reset(): void {
    this.#transport.reset();
  }

  /** Returns a copy of the registers. */
  save(): DeviceState {
    const transport = this.#transport.saveRegisters();
    return saveState('virtio-entropy', stateVersion, this.#shape(), { transport });
  }

  /** Takes over saved registers. */
  restore(state: unknown): void {
    const { transport } = openState(state, 'virtio-entropy', stateVersion, this.#shape());
    this.#transport.restoreRegisters(transport);
  }

  #shape(): ReturnType<typeof virtioEntropyShape> {
    return virtioEntropyShape((value, path) => this.#transport.shape(value, path));
  }

  #fill(): void {
    const [queue] = this.#transport.queues;
    if (queue === undefined) return;
    queue.look();
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const bytes = Math.min(segmentBytes(chain.writable), reg.mostEntropyBytes);
      const words = Int32Array.from({ length: Math.ceil(bytes / 4) }, this.#random32);
      writeSegments(this.#memory, chain.writable, 0, new Uint8Array(words.buffer, 0, bytes));
      queue.push(chain, bytes);
    }
    queue.rest();
    this.#transport.finish(0);
  }
}
