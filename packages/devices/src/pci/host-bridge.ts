/**
 * The 82441FX host bridge: identity, and the PAM registers that put RAM under the BIOS (order
 * 290549).
 */
import type { AccessSize, DeviceState, Resettable, Saveable } from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { pciConfigShape, PciConfigSpace, type PciFunction } from './function.ts';
import * as reg from './registers.ts';

const stateVersion = 1;

/**
 * A segment between 0xc0000 and 0xfffff, and where its accesses go: to memory, or else to the ROM.
 */
export interface ShadowSegment {
  /** The guest-physical address. */
  readonly start: number;
  /** The number of bytes: 16 KiB, or 64 KiB for the segment at 0xf0000. */
  readonly size: number;
  /** Reads go to memory. */
  readonly reads: boolean;
  /** Writes go to memory. */
  readonly writes: boolean;
}

/** What the host bridge is connected to. */
export interface HostBridgeOptions {
  /** Told of each segment whose attributes changed; at reset all go to the ROM. */
  readonly shadowChanged?: (segment: ShadowSegment) => void;
}

/** The function 00:00.0 of an i440FX PC. */
export class HostBridge implements PciFunction, Saveable, Resettable {
  readonly #config = new PciConfigSpace({
    vendor: reg.pciIdentity.intel,
    device: reg.pciIdentity.hostBridge,
    revision: 2,
    classCode: 0x06_0000,
    // By this subsystem SeaBIOS knows a virtual board, whose memory and files it asks fw_cfg for.
    subsystem: reg.virtualSubsystem,
    // Command after reset: memory and bus master, which cannot be cleared (section 3.2.3).
    initial: [[reg.pciRegister.command, 0x06, 0x00, 0x80, 0x02]],
    // The registers of the DRAM controller are kept and do nothing.
    writable: [
      [reg.pciRegister.command, 0x40, 0x01],
      [0x50, ...Array.from({ length: 0xb0 }, () => 0xff)],
    ],
  });
  readonly #shadowChanged: ((segment: ShadowSegment) => void) | undefined;

  /** Makes the bridge. */
  constructor(options: HostBridgeOptions = {}) {
    this.#shadowChanged = options.shadowChanged;
  }

  /** Returns the attributes of all 13 segments (82441FX data sheet, section 3.2.18, table 3). */
  segments(): ShadowSegment[] {
    const segments: ShadowSegment[] = [];
    for (let start = 0xc_0000; start < 0xf_0000; start += 0x4000) {
      const index = (start - 0xc_0000) >> 14;
      const byte = this.#config.byte(reg.pamFirst + 1 + (index >> 1));
      segments.push(segment(start, 0x4000, (index & 1) !== 0 ? byte >> 4 : byte));
    }
    segments.push(segment(0xf_0000, 0x1_0000, this.#config.byte(reg.pamFirst) >> 4));
    return segments;
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    return this.#config.readConfig(offset, size);
  }

  /** Writes configuration space and tells which segments changed. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    this.#announce(() => {
      this.#config.writeConfig(offset, size, value);
    });
  }

  /** Sends all segments to the ROM. */
  reset(): void {
    this.#announce(() => {
      this.#config.reset();
    });
  }

  /** Returns a copy of configuration space. */
  save(): DeviceState {
    return saveState('pci-host-bridge', stateVersion, pciConfigShape, this.#config.saveBytes());
  }

  /** Takes over a saved configuration space and tells which segments changed. */
  restore(state: unknown): void {
    const saved = openState(state, 'pci-host-bridge', stateVersion, pciConfigShape);
    this.#announce(() => {
      this.#config.restoreBytes(saved);
    });
  }

  #announce(change: () => void): void {
    const before = this.segments();
    change();
    for (const [index, after] of this.segments().entries()) {
      const old = before[index];
      if (old?.reads !== after.reads || old.writes !== after.writes) {
        this.#shadowChanged?.(after);
      }
    }
  }
}

function segment(start: number, size: number, attributes: number): ShadowSegment {
  const reads = (attributes & reg.pamRead) !== 0;
  return { start, size, reads, writes: (attributes & reg.pamWrite) !== 0 };
}
