/**
 * The PIIX4 power management function: where the ACPI ports stand (82371AB data sheet, section
 * 7.1).
 */
import type { AccessSize, DeviceState, PortDevice, Resettable, Saveable } from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import {
  pciConfigShape,
  PciConfigSpace,
  type PciAddressSpace,
  type PciFunction,
  type PciMapping,
} from './function.ts';
import * as reg from './registers.ts';

const stateVersion = 1;

/** What the power management function is connected to. */
export interface PowerManagementFunctionOptions {
  /** The 64 ports of the ACPI registers; it is given offsets from their base. */
  readonly registers: PortDevice;
  /** Where the ports are mapped. */
  readonly addressSpace: PciAddressSpace;
  /**
   * Where the ports stand after reset; hardware has them off until firmware puts them somewhere. A
   * machine that boots without firmware gives the base that its ACPI tables name.
   */
  readonly base?: number;
}

/** The function 00:01.3 of an i440FX PC with a PIIX4. */
export class PowerManagementFunction implements PciFunction, Saveable, Resettable {
  readonly #config: PciConfigSpace;
  readonly #registers: PortDevice;
  readonly #addressSpace: PciAddressSpace;
  #base = -1;
  #mapping: PciMapping | undefined;

  /** Makes the function and, with a base, maps its ports. */
  constructor(options: PowerManagementFunctionOptions) {
    const { base } = options;
    this.#registers = options.registers;
    this.#addressSpace = options.addressSpace;
    this.#config = new PciConfigSpace({
      vendor: reg.pciIdentity.intel,
      device: reg.pciIdentity.powerManagement,
      revision: 3,
      classCode: 0x06_8000,
      subsystem: reg.virtualSubsystem,
      interruptPin: 1,
      initial: [
        [reg.pciRegister.command, 0x00, 0x00, 0x80, 0x02],
        [reg.pciRegister.interruptLine, 9],
        [reg.pmBase, ((base ?? 0) & 0xc0) | 1, (base ?? 0) >> 8],
        // DEVACTB bit 25, APMC_EN: to SeaBIOS this means that SMM is set up, and there is none
        // here.
        [0x5b, 0x02],
        [reg.pmRegMisc, base === undefined ? 0 : 1],
        [0x90, 0x01],
      ],
      writable: [
        [reg.pmBase, 0xc0, 0xff],
        [0x44, ...Array.from({ length: 0x3c }, () => 0xff)],
        [reg.pmRegMisc, 0x01],
        [0x90, 0xf0, 0xff],
        [0xd2, 0x0f, 0xff, 0xff, 0xff],
      ],
    });
    this.#remap();
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    return this.#config.readConfig(offset, size);
  }

  /** Writes configuration space and moves the ports accordingly. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    this.#config.writeConfig(offset, size, value);
    this.#remap();
  }

  /** Puts the ports back to where they stand after reset. */
  reset(): void {
    this.#config.reset();
    this.#remap();
  }

  /** Returns a copy of configuration space. */
  save(): DeviceState {
    const bytes = this.#config.saveBytes();
    return saveState('pci-power-management', stateVersion, pciConfigShape, bytes);
  }

  /** Takes over a saved configuration space and maps the ports accordingly. */
  restore(state: unknown): void {
    const saved = openState(state, 'pci-power-management', stateVersion, pciConfigShape);
    this.#config.restoreBytes(saved);
    this.#remap();
  }

  #remap(): void {
    const enabled = (this.#config.byte(reg.pmRegMisc) & 1) !== 0;
    const address = this.#config.readConfig(reg.pmBase, 2) & 0xffc0;
    const base = enabled && address !== 0 ? address : -1;
    if (base !== this.#base) {
      this.#mapping?.release();
      this.#base = base;
      this.#mapping =
        base < 0 ? undefined : this.#addressSpace.mapPorts(base, reg.pmPortCount, this.#registers);
    }
  }
}
