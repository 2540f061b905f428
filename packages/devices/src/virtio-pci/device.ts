/**
 * The PCI transport of a virtio device (virtio 1.2, section 4.1): what all of them have in common.
 *
 * A device of some type (block, console, entropy) makes a transport with its features, queues and
 * configuration, and is told of notifications. It is a modern device: drivers of virtio 1.0 and
 * later find it, legacy drivers do not.
 */
import type { AccessSize, DmaMemory, IrqLine, MmioDevice } from '../interfaces.ts';
import { pciCommand, pciRegister } from '../pci/registers.ts';
import { PciConfigSpace, type PciAddressSpace, type PciFunction } from '../pci/function.ts';
import { readCommon, writeCommon, type CommonConfigHost } from './common-config.ts';
import { virtioCapabilities } from './capabilities.ts';
import { Msix, type MessageTarget } from './msix.ts';
import * as reg from './registers.ts';
import { resetQueue, virtioPciShape, type VirtioPciState } from './state.ts';
import { Virtqueue } from './virtqueue.ts';

/** What connects a virtio device to its machine; the same for every type. */
export interface VirtioPciConnections {
  /** Guest memory, where rings and buffers stand. */
  readonly memory: DmaMemory;
  /** Where the registers are mapped. */
  readonly addressSpace: PciAddressSpace;
  /** The wire of INTA. */
  readonly irq: IrqLine;
  /** Where message-signalled interrupts go; without it the device has no MSI-X. */
  readonly messages?: MessageTarget;
  /** Where the registers stand after reset, in a machine without firmware. */
  readonly address?: number;
  /** What the interrupt line register holds after reset, in a machine without firmware. */
  readonly interruptLine?: number;
}

/** What a type of device tells the transport about itself. */
export interface VirtioType {
  /** The device type (section 5). */
  readonly type: number;
  /** PCI class code. */
  readonly classCode: number;
  /** Its features, those of the transport aside: low and high word. */
  readonly features: number;
  readonly queues: number;
  /** Its configuration, which drivers read. */
  readonly configuration: Uint8Array;
  /** The driver notified a queue. */
  notified(queue: number): void;
  /** The driver or the machine reset the device: what is under way is forgotten. */
  forgotten(): void;
}

/** Registers, queues and interrupts of one virtio device. */
export class VirtioPciTransport implements PciFunction, MmioDevice, CommonConfigHost {
  /** The queues, by number. */
  readonly queues: readonly Virtqueue[];
  readonly features: readonly [low: number, high: number];
  readonly #type: VirtioType;
  readonly #irq: IrqLine;
  readonly #config: PciConfigSpace;
  readonly #msix: Msix;
  #state: VirtioPciState;

