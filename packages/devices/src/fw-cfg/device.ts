/**
 * The device by which firmware learns what machine it runs on (QEMU, docs/specs/fw_cfg.rst).
 *
 * Items cannot be written: the files of this device are all read-only.
 */
import type {
  AccessSize,
  DeviceState,
  DmaMemory,
  FixedPortDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { fileItems, itemText, type FwCfgFile } from './items.ts';
import * as reg from './registers.ts';
import { fwCfgShape, powerOnFwCfg, type FwCfgState } from './state.ts';

const stateVersion = 1;
const { dmaControl, fwCfgKey, fwCfgPort } = reg;

/** The most zeros that one transfer writes behind the end of an item; the rest is an error. */
const maximumPadding = 0x10_0000;
const zeroBlock = new Uint8Array(0x1_0000);
const nothing = new Uint8Array(0);

/** What the firmware configuration device holds, and the memory that it writes to. */
export interface FwCfgOptions {
  /** Items by their selectors. */
  readonly items: ReadonlyMap<number, Uint8Array>;
  /** Files, which get selectors in the order of their names. */
  readonly files: readonly FwCfgFile[];
  readonly memory: DmaMemory;
}

/** Configuration items, read byte by byte or by DMA. */
export class FwCfg implements FixedPortDevice, Saveable, Resettable {
  /** The selector and data ports, and the DMA address. */
  readonly ports: readonly PortWindow[] = [
    { first: fwCfgPort.selector, count: 2, widest: 2 },
    { first: fwCfgPort.dmaHigh, count: 8, widest: 4 },
  ];
  readonly #items: ReadonlyMap<number, Uint8Array>;
  readonly #memory: DmaMemory;
  #state: FwCfgState = powerOnFwCfg();

  /**
   * Makes a device with these items and files.
   *
   * @throws DeviceError `bad-configuration` for a file name that has no room in the directory.
   */
  constructor(options: FwCfgOptions) {
    this.#memory = options.memory;
    this.#items = new Map([
      [fwCfgKey.signature, itemText(reg.signature).subarray(0, 4)],
      [fwCfgKey.features, Uint8Array.of(reg.features, 0, 0, 0)],
      ...options.items,
      ...fileItems(options.files),
    ]);
  }

  /** Reads the next byte of the item, or the signature of the DMA interface. */
  readPort(port: number, size: AccessSize): number {
    if (port === fwCfgPort.data && size === 1) {
      const byte = this.#item()[this.#state.offset] ?? 0;
      this.#advance(1);
      return byte;
    }
    if (port === fwCfgPort.dmaHigh && size === 4) {
      return swap32(reg.dmaSignature.high);
    }
    if (port === fwCfgPort.dmaLow && size === 4) {
      return swap32(reg.dmaSignature.low);
    }
    return 0;
  }

  /** Writes the selector, or the DMA address, whose low half starts the transfer. */
  writePort(port: number, size: AccessSize, value: number): void {
    if (port === fwCfgPort.selector && size === 2) {
      this.#select(value);
    } else if (port === fwCfgPort.dmaHigh && size === 4) {
      this.#state.dmaHigh = swap32(value);
    } else if (port === fwCfgPort.dmaLow && size === 4) {
      const address = this.#state.dmaHigh * 2 ** 32 + swap32(value);
      this.#state.dmaHigh = 0;
      this.#transfer(address);
    }
  }

  /** Selects nothing. */
  reset(): void {
    this.#state = powerOnFwCfg();
  }

  /** Returns a copy of the registers; items are not part of it. */
  save(): DeviceState {
    return saveState('fw-cfg', stateVersion, fwCfgShape, this.#state);
  }

  /** Takes over saved registers. */
  restore(state: unknown): void {
    this.#state = openState(state, 'fw-cfg', stateVersion, fwCfgShape);
  }

  #select(selector: number): void {
    this.#state.selector = selector;
    this.#state.offset = 0;
  }

  #item(): Uint8Array {
    return this.#items.get(this.#state.selector) ?? nothing;
  }

  #advance(bytes: number): void {
    this.#state.offset = Math.min(this.#state.offset + bytes, 0xffff_ffff);
  }

  /** Does what the access structure at a physical address says, and clears its control word. */
  #transfer(address: number): void {
    const access = new Uint8Array(reg.accessBytes);
    this.#memory.read(address, access);
    const view = new DataView(access.buffer);
    const control = view.getUint32(0);
    if ((control & dmaControl.select) !== 0) {
      this.#select(control >>> 16);
    }
    const length = view.getUint32(4);
    const target = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
    let failed = false;
    if ((control & dmaControl.read) !== 0) {
      failed = !this.#copy(target, length);
    } else if ((control & dmaControl.write) !== 0) {
      failed = true;
    }
    if ((control & (dmaControl.read | dmaControl.skip)) !== 0) {
      this.#advance(length);
    }
    view.setUint32(0, failed ? dmaControl.error : 0);
    this.#memory.write(address, access.subarray(0, 4));
  }

  /** Copies what is left of the item, then zeros; false when more zeros are wanted than allowed. */
  #copy(target: number, length: number): boolean {
    const { offset } = this.#state;
    const part = this.#item().subarray(offset, offset + length);
    this.#memory.write(target, part);
    const padding = length - part.length;
    for (let done = 0; done < Math.min(padding, maximumPadding); done += zeroBlock.length) {
      const block = zeroBlock.subarray(0, Math.min(padding - done, zeroBlock.length));
      this.#memory.write(target + part.length + done, block);
    }
    return padding <= maximumPadding;
  }
}

/** Returns a 32-bit value with its bytes in the other order, unsigned. */
function swap32(value: number): number {
  const swapped =
    (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
  return swapped >>> 0;
}
