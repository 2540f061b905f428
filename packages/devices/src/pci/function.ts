/** The framework of a PCI function: its header, its base addresses, and where those are mapped. */
import type { AccessSize, MmioDevice, PortDevice } from '../interfaces.ts';
import { DeviceError } from '../error.ts';
import { integer, list, record, type Shape } from '../state-shape.ts';
import * as reg from './registers.ts';

/** A function as the bus sees it. */
export interface PciFunction {
  /**
   * Reads `size` bytes at `offset` of the configuration space; an access never crosses four bytes.
   */
  readConfig(offset: number, size: AccessSize): number;
  /** Writes `size` bytes at `offset` of the configuration space. */
  writeConfig(offset: number, size: AccessSize, value: number): void;
}

/** A range that a base address register put somewhere, until it is moved away. */
export interface PciMapping {
  /** Takes the range away again. */
  release(): void;
}

/**
 * Where base addresses become effective: supplied by whoever owns ports and memory.
 *
 * The addresses are the guest's choice: neither method may throw, and a range that overlaps another
 * device or memory yields to it.
 */
export interface PciAddressSpace {
  /** Maps ports; the device is given port numbers that count from `first`. */
  mapPorts(first: number, count: number, device: PortDevice): PciMapping;
  /** Maps guest-physical memory; the device is given offsets from `address`. */
  mapMemory(address: number, size: number, device: MmioDevice): PciMapping;
}

/** What a base address register stands for; the size is a power of two. */
export type PciBar = (
  | { readonly kind: 'ports'; readonly size: number; readonly device: PortDevice }
  | {
      readonly kind: 'memory' | 'memory64';
      readonly size: number;
      readonly device: MmioDevice;
      readonly prefetchable?: boolean;
    }
) & {
  /** Where it stands after reset in a machine without firmware; firmware finds zero else. */
  readonly address?: number;
};

/** The identity of a function, and what of it can be written. */
export interface PciFunctionOptions {
  /** Vendor number. */
  readonly vendor: number;
  /** Device number. */
  readonly device: number;
  /** Revision; 0 by default. */
  readonly revision?: number;
  /** Base class, sub-class and programming interface: 0x060000 is a host bridge. */
  readonly classCode: number;
  /** Whether the device has more than this one function. */
  readonly multiFunction?: boolean;
  /** Subsystem vendor and subsystem, if any. */
  readonly subsystem?: readonly [vendor: number, subsystem: number];
  /** 1 to 4 for INTA to INTD; 0, the default, for none. */
  readonly interruptPin?: number;
  /** Base addresses by register number; a `memory64` takes two registers. */
  readonly bars?: Readonly<Record<number, PciBar>>;
  /** Where base addresses are mapped; needed when there are any. */
  readonly addressSpace?: PciAddressSpace;
  /** Values after reset of further registers: offset and bytes. */
  readonly initial?: readonly (readonly [offset: number, ...bytes: number[]])[];
  /**
   * Which bits of further registers can be written: offset and a mask for each byte from there on.
   */
  readonly writable?: readonly (readonly [offset: number, ...masks: number[]])[];
}

/** The registers of a function: its 256 bytes. */
export interface PciConfigState {
  /** Configuration space, byte by byte. */
  bytes: number[];
}

/** The shape of a function's saved registers. */
export const pciConfigShape: Shape<PciConfigState> = record<PciConfigState>({
  bytes: list(integer(0, 0xff), reg.configSize),
});

interface MappedBar {
  readonly base: number;
  readonly mapping: PciMapping;
}

/**
 * A function's configuration space: identity, write masks, sizing and mapping of base addresses.
 */
export class PciConfigSpace implements PciFunction {
  readonly #bytes = new Uint8Array(reg.configSize);
  readonly #initial = new Uint8Array(reg.configSize);
  readonly #writable = new Uint8Array(reg.configSize);
  readonly #bars: ReadonlyMap<number, PciBar>;
  readonly #addressSpace: PciAddressSpace | undefined;
  readonly #mapped = new Map<number, MappedBar>();