  /** Makes a transport for a type of device. */
  constructor(type: VirtioType, connections: VirtioPciConnections) {
    const { messages, address, interruptLine } = connections;
    this.#type = type;
    this.#irq = connections.irq;
    this.features = [
      type.features | reg.virtioFeature.lowIndirect | reg.virtioFeature.lowEventIndex,
      reg.virtioFeature.highVersion1,
    ];
    const vectors = messages === undefined ? 0 : type.queues + 1;
    const capabilities = virtioCapabilities(type.configuration.length, type.queues, vectors);
    const ready = address === undefined ? 0 : pciCommand.memory | pciCommand.busMaster;
    this.#config = new PciConfigSpace({
      vendor: reg.virtioVendor,
      device: reg.virtioDeviceBase + type.type,
      revision: 1,
      classCode: type.classCode,
      subsystem: [reg.virtioVendor, 0x1100],
      interruptPin: 1,
      bars: {
        [reg.virtioBar]: {
          kind: 'memory',
          size: reg.virtioRegion.size,
          device: this,
          ...(address === undefined ? {} : { address }),
        },
      },
      addressSpace: connections.addressSpace,
      initial: [
        [pciRegister.command, ready, 0, 0x10, 0],
        [pciRegister.interruptLine, interruptLine ?? 0],
        ...capabilities.initial,
      ],
      writable: capabilities.writable,
    });
    this.#msix = new Msix(messages, vectors, () =>
      this.#config.readConfig(reg.capabilityAt.msix, 4),
    );
    this.#state = this.#reset();
    this.queues = this.#state.queues.map((queue) => new Virtqueue(connections.memory, queue));
  }

  /** Whether the driver has finished its set-up, so that queues may be used. */
  get running(): boolean {
    return (this.#state.status & reg.virtioStatus.driverOk) !== 0;
  }

  /** Whether the driver took a feature of the low word. */
  took(feature: number): boolean {
    return ((this.#state.features[0] ?? 0) & feature) !== 0;
  }

  /** Interrupts for what was given back on a queue; tells the driver when the queue is broken. */
  finish(index: number): void {
    const queue = this.queues[index];
    if (queue?.broken === true) {
      this.#state.status |= reg.virtioStatus.needsReset;
      this.#interrupt(reg.virtioIsr.configuration, this.#state.configVector);
    } else if (queue?.wantsInterrupt() === true) {
      this.#interrupt(reg.virtioIsr.queue, this.#state.queues[index]?.vector ?? reg.noVector);
    }
  }

  /** Reads configuration space, the window onto the registers too (section 4.1.4.9). */
  readConfig(offset: number, size: AccessSize): number {
    if (offset >= reg.capabilityAt.pciAccessData && offset < reg.capabilityAt.pciAccessData + 4) {
      const place = this.#window(size);
      return place < 0 ? 0 : this.readMmio(place, size);
    }
    return this.#config.readConfig(offset, size);
  }

  /** Writes configuration space. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    if (offset >= reg.capabilityAt.pciAccessData && offset < reg.capabilityAt.pciAccessData + 4) {
      const place = this.#window(size);
      if (place >= 0) this.writeMmio(place, size, value);
      return;
    }
    this.#config.writeConfig(offset, size, value);
    this.#msix.unmasked();
    this.#drive();
  }

  /** Reads a register. */
  readMmio(address: number, size: AccessSize): number {
    const region = reg.virtioRegion;
    if (address < region.isr) return readCommon(this.#state, this, address, size);
    if (address < region.device) {
      const { isr } = this.#state;
      this.#state.isr = 0;
      this.#drive();
      return address === region.isr ? isr : 0;
    }
    if (address < region.notify) return this.#readConfiguration(address - region.device, size);
    return address < region.table ? 0 : this.#msix.read(address - region.table, size);
  }

  /** Writes a register. */
  writeMmio(address: number, size: AccessSize, written: number): void {
    const region = reg.virtioRegion;
    const value = size === 4 ? written >>> 0 : written & (2 ** (8 * size) - 1);
    if (address < region.isr) {
      writeCommon(this.#state, this, address, size, value);
    } else if (address >= region.table) {
      this.#msix.write(address - region.table, size, value);
    } else if (address >= region.notify) {
      const queue = Math.floor((address - region.notify) / reg.notifyMultiplier);
      if (queue < this.queues.length && this.running) this.#type.notified(queue);
    }
  }

  statusWritten(value: number): void {
    if (value === 0) {
      this.#forget();
      return;
    }
    const { featuresOk, needsReset } = reg.virtioStatus;
    const [low = 0, high = 0] = this.#state.features;
    const isSubset = (low & ~this.features[0]) === 0 && (high & ~this.features[1]) === 0;
    const agreed = isSubset && (high & reg.virtioFeature.highVersion1) !== 0;
    const kept = this.#state.status & needsReset;
    this.#state.status = (agreed ? value : value & ~featuresOk) | kept;
    this.#connectQueues();
  }

  vectorWritten(vector: number): number {
    return vector < this.#msix.vectors ? vector : reg.noVector;
  }

  queueEnabled(): void {
    this.#connectQueues();
  }

  /** Returns to the state after reset. */
  reset(): void {
    this.#config.reset();
    this.#msix.reset();
    this.#forget();
  }

  /** Returns the registers, for the saved state of the device. */
  saveRegisters(): VirtioPciState {
    return { ...this.#state, config: this.#config.saveBytes(), msix: this.#msix.save() };
  }

  /** Checks saved registers: the shape that belongs to this device. */
  shape(value: unknown, path: string): VirtioPciState {
    return virtioPciShape(this.queues.length, this.#msix.vectors)(value, path);
  }

  /** Takes over saved registers. */
  restoreRegisters(state: VirtioPciState): void {
    this.#type.forgotten();
    this.#state = state;
    this.#config.restoreBytes(state.config);
    this.#msix.restore(state.msix);
    this.#connectQueues();
    this.#drive();
  }

  #reset(): VirtioPciState {
    return {
      config: this.#config.saveBytes(),
      status: 0,
      isr: 0,
      deviceFeatureSelect: 0,
      driverFeatureSelect: 0,
      features: [0, 0],
      configVector: reg.noVector,
      queueSelect: 0,
      queues: Array.from({ length: this.#type.queues }, resetQueue),
      msix: [],
    };
  }

  #forget(): void {
    this.#type.forgotten();
    this.#state = this.#reset();
    this.#connectQueues();
    this.#drive();
  }

  #connectQueues(): void {
    const eventIndex = this.took(reg.virtioFeature.lowEventIndex);
    for (const [index, queue] of this.queues.entries()) {
      const state = this.#state.queues[index];
      if (state !== undefined) queue.connect(state, eventIndex);
    }
  }

  #interrupt(cause: number, vector: number): void {
    if (this.#msix.enabled) {
      this.#msix.signal(vector);
    } else {
      this.#state.isr |= cause;
      this.#drive();
    }
  }

  #drive(): void {
    const isOff = (this.#config.command & pciCommand.interruptOff) !== 0 || this.#msix.enabled;
    this.#irq.set(this.#state.isr !== 0 && !isOff);
  }

  #readConfiguration(offset: number, size: AccessSize): number {
    let value = 0;
    for (let index = size - 1; index >= 0; index -= 1) {
      value = value * 256 + (this.#type.configuration[offset + index] ?? 0);
    }
    return value;
  }

  /** Returns where the window of configuration space points, or -1 for nowhere. */
  #window(size: AccessSize): number {
    const at = reg.capabilityAt.pciAccess;
    const bar = this.#config.byte(at + 4);
    const offset = this.#config.readConfig(at + 8, 4);
    const length = this.#config.readConfig(at + 12, 4);
    const inRange = offset + size <= reg.virtioRegion.size && offset % size === 0;
    return bar === reg.virtioBar && length === size && inRange ? offset : -1;
  }
}
