/**
 * The PCI device 5853:0001 by which a guest on emulated hardware knows that it may take
 * paravirtual devices instead, and the ports by which it has the emulated ones taken away (Xen,
 * docs/misc/hvm-emulated-unplug.pandoc).
 */
import type {
  AccessSize,
  DeviceState,
  FixedPortDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { PciConfigSpace, type PciAddressSpace, type PciFunction } from '../pci/function.ts';
import { pciCommand, pciRegister } from '../pci/registers.ts';
import { openState, saveState } from '../state-shape.ts';
import * as reg from './registers.ts';
import { xenPlatformShape } from './state.ts';

const stateVersion = 1;

/** What the device is connected to. */
export interface XenPlatformOptions {
  readonly addressSpace: PciAddressSpace;
  /** Where its ports and its memory stand after reset, in a machine without firmware. */
  readonly places?: readonly [ports: number, memory: number];
  /** Takes the emulated disks away, until the machine is reset. */
  unplugDisks(): void;
}

/** The platform device of a Xen guest on emulated hardware. */
export class XenPlatform implements PciFunction, FixedPortDevice, Saveable, Resettable {
  /** The ports at their fixed place. */
  readonly ports: readonly PortWindow[] = [
    { first: reg.platformPort, count: reg.platformPortCount, widest: 4 },
  ];
  readonly #options: XenPlatformOptions;
  readonly #config: PciConfigSpace;
  #unplugged = 0;
  /** Product number and build number of the drivers. */
  #driver: [number, number] = [0, 0];

  /** Makes the device. */
  constructor(options: XenPlatformOptions) {
    this.#options = options;
    const nothing = { readPort: () => 0xff, writePort: () => undefined };
    // The memory is a place for pages of Xen's, and empty by itself.
    const empty = { readMmio: () => 0xffff_ffff, writeMmio: () => undefined };
    const [ports, memory] = options.places ?? [];
    const ready = ports === undefined ? 0 : pciCommand.ports | pciCommand.memory;
    this.#config = new PciConfigSpace({
      vendor: reg.platformVendor,
      device: reg.platformDevice,
      revision: 1,
      classCode: reg.platformClass,
      subsystem: [reg.platformVendor, reg.platformDevice],
      interruptPin: 1,
      bars: {
        0: {
          kind: 'ports',
          size: reg.platformPorts,
          device: nothing,
          ...(ports === undefined ? {} : { address: ports }),
        },
        1: {
          kind: 'memory',
          size: reg.platformMemory,
          device: empty,
          prefetchable: true,
          ...(memory === undefined ? {} : { address: memory }),
        },
      },
      addressSpace: options.addressSpace,
      initial: [[pciRegister.command, ready, 0]],
    });
  }

  /** The magic number, or the version of the protocol. */
  readPort(port: number, size: AccessSize): number {
    const offset = port - reg.platformPort;
    if (offset === 0 && size === 2) {
      return reg.platformMagic;
    }
    return offset === 2 && size === 1 ? reg.protocolVersion : 2 ** (8 * size) - 1;
  }

  /** Takes devices away, or is told what the drivers are. */
  writePort(port: number, size: AccessSize, value: number): void {
    const offset = port - reg.platformPort;
    if (offset === 0 && size === 2) {
      this.#unplugged |= value & 0xffff;
      this.#unplug();
    } else if (offset === 0 && size === 4) {
      this.#driver[1] = value >>> 0;
    } else if (offset === 2 && size === 2) {
      this.#driver[0] = value & 0xffff;
    }
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    return this.#config.readConfig(offset, size);
  }

  /** Writes configuration space. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    this.#config.writeConfig(offset, size, value);
  }

  /** Returns to the state after reset: nothing is unplugged. */
  reset(): void {
    this.#config.reset();
    this.#unplugged = 0;
    this.#driver = [0, 0];
  }

  /** Returns a copy of the registers. */
  save(): DeviceState {
    return saveState('xen-platform', stateVersion, xenPlatformShape, {
      config: this.#config.saveBytes(),
      unplugged: this.#unplugged,
      driver: [...this.#driver],
    });
  }

  /** Takes over saved registers, and takes away what was. */
  restore(state: unknown): void {
    const saved = openState(state, 'xen-platform', stateVersion, xenPlatformShape);
    const [product = 0, build = 0] = saved.driver;
    this.#config.restoreBytes(saved.config);
    this.#driver = [product, build];
    this.#unplugged = saved.unplugged;
    this.#unplug();
  }

  #unplug(): void {
    if ((this.#unplugged & reg.Unplug.allDisks) !== 0) {
      this.#options.unplugDisks();
    }
  }
}