  /**
   * Makes a function's configuration space.
   *
   * @throws DeviceError for base addresses whose size is none, or without an address space.
   */
  constructor(options: PciFunctionOptions) {
    const initial = new DataView(this.#initial.buffer);
    initial.setUint16(reg.pciRegister.vendor, options.vendor, true);
    initial.setUint16(reg.pciRegister.device, options.device, true);
    initial.setUint32(
      reg.pciRegister.revision,
      (options.classCode << 8) | (options.revision ?? 0),
      true,
    );
    initial.setUint8(reg.pciRegister.headerType, options.multiFunction === true ? 0x80 : 0);
    initial.setUint16(reg.pciRegister.subsystemVendor, options.subsystem?.[0] ?? 0, true);
    initial.setUint16(reg.pciRegister.subsystem, options.subsystem?.[1] ?? 0, true);
    initial.setUint8(reg.pciRegister.interruptPin, options.interruptPin ?? 0);
    const writable = new DataView(this.#writable.buffer);
    writable.setUint16(reg.pciRegister.command, reg.commandWritable, true);
    writable.setUint16(0x0c, 0xf8ff, true); // Cache line size and latency timer.
    writable.setUint8(reg.pciRegister.interruptLine, 0xff);
    for (const [offset, ...bytes] of options.initial ?? []) {
      this.#initial.set(bytes, offset);
    }
    for (const [offset, ...masks] of options.writable ?? []) {
      this.#writable.set(masks, offset);
    }
    this.#bars = new Map(
      Object.entries(options.bars ?? {}).map(([index, bar]) => [Number(index), bar]),
    );
    this.#addressSpace = options.addressSpace;
    for (const [index, bar] of this.#bars) {
      this.#defineBar(index, bar);
    }
    this.#bytes.set(this.#initial);
    this.#remap();
  }

  /** Returns one byte, without the bus. */
  byte(offset: number): number {
    return this.#bytes[offset & 0xff] ?? 0;
  }

  /**
   * Sets one byte whatever its write mask says: the device's own side, or a machine without
   * firmware.
   */
  setByte(offset: number, value: number): void {
    this.#bytes[offset & 0xff] = value & 0xff;
    this.#remap();
  }

  /** Returns the command register. */
  get command(): number {
    return this.byte(reg.pciRegister.command) | (this.byte(reg.pciRegister.command + 1) << 8);
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    let value = 0;
    for (let index = size - 1; index >= 0; index -= 1) {
      value = value * 256 + this.byte(offset + index);
    }
    return value;
  }

  /** Writes what can be written, clears what ones clear, and maps base addresses anew. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    for (let index = 0; index < size; index += 1) {
      const at = (offset + index) & 0xff;
      const byte = (value >>> (8 * index)) & 0xff;
      const mask = this.#writable[at] ?? 0;
      const kept = this.byte(at) & ~mask;
      this.#bytes[at] = kept | (byte & mask);
      if (at === reg.pciRegister.status + 1) {
        this.#bytes[at] = kept & ~(byte & (reg.statusClearable >> 8));
      }
    }
    this.#remap();
  }

  /** Returns to the values after reset; nothing stays mapped. */
  reset(): void {
    this.#bytes.set(this.#initial);
    this.#remap();
  }

  /** Returns the registers for a saved state. */
  saveBytes(): PciConfigState {
    return { bytes: [...this.#bytes] };
  }

  /** Takes over the registers of a saved state and maps its base addresses. */
  restoreBytes(state: PciConfigState): void {
    this.#bytes.set(state.bytes);
    this.#remap();
  }

  #defineBar(index: number, bar: PciBar): void {
    const least = bar.kind === 'ports' ? 4 : 16;
    const last = bar.kind === 'memory64' ? index + 1 : index;
    const isPower = bar.size >= least && Number.isInteger(Math.log2(bar.size));
    const most = bar.kind === 'ports' ? 0x100 : 0x8000_0000;
    if (!isPower || bar.size > most || index < 0 || last >= reg.barCount) {
      throw new DeviceError(
        'bad-configuration',
        `base address ${String(index)}: expected a power of two in ` +
          `${String(least)}..${String(most)}, found ${String(bar.size)}`,
      );
    }
    if (this.#addressSpace === undefined) {
      throw new DeviceError('bad-configuration', 'base addresses need an address space');
    }
    const offset = reg.pciRegister.bars + 4 * index;
    const mask = new DataView(this.#writable.buffer);
    const initial = new DataView(this.#initial.buffer);
    mask.setUint32(offset, -bar.size, true);
    const address = bar.address ?? 0;
    if (bar.kind === 'ports') {
      initial.setUint32(offset, address + 1, true);
    } else {
      const type = (bar.kind === 'memory64' ? 4 : 0) | (bar.prefetchable === true ? 8 : 0);
      initial.setUint32(offset, address + type, true);
    }
    if (bar.kind === 'memory64') {
      mask.setUint32(offset + 4, 0xffff_ffff, true);
    }
  }

  /** Returns the address at which a base address asks to be mapped, or -1 for nowhere. */
  #target(index: number, bar: PciBar): number {
    const needed = bar.kind === 'ports' ? reg.pciCommand.ports : reg.pciCommand.memory;
    if ((this.command & needed) === 0) {
      return -1;
    }
    const offset = reg.pciRegister.bars + 4 * index;
    const low = this.readConfig(offset, 4);
    const base = low - (low % bar.size);
    const high = bar.kind === 'memory64' ? this.readConfig(offset + 4, 4) : 0;
    // The top of the space is what sizing leaves in the register for a moment, and zero what reset
    // does.
    const end = bar.kind === 'ports' ? 0x1_0000 : 0x1_0000_0000;
    return high !== 0 || base === 0 || base + bar.size >= end ? -1 : base;
  }

  #remap(): void {
    for (const [index, bar] of this.#bars) {
      const base = this.#target(index, bar);
      const current = this.#mapped.get(index);
      if (current !== undefined && current.base !== base) {
        this.#mapped.delete(index);
        current.mapping.release();
      }
      if (base >= 0 && current?.base !== base && this.#addressSpace !== undefined) {
        const mapping =
          bar.kind === 'ports'
            ? this.#addressSpace.mapPorts(base, bar.size, bar.device)
            : this.#addressSpace.mapMemory(base, bar.size, bar.device);
        this.#mapped.set(index, { base, mapping });
      }
    }
  }
}
