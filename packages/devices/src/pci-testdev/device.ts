/** What test kernels try PCI memory and ports with (`pci-testdev`). */
import type { AccessSize, DeviceState, Resettable, Saveable } from '../interfaces.ts';
import { PciConfigSpace, type PciAddressSpace, type PciFunction } from '../pci/function.ts';
import { pciCommand, pciRegister } from '../pci/registers.ts';
import { openState, saveState } from '../state-shape.ts';
import * as reg from './registers.ts';
import { pciTestDeviceShape } from './state.ts';

const stateVersion = 1;
const headerBytes = 16;

/** What the test device is connected to. */
export interface PciTestDeviceOptions {
  readonly addressSpace: PciAddressSpace;
  /** Where its memory and its ports stand after reset, in a machine without firmware. */
  readonly places?: readonly [memory: number, ports: number];
}

/** The test device on the PCI bus: writes that are as a header says are counted. */
export class PciTestDevice implements PciFunction, Saveable, Resettable {
  readonly #config: PciConfigSpace;
  #current = -1;
  #count = 0;

  /** Makes the device, with no test chosen. */
  constructor(options: PciTestDeviceOptions) {
    const [memory, ports] = options.places ?? [];
    const ready = memory === undefined ? 0 : pciCommand.ports | pciCommand.memory;
    const read = (offset: number, size: AccessSize): number => this.#read(offset, size);
    const { memory: firstOfMemory, ports: firstOfPorts } = reg.firstTest;
    this.#config = new PciConfigSpace({
      vendor: reg.pciTestVendor,
      device: reg.pciTestDevice,
      revision: 0,
      classCode: reg.pciTestClass,
      subsystem: reg.pciTestSubsystem,
      bars: {
        0: {
          kind: 'memory',
          size: reg.pciTestMemoryBytes,
          device: {
            readMmio: read,
            writeMmio: (offset, _size, value) => this.#write(offset, value, firstOfMemory),
          },
          ...(memory === undefined ? {} : { address: memory }),
        },
        1: {
          kind: 'ports',
          size: reg.pciTestPorts,
          device: {
            readPort: read,
            writePort: (offset, _size, value) => this.#write(offset, value, firstOfPorts),
          },
          ...(ports === undefined ? {} : { address: ports }),
        },
      },
      addressSpace: options.addressSpace,
      initial: [[pciRegister.command, ready, 0]],
    });
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    return this.#config.readConfig(offset, size);
  }

  /** Writes configuration space. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    this.#config.writeConfig(offset, size, value);
  }

  /** Returns to the state after reset. */
  reset(): void {
    this.#config.reset();
    this.#current = -1;
    this.#count = 0;
  }

  /** Returns a copy of the registers. */
  save(): DeviceState {
    return saveState('pci-testdev', stateVersion, pciTestDeviceShape, {
      config: this.#config.saveBytes(),
      current: this.#current,
      count: this.#count,
    });
  }

  /** Takes over saved registers. */
  restore(state: unknown): void {
    const saved = openState(state, 'pci-testdev', stateVersion, pciTestDeviceShape);
    this.#config.restoreBytes(saved.config);
    this.#current = saved.current;
    this.#count = saved.count;
  }

  /** Reads the header; zeros behind it. */
  #read(offset: number, size: AccessSize): number {
    const test = reg.pciTests[this.#current];
    if (test === undefined || offset + size > headerBytes + test.name.length + 1) {
      return 0;
    }
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte -= 1) {
      value = value * 256 + this.#headerByte(test, offset + byte);
    }
    return value;
  }

  #headerByte(test: reg.PciTest, offset: number): number {
    if (offset >= headerBytes) {
      return offset - headerBytes < test.name.length
        ? test.name.charCodeAt(offset - headerBytes)
        : 0;
    }
    // Test and width are the two low bytes of the first word.
    const words = [this.#current | 0x100, test.offset, test.data, this.#count];
    return ((words[offset >> 2] ?? 0) >>> (8 * (offset & 3))) & 0xff;
  }

  /** Chooses a test, or counts a write that is as the header says. */
  #write(offset: number, value: number, first: number): void {
    const low = value & 0xff;
    if (offset === 0) {
      this.#current = low < reg.testsOfEach ? first + low : -1;
      this.#count = 0;
      return;
    }
    const test = reg.pciTests[this.#current];
    const isOwn = this.#current >= first && this.#current < first + reg.testsOfEach;
    if (test !== undefined && isOwn && !test.notifies) {
      const counts = offset === test.offset && low === test.data;
      this.#count = (this.#count + (counts ? 1 : 0)) >>> 0;
    }
  }
}
