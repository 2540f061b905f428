/** A console on virtio (OASIS Virtual I/O Device 1.2, section 5.3): `hvc0` of a Linux guest. */
import type {
  AccessSize,
  ByteSink,
  DeviceState,
  DmaMemory,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import type { PciFunction } from '../pci/function.ts';
import { openState, saveState } from '../state-shape.ts';
import { VirtioPciTransport, type VirtioPciConnections } from '../virtio-pci/device.ts';
import { readSegments, segmentBytes, writeSegments } from '../virtio-pci/segments.ts';
import * as reg from './registers.ts';
import { virtioConsoleShape } from './state.ts';

const stateVersion = 1;
const pieceBytes = 4096;

/** What a console is connected to. */
export interface VirtioConsoleOptions extends VirtioPciConnections {
  /** Where output goes. */
  readonly output: ByteSink;
}

/** A virtio console with one port. */
export class VirtioConsole implements PciFunction, Saveable, Resettable {
  readonly #output: ByteSink;
  readonly #memory: DmaMemory;
  readonly #transport: VirtioPciTransport;

  /** Makes a console. */
  constructor(options: VirtioConsoleOptions) {
    this.#output = options.output;
    this.#memory = options.memory;
    this.#transport = new VirtioPciTransport(
      {
        type: reg.consoleType,
        classCode: reg.consoleClass,
        features: 0,
        queues: 2,
        configuration: new Uint8Array(reg.consoleConfigBytes),
        notified: (queue) => {
          if (queue === reg.consoleQueue.transmit) this.#transmit();
        },
        forgotten: () => undefined,
      },
      options,
    );
  }

  /** Gives input to the guest and returns how many bytes found buffers; offer the others later. */
  receive(bytes: Uint8Array): number {
    const queue = this.#transport.queues[reg.consoleQueue.receive];
    if (queue === undefined || !this.#transport.running) return 0;
    queue.look();
    let done = 0;
    while (done < bytes.length) {
      const chain = queue.pop();
      if (chain === undefined) break;
      const space = segmentBytes(chain.writable);
      const part = bytes.subarray(done, done + space);
      writeSegments(this.#memory, chain.writable, 0, part);
      queue.push(chain, part.length);
      done += part.length;
    }
    queue.rest();
    this.#transport.finish(reg.consoleQueue.receive);
    return done;
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
    return saveState('virtio-console', stateVersion, this.#shape(), { transport });
  }

  /** Takes over saved registers. */
  restore(state: unknown): void {
    const { transport } = openState(state, 'virtio-console', stateVersion, this.#shape());
    this.#transport.restoreRegisters(transport);
  }

  #shape(): ReturnType<typeof virtioConsoleShape> {
    return virtioConsoleShape((value, path) => this.#transport.shape(value, path));
  }

  #transmit(): void {
    const queue = this.#transport.queues[reg.consoleQueue.transmit];
    if (queue === undefined) return;
    queue.look();
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const bytes = Math.min(segmentBytes(chain.readable), reg.mostConsoleBytes);
      for (let done = 0; done < bytes; done += pieceBytes) {
        const piece = new Uint8Array(Math.min(pieceBytes, bytes - done));
        readSegments(this.#memory, chain.readable, done, piece);
        for (const byte of piece) this.#output.write(byte);
      }
      queue.push(chain, 0);
    }
    queue.rest();
    this.#transport.finish(reg.consoleQueue.transmit);
  }
}
