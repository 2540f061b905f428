/**
 * The VGA as a PCI function (QEMU, docs/specs/standard-vga.rst): linear frame buffer, the registers
 * in memory, and the ROM with its BIOS.
 *
 *     base address 0   video memory
 *     base address 2   0 what the display tells of itself (EDID)
 *                      0x400 the ports from 0x3c0 | 0x500 the VBE registers, 16 bits each
 *     ROM              the VGA BIOS
 */
import type { AccessSize, DeviceState, MmioDevice, Resettable, Saveable } from '../interfaces.ts';
import { pciConfigShape, PciConfigSpace } from '../pci/function.ts';
import type { PciAddressSpace, PciFunction, PciMapping } from '../pci/function.ts';
import { pciCommand, pciRegister, virtualSubsystem } from '../pci/registers.ts';
import { openState, saveState } from '../state-shape.ts';
import type { Vga } from './device.ts';
import { edidBlock } from './edid.ts';
import { vgaPort } from './registers.ts';

const stateVersion = 1;
const identity = { vendor: 0x1234, device: 0x1111, revision: 2, classCode: 0x03_0000 } as const;
const registerBytes = 0x1000;
const registerWindow = { ports: 0x400, portCount: 0x20, vbe: 0x500, vbeCount: 0x16 } as const;
const romEnable = 1;
const leastRomBytes = 0x800;

/** What the function is connected to. */
export interface VgaFunctionOptions {
  readonly vga: Vga;
  readonly addressSpace: PciAddressSpace;
  /** Lets video memory show at an address: plain memory, not registers. */
  readonly mapFrameBuffer: (address: number, size: number) => PciMapping;
  /** Lets the ROM show at an address, for `romBytes` bytes. */
  readonly mapRom?: (address: number, size: number) => PciMapping;
  /** Bytes of the ROM, a power of two; 0 or absent for none. */
  readonly romBytes?: number;
  /** Where video memory and registers stand in a machine without firmware that places them. */
  readonly places?: VgaPlaces;
}

/** Physical addresses of a display's two ranges. */
export interface VgaPlaces {
  readonly frameBuffer: number;
  readonly registers: number;
}

/** The function of a display adapter. */
export class VgaFunction implements PciFunction, Saveable, Resettable {
  readonly #config: PciConfigSpace;
  readonly #mapRom: ((address: number, size: number) => PciMapping) | undefined;
  readonly #romBytes: number;
  #rom: { readonly address: number; readonly mapping: PciMapping } | undefined;

  /** Makes the function. */
  constructor(options: VgaFunctionOptions) {
    const { vga, addressSpace, mapFrameBuffer, romBytes = 0, places } = options;
    this.#mapRom = options.mapRom;
    this.#romBytes = romBytes === 0 ? 0 : Math.max(romBytes, leastRomBytes);
    const mask = (-this.#romBytes & 0xffff_f800) | (romBytes === 0 ? 0 : romEnable);
    const frameBuffer: MmioDevice = { readMmio: () => 0, writeMmio: () => undefined };
    this.#config = new PciConfigSpace({
      ...identity,
      subsystem: virtualSubsystem,
      bars: {
        0: {
          ...{ kind: 'memory', size: vga.memoryBytes, device: frameBuffer, prefetchable: true },
          ...(places === undefined ? {} : { address: places.frameBuffer }),
        },
        2: {
          ...{ kind: 'memory', size: registerBytes, device: registersOf(vga) },
          ...(places === undefined ? {} : { address: places.registers }),
        },
      },
      addressSpace: {
        mapPorts: (first, count, device) => addressSpace.mapPorts(first, count, device),
        mapMemory: (address, size, device) =>
          device === frameBuffer
            ? mapFrameBuffer(address, size)
            : addressSpace.mapMemory(address, size, device),
      },
      initial:
        places === undefined ? [] : [[pciRegister.command, pciCommand.ports | pciCommand.memory]],
      writable:
        romBytes === 0
          ? []
          : [[pciRegister.rom, mask & 0xff, (mask >> 8) & 0xff, (mask >> 16) & 0xff, mask >>> 24]],
    });
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    return this.#config.readConfig(offset, size);
  }

  /** Writes configuration space; memory and ROM move accordingly. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    this.#config.writeConfig(offset, size, value);
    this.#remapRom();
  }

  /** Takes memory and ROM away. */
  reset(): void {
    this.#config.reset();
    this.#remapRom();
  }

  /** Returns a copy of configuration space. */
  save(): DeviceState {
    return saveState('vga-function', stateVersion, pciConfigShape, this.#config.saveBytes());
  }

  /** Takes over a saved configuration space; memory and ROM move accordingly. */
  restore(state: unknown): void {
    this.#config.restoreBytes(openState(state, 'vga-function', stateVersion, pciConfigShape));
    this.#remapRom();
  }

  #remapRom(): void {
    const register = this.#config.readConfig(pciRegister.rom, 4);
    const isOn = (register & romEnable) !== 0 && (this.#config.command & pciCommand.memory) !== 0;
    const base = (register & 0xffff_f800) >>> 0;
    const isPlace = base !== 0 && base + this.#romBytes < 2 ** 32;
    const address = isOn && isPlace ? base : -1;
    if (address !== (this.#rom?.address ?? -1)) {
      this.#rom?.mapping.release();
      this.#rom = undefined;
      if (address >= 0 && this.#mapRom !== undefined) {
        this.#rom = { address, mapping: this.#mapRom(address, this.#romBytes) };
      }
    }
  }
}

/** The display's EDID, the ports and the VBE registers as they stand in memory. */
function registersOf(vga: Vga): MmioDevice {
  const { ports, portCount, vbe, vbeCount } = registerWindow;
  const edid = edidBlock();
  const isPort = (address: number): boolean => address >= ports && address < ports + portCount;
  const isVbe = (address: number, size: AccessSize): boolean =>
    size === 2 && address >= vbe && address < vbe + vbeCount;
  return {
    readMmio: (address, size) => {
      if (isPort(address)) {
        let value = 0;
        for (let byte = 0; byte < size; byte += 1) {
          value |= vga.readPort(vgaPort.attribute + address - ports + byte, 1) << (8 * byte);
        }
        return value >>> 0;
      }
      if (isVbe(address, size)) {
        vga.writePort(vgaPort.vbeIndex, 2, (address - vbe) >> 1);
        return vga.readPort(vgaPort.vbeData, 2);
      }
      let value = 0;
      for (let byte = 0; byte < size; byte += 1) {
        value |= (edid[address + byte] ?? 0) << (8 * byte);
      }
      return value >>> 0;
    },
    writeMmio: (address, size, value) => {
      if (isPort(address)) {
        for (let byte = 0; byte < size; byte += 1) {
          const port = vgaPort.attribute + address - ports + byte;
          vga.writePort(port, 1, (value >>> (8 * byte)) & 0xff);
        }
      } else if (isVbe(address, size)) {
        vga.writePort(vgaPort.vbeIndex, 2, (address - vbe) >> 1);
        vga.writePort(vgaPort.vbeData, 2, value);
      }
    },
  };
}
